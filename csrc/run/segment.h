// A piece of the block cache's memory: entries one behind the other, written once, given back as a whole.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "run/cache.h"
#include "vfs/pages.h"

namespace tsfeat::run {

class Segment {
 public:
  // What segments of one cache share; outlives them.
  struct Home {
    explicit Home(std::shared_ptr<PagePool> pool_) : pool(std::move(pool_)) {}
    const std::shared_ptr<PagePool> pool;
    std::atomic<uint64_t> held_bytes{0};  // of all segments, also of those that wait to be freed
  };
  static Segment* make(size_t bytes, Home* home);
  static void free(void* segment);  // as EpochDomain::retire takes it

  static size_t entry_bytes(size_t block_bytes) { return (sizeof(CacheEntry) + block_bytes + 15) / 16 * 16; }

  size_t bytes() const { return bytes_; }
  size_t left() const { return bytes_ - filled_; }
  // There is room (entry_bytes).
  CacheEntry* write(CacheSlot* slot, Bytes block);

  // The sweep's hand.
  bool swept() const { return swept_ == filled_; }
  size_t left_to_sweep() const { return filled_ - swept_; }
  CacheEntry* sweep_next();
  // Entries may be kept as long as they are no more than half of what was swept, and a quarter of the segment: so
  // emptying a segment always gains room, and never takes long at once.
  bool may_copy() const { return 2 * copied_ <= swept_ + bytes_ / 2; }
  void note_copy(size_t bytes) { copied_ += bytes; }

 private:
  Segment() = default;

  uint8_t* memory_ = nullptr;
  size_t bytes_ = 0;
  size_t filled_ = 0;
  size_t swept_ = 0;
  size_t copied_ = 0;
  Home* home_ = nullptr;
};

}  // namespace tsfeat::run
