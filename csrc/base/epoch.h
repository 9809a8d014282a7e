// Epoch-based reclamation, for structures that many threads read without a lock and few change: when may what was
// unlinked be freed? When every thread that could still see it has left.
//
//   reader                                writer
//     EpochGuard guard(domain);             unlink the object, so that no new reader finds it
//     read shared pointers, follow them     domain.retire(object, free_it)
//
// Purpose: a reader pays one store to a cache line of its own and two loads of a line that seldom changes, never a lock
// and never a reference count.
//
// Ownership: retire() takes the object; the domain frees it, on any thread that retires, sweeps or destroys the domain.
// What a reader found stays valid until the outermost guard that it was found under dies. The domain outlives its
// guards; threads that used a domain may outlive it, or die at any time.
//
// Threads: everything may be called by every thread at once. A guard lives and dies on one thread, and not in the
// destructor of a thread_local object. `free` is called with no lock held and may itself retire; it must not wait for
// other guards.
//
// Invariants:
// - the epoch only grows, and only under the lock that guards the list of what is retired;
// - a slot holds 0, or an epoch that was current when its thread's outermost guard was made, or a little older;
// - an object retired in epoch t is freed only after the epoch has passed t and every slot was then seen to hold 0 or
//   more than t. (A reader whose slot was seen as 0 too early reads the epoch again after it has filled its slot; that
//   load sees the writer's newer epoch, hence the unlinking as well. No fence is needed, so tsan can follow it all.)
//
// Bounded work: a retire() frees at most kFreedPerSweep objects, and looks at the slots only at every
// kRetiredPerSweep-th call. A guard held for long holds back memory, not threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace tsfeat {

namespace epoch_internal {

// One per thread and domain, alone on its cache line.
struct alignas(64) Slot {
  std::atomic<uint64_t> epoch{0};  // 0: outside
  uint32_t depth = 0;              // of nested guards; the owning thread's only
  bool taken = false;              // under the core's lock
};

struct Core;

// The slot that this thread used last; remembers one domain, so that the usual case is one comparison.
struct LastSlot {
  uint64_t domain_id = 0;  // never given twice; 0 is no domain
  Slot* slot = nullptr;
};
inline thread_local constinit LastSlot last_slot;

}  // namespace epoch_internal

class EpochDomain {
 public:
  static constexpr size_t kRetiredPerSweep = 16;
  static constexpr size_t kFreedPerSweep = 64;

  EpochDomain();
  ~EpochDomain();  // frees everything that was retired; no guard may be alive
  EpochDomain(const EpochDomain&) = delete;
  EpochDomain& operator=(const EpochDomain&) = delete;

  // Takes a pointer that no new reader can find; calls free(pointer) once no old reader can hold it. If it throws
  // bad_alloc, nothing was taken.
  void retire(void* pointer, void (*free)(void*));
  // Frees what may be freed now; returns how many objects still wait.
  size_t sweep();
  size_t pending() const;

 private:
  friend class EpochGuard;
  epoch_internal::Slot* slot() {
    const epoch_internal::LastSlot& last = epoch_internal::last_slot;
    return last.domain_id == id_ ? last.slot : find_slot();
  }
  epoch_internal::Slot* find_slot();

  const uint64_t id_;
  const std::shared_ptr<epoch_internal::Core> core_;
  std::atomic<uint64_t>& epoch_;  // lives in the core
};

class EpochGuard {
 public:
  explicit EpochGuard(EpochDomain& domain) : slot_(domain.slot()) {
    if (slot_->depth++ > 0) return;
    slot_->epoch.store(domain.epoch_.load(std::memory_order_relaxed), std::memory_order_seq_cst);
    // For its ordering, not its value: see the last invariant above.
    static_cast<void>(domain.epoch_.load(std::memory_order_seq_cst));
  }
  ~EpochGuard() {
    if (--slot_->depth == 0) slot_->epoch.store(0, std::memory_order_release);
  }
  EpochGuard(const EpochGuard&) = delete;
  EpochGuard& operator=(const EpochGuard&) = delete;

 private:
  epoch_internal::Slot* slot_;
};

}  // namespace tsfeat
