#include "run/cache.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>

#include "run/segment.h"
#include "vfs/pages.h"

namespace tsfeat {
namespace {

using run::Segment;

// Segments are page blocks, but for a small cache, which has so many smaller ones.
constexpr uint64_t kSegmentsOfSmallCache = 32;
constexpr uint64_t kLeastSegmentBytes = 4096;

uint64_t segment_bytes_for(uint64_t capacity) {
  return std::clamp<uint64_t>(capacity / kSegmentsOfSmallCache, kLeastSegmentBytes, kPageBlockBytes);
}

class SegmentCache final : public BlockCache {
 public:
  SegmentCache(uint64_t capacity, std::shared_ptr<PagePool> pool)
      : home_(std::move(pool)), capacity_(capacity), segment_bytes_(segment_bytes_for(capacity)) {}
  ~SegmentCache() override {
    for (Segment* segment : segments_) Segment::free(segment);
  }

  Bytes insert(CacheSlot& slot, Bytes block) override {
    const size_t bytes = Segment::entry_bytes(block.size());
    const std::lock_guard held(lock_);
    if (const Bytes theirs = find(slot); !theirs.empty()) return theirs;
    if (bytes > capacity_) {
      // Never in a slot: only the caller's pin keeps it.
      Segment* const alone = Segment::make(bytes, &home_);
      const CacheEntry* const entry = alone->write(nullptr, block);
      retire(alone);
      return {entry->data(), entry->size};
    }
    CacheEntry* const entry = room_for(bytes).write(&slot, block);
    live_bytes_ += bytes;
    slot.entry.store(entry, std::memory_order_release);
    sweep_ahead();
    return {entry->data(), entry->size};
  }

  void drop(std::span<CacheSlot> slots) override {
    for (CacheSlot& slot : slots) {
      // Who emptied it is done with it: the caller may free it.
      if (slot.entry.load(std::memory_order_acquire) == nullptr) continue;
      const std::lock_guard held(lock_);
      if (CacheEntry* entry = slot.entry.load(std::memory_order_relaxed); entry != nullptr) unlink(*entry);
    }
  }

  void count(uint64_t hits, uint64_t misses) override {
    hits_.fetch_add(hits, std::memory_order_relaxed);
    misses_.fetch_add(misses, std::memory_order_relaxed);
  }

  EpochDomain& epochs() override { return domain_; }

  CacheStats stats() const override {
    const std::lock_guard held(lock_);
    return {hits_.load(std::memory_order_relaxed),
            misses_.load(std::memory_order_relaxed),
            evictions_,
            live_bytes_,
            home_.held_bytes.load(std::memory_order_relaxed),
            capacity_};
  }

  void set_capacity(uint64_t bytes) override {
    const std::lock_guard held(lock_);
    capacity_ = bytes;
    segment_bytes_ = segment_bytes_for(bytes);
    while (segment_total_ > capacity_) give_up_oldest();
  }

 private:
  // Where an entry of so many bytes goes; the newest segment, or one of its own if it would fill much of one.
  Segment& room_for(size_t bytes) {
    if (filling_ != nullptr && bytes <= filling_->left()) return *filling_;
    const bool alone = bytes > segment_bytes_ / 4;
    const size_t wanted = alone ? bytes : std::min<uint64_t>(segment_bytes_, capacity_);
    while (segment_total_ + wanted > capacity_) give_up_oldest();
    // What was kept of the oldest may have made room, or filled it.
    if (!alone && filling_ != nullptr && bytes <= filling_->left()) return *filling_;
    std::unique_ptr<Segment, decltype(&Segment::free)> made(Segment::make(wanted, &home_), &Segment::free);
    segments_.push_back(made.get());
    Segment& segment = *made.release();
    segment_total_ += wanted;
    if (!alone) filling_ = &segment;
    return segment;
  }

  // A new segment will be due when the one being filled is full. If there is no budget for it, the oldest is emptied at
  // the pace at which the newest fills, and a little sooner: what is kept of it must find room.
  void sweep_ahead() {
    if (filling_ == nullptr || segment_total_ + segment_bytes_ <= capacity_) return;
    Segment& oldest = *segments_.front();
    if (&oldest == filling_) return;
    while (!oldest.swept() && oldest.left_to_sweep() + segment_bytes_ / 4 > filling_->left()) sweep_one(oldest);
    if (oldest.swept()) give_up_oldest();
  }

  void sweep_one(Segment& oldest) {
    CacheEntry& entry = *oldest.sweep_next();
    if (entry.slot == nullptr) return;
    const size_t bytes = Segment::entry_bytes(entry.size);
    const bool keep = entry.used.load(std::memory_order_relaxed) != 0 && oldest.may_copy() && filling_ != nullptr &&
                      filling_ != &oldest && bytes <= filling_->left();
    if (!keep) {
      unlink(entry);
      ++evictions_;
      return;
    }
    oldest.note_copy(bytes);
    CacheSlot* const slot = entry.slot;
    entry.slot = nullptr;
    slot->entry.store(filling_->write(slot, {entry.data(), entry.size}), std::memory_order_release);
  }

  void give_up_oldest() {
    Segment* const oldest = segments_.front();
    while (!oldest->swept()) sweep_one(*oldest);
    segment_total_ -= oldest->bytes();
    if (filling_ == oldest) filling_ = nullptr;
    segments_.pop_front();
    retire(oldest);
  }

  void retire(Segment* segment) {
    domain_.retire(segment, Segment::free);
    domain_.sweep();  // segments are few and large: they do not wait for others
  }

  // Out of its slot; its bytes go with its segment.
  void unlink(CacheEntry& entry) {
    entry.slot->entry.store(nullptr, std::memory_order_release);
    entry.slot = nullptr;
    live_bytes_ -= Segment::entry_bytes(entry.size);
  }

  Segment::Home home_;  // outlives the domain, which frees what is still retired
  EpochDomain domain_;
  mutable std::mutex lock_;
  uint64_t capacity_;
  uint64_t segment_bytes_;
  std::deque<Segment*> segments_;  // the oldest first
  Segment* filling_ = nullptr;     // one of them, or none
  uint64_t segment_total_ = 0;     // bytes of segments_
  uint64_t live_bytes_ = 0;
  uint64_t evictions_ = 0;
  alignas(64) std::atomic<uint64_t> hits_{0};
  std::atomic<uint64_t> misses_{0};
};

}  // namespace

std::shared_ptr<BlockCache> BlockCache::create(uint64_t capacity_bytes, std::shared_ptr<PagePool> pool) {
  return std::make_shared<SegmentCache>(capacity_bytes, std::move(pool));
}

}  // namespace tsfeat
