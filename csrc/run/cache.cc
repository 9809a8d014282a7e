#include "run/cache.h"

#include <cassert>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>

namespace tsfeat {
namespace {

constexpr uint64_t kAllocatorBytes = 16;  // what the heap adds to an entry, about

void free_entry(void* pointer) {
  auto* entry = static_cast<CacheEntry*>(pointer);
  entry->~CacheEntry();
  ::operator delete(pointer);
}

CacheEntry* make_entry(CacheSlot* slot, Bytes block) {
  assert(!block.empty() && block.size() <= std::numeric_limits<uint32_t>::max());
  auto* entry = new (::operator new(sizeof(CacheEntry) + block.size())) CacheEntry;
  entry->slot = slot;
  entry->size = static_cast<uint32_t>(block.size());
  std::memcpy(reinterpret_cast<uint8_t*>(entry + 1), block.data(), block.size());
  return entry;
}

uint64_t charge(const CacheEntry& entry) { return sizeof(CacheEntry) + entry.size + kAllocatorBytes; }

// Entries form a ring. The hand points at the oldest: one that was used since the hand's last visit gets another
// turn, one that was not leaves. New entries go behind the hand, so a scan's blocks leave before anything that was
// used twice.
class ClockCache final : public BlockCache {
 public:
  explicit ClockCache(uint64_t capacity) : capacity_(capacity) {}
  ~ClockCache() override {
    while (hand_ != nullptr) free_entry(unlink(hand_));
  }

  Bytes insert(CacheSlot& slot, Bytes block) override {
    CacheEntry* entry = make_entry(&slot, block);
    const std::lock_guard held(lock_);
    if (const Bytes theirs = find(slot); !theirs.empty()) {
      free_entry(entry);
      return theirs;
    }
    const Bytes bytes(entry->data(), entry->size);
    if (charge(*entry) > capacity_) {
      domain_.retire(entry, free_entry);  // never in a slot: only the caller's pin keeps it
      return bytes;
    }
    evict(capacity_ - charge(*entry));
    link(entry);
    slot.entry.store(entry, std::memory_order_release);
    return bytes;
  }

  void drop(std::span<CacheSlot> slots) override {
    for (CacheSlot& slot : slots) {
      if (slot.entry.load(std::memory_order_relaxed) == nullptr) continue;
      const std::lock_guard held(lock_);
      if (CacheEntry* entry = slot.entry.load(std::memory_order_relaxed); entry != nullptr) free_entry(unlink(entry));
    }
  }

  void count(uint64_t hits, uint64_t misses) override {
    hits_.fetch_add(hits, std::memory_order_relaxed);
    misses_.fetch_add(misses, std::memory_order_relaxed);
  }

  EpochDomain& epochs() override { return domain_; }

  CacheStats stats() const override {
    const std::lock_guard held(lock_);
    return {hits_.load(std::memory_order_relaxed), misses_.load(std::memory_order_relaxed), evictions_, bytes_,
            capacity_};
  }

  void set_capacity(uint64_t bytes) override {
    const std::lock_guard held(lock_);
    capacity_ = bytes;
    evict(capacity_);
  }

 private:
  void evict(uint64_t most_bytes) {
    while (bytes_ > most_bytes) {
      if (hand_->used.load(std::memory_order_relaxed) != 0) {
        hand_->used.store(0, std::memory_order_relaxed);
        hand_ = hand_->after;
        continue;
      }
      domain_.retire(unlink(hand_), free_entry);
      ++evictions_;
    }
  }

  void link(CacheEntry* entry) {
    bytes_ += charge(*entry);
    if (hand_ == nullptr) {
      entry->before = entry->after = hand_ = entry;
      return;
    }
    entry->after = hand_;
    entry->before = hand_->before;
    entry->before->after = entry;
    hand_->before = entry;
  }

  // Out of its slot and out of the ring.
  CacheEntry* unlink(CacheEntry* entry) {
    entry->slot->entry.store(nullptr, std::memory_order_release);
    bytes_ -= charge(*entry);
    if (hand_ == entry) hand_ = entry->after == entry ? nullptr : entry->after;
    entry->before->after = entry->after;
    entry->after->before = entry->before;
    return entry;
  }

  EpochDomain domain_;
  mutable std::mutex lock_;
  uint64_t capacity_;
  uint64_t bytes_ = 0;
  uint64_t evictions_ = 0;
  CacheEntry* hand_ = nullptr;
  alignas(64) std::atomic<uint64_t> hits_{0};
  std::atomic<uint64_t> misses_{0};
};

}  // namespace

std::shared_ptr<BlockCache> BlockCache::create(uint64_t capacity_bytes) {
  return std::make_shared<ClockCache>(capacity_bytes);
}

}  // namespace tsfeat
