// Keys to tails: an open-addressing hash table that readers probe without locks while the one writer inserts and grows
// it. A grown table is published whole; the old ones live on until the memtable dies, for readers that still probe
// them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "memtable/tail.h"

namespace tsfeat {

class TailTable {
 public:
  TailTable() { publish(kFirstSlots); }

  void prefetch(uint64_t hash) const {
    const Slots& slots = *current_.load(std::memory_order_acquire);
    __builtin_prefetch(&slots.at[hash & slots.mask]);
  }
  // A tail with this hash, if there is one: probably the key's (compare before use).
  Tail* guess(uint64_t hash) const {
    const Slots& slots = *current_.load(std::memory_order_acquire);
    for (uint64_t at = hash & slots.mask;; at = (at + 1) & slots.mask) {
      Tail* const tail = slots.at[at].tail.load(std::memory_order_acquire);
      if (tail == nullptr || slots.at[at].hash == hash) return tail;
    }
  }
  Tail* find(const KeyView& key, uint64_t hash) const {
    const Slots& slots = *current_.load(std::memory_order_acquire);
    for (uint64_t at = hash & slots.mask;; at = (at + 1) & slots.mask) {
      Tail* const tail = slots.at[at].tail.load(std::memory_order_acquire);
      if (tail == nullptr || (slots.at[at].hash == hash && tail->key() == key)) return tail;
    }
  }
  // The writer's alone. The key is not there yet.
  void insert(Tail* tail, uint64_t hash) {
    if (3 * (size_ + 1) > 2 * all_.back()->mask) grow();
    place(*all_.back(), tail, hash);
    ++size_;
  }
  // Every tail that was inserted before the call (and perhaps later ones).
  template <typename Visit>
  void for_each(Visit visit) const {
    const Slots& slots = *current_.load(std::memory_order_acquire);
    for (uint64_t at = 0; at <= slots.mask; ++at) {
      if (const Tail* tail = slots.at[at].tail.load(std::memory_order_acquire); tail != nullptr) visit(tail);
    }
  }
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint64_t kFirstSlots = 64;

  struct Slot {
    std::atomic<Tail*> tail{nullptr};
    uint64_t hash = 0;  // written before the tail is published
  };
  struct Slots {
    uint64_t mask = 0;
    std::unique_ptr<Slot[]> at;
  };

  static void place(Slots& slots, Tail* tail, uint64_t hash) {
    uint64_t at = hash & slots.mask;
    while (slots.at[at].tail.load(std::memory_order_relaxed) != nullptr) at = (at + 1) & slots.mask;
    slots.at[at].hash = hash;
    slots.at[at].tail.store(tail, std::memory_order_release);
  }
  void publish(uint64_t count) {
    auto slots = std::make_unique<Slots>();
    slots->mask = count - 1;
    slots->at = std::make_unique<Slot[]>(count);
    if (!all_.empty()) {
      const Slots& old = *all_.back();
      for (uint64_t at = 0; at <= old.mask; ++at) {
        Tail* const tail = old.at[at].tail.load(std::memory_order_relaxed);
        if (tail != nullptr) place(*slots, tail, old.at[at].hash);
      }
    }
    bytes_.fetch_add(sizeof(Slots) + count * sizeof(Slot), std::memory_order_relaxed);
    all_.push_back(std::move(slots));
    current_.store(all_.back().get(), std::memory_order_release);
  }
  void grow() { publish(2 * (all_.back()->mask + 1)); }

  std::vector<std::unique_ptr<Slots>> all_;
  std::atomic<const Slots*> current_{nullptr};
  uint64_t size_ = 0;
  std::atomic<size_t> bytes_{0};
};

}  // namespace tsfeat
