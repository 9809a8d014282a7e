#include "base/buffer.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>

namespace tsfeat {
namespace {

// Before every buffer.
struct Header {
  uint32_t size_class = 0;    // log2 of its block's size; 0: a block of its own size; kInGroup
  uint32_t group_offset = 0;  // from the group's block to here
};
// Before every group.
struct GroupHeader {
  std::atomic<size_t> buffers;  // not released yet, or not taken
};
constexpr size_t kHeaderBytes = 16;
static_assert(sizeof(Header) <= kHeaderBytes && sizeof(GroupHeader) <= kHeaderBytes);
constexpr uint32_t kInGroup = 255;
constexpr size_t kLargestGroupBytes = size_t{32} << 10;
constexpr unsigned kSmallestClass = 15;  // 32 KiB: what malloc recycles well by itself is smaller
constexpr unsigned kLargestClass = 23;   // 8 MiB

// A lock is only ever tried: a thread that finds it taken uses malloc, and so does the child of a fork in which it
// stays taken for ever.
class Pool {
 public:
  void* take(unsigned size_class) noexcept {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || count_[size_class] == 0) return nullptr;
    kept_bytes_ -= size_t{1} << size_class;
    return kept_[size_class][--count_[size_class]];
  }
  bool keep(unsigned size_class, void* block) noexcept {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    const size_t bytes = size_t{1} << size_class;
    if (!lock.owns_lock() || kept_bytes_ + bytes > kKeptBufferBytes || count_[size_class] == kSlots) return false;
    kept_bytes_ += bytes;
    kept_[size_class][count_[size_class]++] = block;
    return true;
  }

 private:
  static constexpr size_t kSlots = 64;
  std::mutex mutex_;
  size_t kept_bytes_ = 0;
  std::array<size_t, kLargestClass + 1> count_{};
  std::array<std::array<void*, kSlots>, kLargestClass + 1> kept_{};
};

// Never destroyed: arrays may be released until the very end of the process.
Pool& pool() {
  static Pool& only = *new Pool;
  return only;
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kRecycles = false;  // so that a use after release is found
#else
constexpr bool kRecycles = true;
#endif

size_t padded(size_t bytes) { return (bytes + kHeaderBytes - 1) / kHeaderBytes * kHeaderBytes; }

Buffer begin_buffer(uint8_t* start, Header header) {
  new (start) Header(header);
  return Buffer(start + kHeaderBytes);
}

void release_from_group(uint8_t* block, size_t count) {
  auto* const header = reinterpret_cast<GroupHeader*>(block);
  if (header->buffers.fetch_sub(count, std::memory_order_acq_rel) == count) std::free(block);
}

}  // namespace

Buffer allocate_buffer(size_t bytes) {
  const size_t total = bytes + kHeaderBytes;
  if (total < bytes) throw std::bad_alloc();
  const auto size_class = static_cast<unsigned>(std::bit_width(total - 1));
  const bool pooled = kRecycles && size_class >= kSmallestClass && size_class <= kLargestClass;
  void* block = pooled ? pool().take(size_class) : nullptr;
  if (block == nullptr) block = std::malloc(pooled ? size_t{1} << size_class : total);
  if (block == nullptr) throw std::bad_alloc();
  return begin_buffer(static_cast<uint8_t*>(block), {pooled ? size_class : 0, 0});
}

void BufferRelease::operator()(uint8_t* data) const noexcept {
  if (data == nullptr) return;
  uint8_t* const start = data - kHeaderBytes;
  const Header header = *reinterpret_cast<Header*>(start);
  if (header.size_class == kInGroup) return release_from_group(start - header.group_offset, 1);
  if (header.size_class == 0 || !pool().keep(header.size_class, start)) std::free(start);
}

BufferGroup::BufferGroup(size_t bytes, size_t count) : left_(count) {
  if (!kRecycles || bytes > kLargestGroupBytes || count < 2) return;
  // Each takes its header, and less than that again to the next one's alignment.
  block_ = static_cast<uint8_t*>(std::malloc(kHeaderBytes + bytes + 2 * kHeaderBytes * count));
  if (block_ == nullptr) throw std::bad_alloc();
  new (block_) GroupHeader{count};
  used_ = kHeaderBytes;
}

BufferGroup::~BufferGroup() {
  if (block_ != nullptr && left_ > 0) release_from_group(block_, left_);
}

Buffer BufferGroup::take(size_t bytes) {
  if (block_ == nullptr) return allocate_buffer(bytes);
  const auto offset = static_cast<uint32_t>(used_);
  used_ += kHeaderBytes + padded(bytes);
  --left_;
  return begin_buffer(block_ + offset, {kInGroup, offset});
}

}  // namespace tsfeat
