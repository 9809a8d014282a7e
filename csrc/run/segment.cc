#include "run/segment.h"

#include <cassert>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

namespace tsfeat::run {
namespace {

constexpr size_t kLeastMappedBytes = size_t{64} << 10;  // fewer are malloc's

uint8_t* take(size_t bytes, PagePool& pool) {
  if (bytes == kPageBlockBytes) return pool.take();
  return bytes < kLeastMappedBytes ? static_cast<uint8_t*>(::operator new(bytes)) : map_bytes(bytes);
}

void give_back(uint8_t* memory, size_t bytes, PagePool& pool) {
  if (bytes == kPageBlockBytes) return pool.give_back(memory);
  if (bytes < kLeastMappedBytes) return ::operator delete(memory);
  unmap_bytes(memory, bytes);
}

}  // namespace

Segment* Segment::make(size_t bytes, Home* home) {
  auto segment = std::unique_ptr<Segment>(new Segment);
  segment->memory_ = take(bytes, *home->pool);
  segment->bytes_ = bytes;
  segment->home_ = home;
  home->held_bytes.fetch_add(bytes, std::memory_order_relaxed);
  return segment.release();
}

void Segment::free(void* pointer) {
  const std::unique_ptr<Segment> segment(static_cast<Segment*>(pointer));
  segment->home_->held_bytes.fetch_sub(segment->bytes_, std::memory_order_relaxed);
  give_back(segment->memory_, segment->bytes_, *segment->home_->pool);
}

CacheEntry* Segment::write(CacheSlot* slot, Bytes block) {
  assert(entry_bytes(block.size()) <= left() && block.size() <= std::numeric_limits<uint32_t>::max());
  auto* const entry = new (memory_ + filled_) CacheEntry;
  entry->slot = slot;
  entry->size = static_cast<uint32_t>(block.size());
  std::memcpy(reinterpret_cast<uint8_t*>(entry + 1), block.data(), block.size());
  filled_ += entry_bytes(block.size());
  return entry;
}

CacheEntry* Segment::sweep_next() {
  auto* const entry = std::launder(reinterpret_cast<CacheEntry*>(memory_ + swept_));
  swept_ += entry_bytes(entry->size);
  return entry;
}

}  // namespace tsfeat::run
