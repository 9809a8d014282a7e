#include "base/epoch.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <deque>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

namespace tsfeat {

namespace epoch_internal {

struct Retired {
  uint64_t epoch;
  void* pointer;
  void (*free)(void*);
};

// What a domain shares with the threads that used it; the last of them frees it.
struct Core {
  std::atomic<uint64_t> epoch{1};
  std::atomic<bool> closed{false};  // the domain is gone
  std::mutex lock;
  // Under the lock:
  std::deque<Slot> slots;       // a deque never moves them; they are reused, not freed
  std::deque<Retired> retired;  // oldest first
  size_t since_sweep = 0;
};

namespace {

// This thread's slots, given back when it ends.
class ThreadSlots {
 public:
  ~ThreadSlots() {
    last_slot = {};
    for (const Entry& entry : entries_) give_back(entry);
  }

  Slot* find(uint64_t domain_id) const {
    for (const Entry& entry : entries_) {
      if (entry.domain_id == domain_id) return entry.slot;
    }
    return nullptr;
  }

  Slot* take(uint64_t domain_id, const std::shared_ptr<Core>& core) {
    std::erase_if(entries_, [](const Entry& entry) { return entry.core->closed.load(std::memory_order_acquire); });
    entries_.reserve(entries_.size() + 1);  // so that nothing throws while a slot is taken but not noted
    const std::lock_guard held(core->lock);
    auto at = std::find_if(core->slots.begin(), core->slots.end(), [](const Slot& slot) { return !slot.taken; });
    Slot& slot = at != core->slots.end() ? *at : core->slots.emplace_back();
    slot.taken = true;
    entries_.push_back({domain_id, &slot, core});
    return &slot;
  }

 private:
  struct Entry {
    uint64_t domain_id;
    Slot* slot;
    std::shared_ptr<Core> core;
  };

  static void give_back(const Entry& entry) {
    const std::lock_guard held(entry.core->lock);
    entry.slot->taken = false;
  }

  std::vector<Entry> entries_;
};

thread_local ThreadSlots thread_slots;

uint64_t next_domain_id() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

// Moves what no reader can hold, up to the size of `out`, from the core's list; returns how many. Under the lock.
size_t collect(Core& core, std::array<Retired, EpochDomain::kFreedPerSweep>* out) {
  core.since_sweep = 0;
  core.epoch.fetch_add(1, std::memory_order_seq_cst);  // before the slots are looked at
  uint64_t oldest = std::numeric_limits<uint64_t>::max();
  for (const Slot& slot : core.slots) {
    const uint64_t epoch = slot.epoch.load(std::memory_order_seq_cst);
    if (epoch != 0) oldest = std::min(oldest, epoch);
  }
  size_t count = 0;
  while (count < out->size() && !core.retired.empty() && core.retired.front().epoch < oldest) {
    (*out)[count++] = core.retired.front();
    core.retired.pop_front();
  }
  return count;
}

}  // namespace
}  // namespace epoch_internal

using epoch_internal::collect;
using epoch_internal::Retired;

EpochDomain::EpochDomain()
    : id_(epoch_internal::next_domain_id()), core_(std::make_shared<epoch_internal::Core>()), epoch_(core_->epoch) {}

EpochDomain::~EpochDomain() {
  core_->closed.store(true, std::memory_order_release);
  for (;;) {  // freeing one object may retire another
    std::deque<Retired> rest;
    {
      const std::lock_guard held(core_->lock);
      assert(std::all_of(core_->slots.begin(), core_->slots.end(), [](const auto& slot) { return slot.epoch == 0; }));
      rest.swap(core_->retired);
    }
    if (rest.empty()) return;
    for (const Retired& object : rest) object.free(object.pointer);
  }
}

epoch_internal::Slot* EpochDomain::find_slot() {
  epoch_internal::Slot* found = epoch_internal::thread_slots.find(id_);
  if (found == nullptr) found = epoch_internal::thread_slots.take(id_, core_);
  epoch_internal::last_slot = {id_, found};
  return found;
}

void EpochDomain::retire(void* pointer, void (*free)(void*)) {
  std::array<Retired, kFreedPerSweep> ready;
  size_t count = 0;
  {
    const std::lock_guard held(core_->lock);
    core_->retired.push_back({core_->epoch.load(std::memory_order_relaxed), pointer, free});
    if (++core_->since_sweep >= kRetiredPerSweep) count = collect(*core_, &ready);
  }
  for (size_t i = 0; i < count; ++i) ready[i].free(ready[i].pointer);
}

size_t EpochDomain::sweep() {
  std::array<Retired, kFreedPerSweep> ready;
  for (;;) {
    size_t count = 0;
    size_t left = 0;
    {
      const std::lock_guard held(core_->lock);
      count = collect(*core_, &ready);
      left = core_->retired.size();
    }
    for (size_t i = 0; i < count; ++i) ready[i].free(ready[i].pointer);
    if (count < ready.size()) return left;
  }
}

size_t EpochDomain::pending() const {
  const std::lock_guard held(core_->lock);
  return core_->retired.size();
}

}  // namespace tsfeat
