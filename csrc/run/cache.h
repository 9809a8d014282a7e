// The block cache: verified, inflated blocks of runs, within a byte budget that may change at any time.
//
// Each run has an array of slots, one a block; a slot holds its block's entry while that is cached, so a hit costs
// one load, not a hash. Readers pin an epoch (EpochGuard on epochs()) around use: what they got stays valid until
// they unpin, evicted or not. A run's destructor drops its slots. Thread-safe. The cache outlives the runs that use it.
//
// Entries are written one behind the other into segments, and the oldest segment is emptied when a new one is due: an
// entry that was used since it was written is copied to the newest segment, one that was not leaves (CLOCK, with the
// ring laid out in memory). So what is given up goes back to the pool in whole segments, nothing is lost between
// entries, and hot blocks stand side by side, in huge pages where the system has them. The budget covers segments; one
// that is given up is freed a little later, when no pin can see it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/epoch.h"
#include "base/status.h"
#include "vfs/pages.h"

namespace tsfeat {

struct CacheSlot;

// A header in front of the block's bytes.
struct CacheEntry {
  CacheSlot* slot = nullptr;  // null once it left; the cache's lock guards it
  uint32_t size = 0;
  std::atomic<uint32_t> used{0};  // since it was written here

  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(this + 1); }
};

struct CacheSlot {
  std::atomic<CacheEntry*> entry{nullptr};
};

struct CacheStats {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t evictions = 0;
  uint64_t bytes = 0;       // of the entries that are in their slots
  uint64_t held_bytes = 0;  // of segments, those included that wait for a pin
  uint64_t capacity_bytes = 0;
};

class BlockCache {
 public:
  static std::shared_ptr<BlockCache> create(uint64_t capacity_bytes,
                                            std::shared_ptr<PagePool> pool = PagePool::create(0));
  virtual ~BlockCache() = default;

  // The block in the slot, or an empty span. Valid while the caller's pin lives. Writes only where that changes
  // something, so that hot blocks stay shared between processors' caches.
  static Bytes find(CacheSlot& slot) {
    CacheEntry* entry = slot.entry.load(std::memory_order_acquire);
    if (entry == nullptr) return {};
    if (entry->used.load(std::memory_order_relaxed) == 0) entry->used.store(1, std::memory_order_relaxed);
    return {entry->data(), entry->size};
  }
  // Puts a (not empty) block there (if another thread was first, its copy wins) and returns what is to be used;
  // evicts to stay within the budget. A block is readable while the pin lives even if the cache is too small to keep
  // it.
  virtual Bytes insert(CacheSlot& slot, Bytes block) = 0;
  // No entry of these slots remains; no reader uses them any more.
  virtual void drop(std::span<CacheSlot> slots) = 0;
  // Sources of readers count for themselves and tell at their end: a shared counter would be written by every read.
  virtual void count(uint64_t hits, uint64_t misses) = 0;
  virtual EpochDomain& epochs() = 0;
  virtual CacheStats stats() const = 0;
  virtual void set_capacity(uint64_t bytes) = 0;
};

}  // namespace tsfeat
