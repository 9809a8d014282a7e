// Memory that only grows: what the memtable gives out never moves and lives until the memtable dies. One thread
// allocates; any thread may ask for the size. Small tables start with small blocks; a full one has huge pages.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "vfs/pages.h"

namespace tsfeat {

class Arena {
 public:
  explicit Arena(std::shared_ptr<PagePool> pool) : pool_(std::move(pool)) {}
  ~Arena() {
    for (uint8_t* block : pages_) pool_->give_back(block);
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Uninitialized; aligned to 64 bytes if asked, else to 8.
  uint8_t* allocate(size_t bytes, size_t alignment = 8) {
    uint8_t* start = aligned(next_, alignment);
    while (next_ == nullptr || bytes + static_cast<size_t>(start - next_) > left_) {
      // What is large gets a block of its own, so that little is lost of the current one.
      if (bytes > (next_block_bytes_ < kStepBytes ? next_block_bytes_ : kPageBlockBytes) / 4) {
        return aligned(new_block(bytes + alignment), alignment);
      }
      next_block_bytes_ < kStepBytes ? refill() : extend();
      start = aligned(next_, alignment);
    }
    const size_t used = bytes + static_cast<size_t>(start - next_);
    next_ += used;
    left_ -= used;
    return start;
  }
  size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kFirstBlockBytes = 4'096;
  static constexpr size_t kStepBytes = 256 << 10;

  static constexpr std::align_val_t kBlockAlignment{64};
  struct Release {
    void operator()(uint8_t* block) const { ::operator delete(block, kBlockAlignment); }
  };
  using Block = std::unique_ptr<uint8_t, Release>;

  static uint8_t* aligned(uint8_t* at, size_t alignment) {
    const size_t over = reinterpret_cast<uintptr_t>(at) & (alignment - 1);
    return over == 0 ? at : at + (alignment - over);
  }
  // Blocks double, so that an empty table costs little and a full one few calls; what was left of the old block is
  // lost.
  void refill() {
    next_ = new_block(next_block_bytes_);
    left_ = next_block_bytes_;
    next_block_bytes_ *= 2;
  }
  // Pages count as they come into use, not when they are reserved.
  void extend() {
    if (reserved_ == 0) {
      pages_.reserve(pages_.size() + 1);
      pages_.push_back(pool_->take());
      next_ = pages_.back();
      left_ = 0;
      reserved_ = kPageBlockBytes;
    }
    left_ += kStepBytes;
    reserved_ -= kStepBytes;
    bytes_.fetch_add(kStepBytes, std::memory_order_relaxed);
  }
  // Aligned, so that how much fits does not depend on where a block happens to lie: the same history then fills
  // memtables, and so makes files, in the same way each time.
  uint8_t* new_block(size_t size) {
    blocks_.push_back(Block(static_cast<uint8_t*>(::operator new(size, kBlockAlignment))));
    bytes_.fetch_add(size, std::memory_order_relaxed);
    return blocks_.back().get();
  }

  std::vector<Block> blocks_;
  const std::shared_ptr<PagePool> pool_;
  std::vector<uint8_t*> pages_;  // the pool's
  uint8_t* next_ = nullptr;
  size_t left_ = 0;
  size_t reserved_ = 0;  // of the last page block, behind what is left
  size_t next_block_bytes_ = kFirstBlockBytes;
  std::atomic<size_t> bytes_{0};
};

}  // namespace tsfeat
