// What an application remembers of each of its users: an open-addressing hash table from the user to a small struct.
#pragma once

#include <cstdint>
#include <vector>

namespace bench {

template <typename T>
class UserMap {
 public:
  UserMap() : slots_(1024) {}

  // The first step of a look-up, for a batch that does not want to wait for each user's memory in turn.
  void prefetch(uint64_t user) const { __builtin_prefetch(&slots_[hash(user) & (slots_.size() - 1)]); }

  // The user's struct, made new if there is none. Valid until the next call.
  T& at(uint64_t user, bool* is_new) {
    if ((used_ + 1) * 4 > slots_.size() * 3) grow();
    Slot& slot = find(user);
    *is_new = !slot.used;
    if (!slot.used) {
      slot.used = true;
      slot.user = user;
      ++used_;
    }
    return slot.value;
  }

  // Null if there is none.
  T* find_existing(uint64_t user) {
    Slot& slot = find(user);
    return slot.used ? &slot.value : nullptr;
  }

  template <typename Visit>
  void each(Visit visit) {
    for (Slot& slot : slots_) {
      if (slot.used) visit(slot.user, slot.value);
    }
  }
  void clear() {
    slots_.assign(1024, {});
    used_ = 0;
  }

 private:
  struct Slot {
    uint64_t user = 0;
    bool used = false;
    T value{};
  };

  static uint64_t hash(uint64_t user) {
    user *= 0x9E3779B97F4A7C15;
    return user ^ (user >> 32);
  }
  Slot& find(uint64_t user) {
    for (size_t i = hash(user) & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      if (!slots_[i].used || slots_[i].user == user) return slots_[i];
    }
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (Slot& slot : old) {
      if (slot.used) find(slot.user) = std::move(slot);
    }
  }

  std::vector<Slot> slots_;
  size_t used_ = 0;
};

}  // namespace bench
