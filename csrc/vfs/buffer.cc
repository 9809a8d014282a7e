#include "vfs/buffer.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>

#include "vfs/pages.h"

namespace tsfeat {
namespace {

// Before every buffer.
struct Header {
  uint32_t size_class = 0;    // of its block, or one of those below
  uint32_t group_offset = 0;  // from the group's block to here
};
// Before every group.
struct GroupHeader {
  std::atomic<uint32_t> buffers;  // not released yet, or not taken
  uint32_t size_class = 0;
};
constexpr size_t kHeaderBytes = 16;
static_assert(sizeof(Header) <= kHeaderBytes && sizeof(GroupHeader) <= kHeaderBytes);

// Blocks are kept by size: up to 32 KiB these are 5, 6, 7 and 8 times a power of two, so that little of an answer that
// is held for long is waste, then powers of two up to 8 MiB.
constexpr uint32_t kClasses = 28;
constexpr uint32_t kSmallClasses = 20;
constexpr uint32_t kOwnSize = kClasses;  // of the size that was asked for: not kept
constexpr uint32_t kInGroup = kClasses + 1;
constexpr size_t kLeastBytes = 1024;  // what malloc recycles well by itself
constexpr size_t kLargestGroupBytes = size_t{28} << 10;
constexpr size_t kLargestGroupBuffers = 4096;

constexpr size_t class_bytes(uint32_t size_class) {
  return size_class < kSmallClasses ? size_t{5 + size_class % 4} << (8 + size_class / 4)
                                    : size_t{1} << (size_class - kSmallClasses + 16);
}
static_assert(class_bytes(0) == 1280 && class_bytes(kSmallClasses - 1) == 32'768 &&
              class_bytes(kClasses - 1) == 8 << 20);

// The least that holds so many bytes.
constexpr uint32_t class_of(size_t bytes) {
  if (bytes <= kLeastBytes || bytes > class_bytes(kClasses - 1)) return kOwnSize;
  const auto log = static_cast<uint32_t>(std::bit_width(bytes - 1));
  if (bytes > class_bytes(kSmallClasses - 1)) return kSmallClasses + log - 16;
  return 4 * (log - 11) + static_cast<uint32_t>((bytes - 1) >> (log - 3)) - 4;
}
static_assert(class_of(1025) == 0 && class_of(1280) == 0 && class_of(1281) == 1 && class_of(2048) == 3);
static_assert(class_of(2049) == 4 && class_of(32'768) == 19 && class_of(32'769) == 20 && class_of(8 << 20) == 27);

// A lock is only ever tried: a thread that finds it taken uses malloc, and so does the child of a fork in which it
// stays taken for ever.
class Pool {
 public:
  void* take(uint32_t size_class) noexcept {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || count_[size_class] == 0) return nullptr;
    kept_bytes_ -= class_bytes(size_class);
    return kept_[size_class][--count_[size_class]];
  }
  bool keep(uint32_t size_class, void* block) noexcept {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    const size_t bytes = class_bytes(size_class);
    if (!lock.owns_lock() || kept_bytes_ + bytes > kKeptBufferBytes || count_[size_class] == kSlots) return false;
    kept_bytes_ += bytes;
    kept_[size_class][count_[size_class]++] = block;
    return true;
  }

 private:
  static constexpr size_t kSlots = 64;
  std::mutex mutex_;
  size_t kept_bytes_ = 0;
  std::array<size_t, kClasses> count_{};
  std::array<std::array<void*, kSlots>, kClasses> kept_{};
};

// Never destroyed: arrays may be released until the very end of the process.
Pool& pool() {
  static Pool& only = *new Pool;
  return only;
}

// At least so many bytes; whoever lets go of them passes the class.
uint8_t* take_block(size_t bytes, uint32_t* size_class) {
  *size_class = kRecyclesMemory ? class_of(bytes) : kOwnSize;
  void* block = *size_class == kOwnSize ? nullptr : pool().take(*size_class);
  if (block == nullptr) block = std::malloc(*size_class == kOwnSize ? bytes : class_bytes(*size_class));
  if (block == nullptr) throw std::bad_alloc();
  // A gigabyte of answer is otherwise a quarter of a million page faults, which take longer than decoding into it.
  if (bytes > class_bytes(kClasses - 1)) want_huge_pages(block, bytes);
  return static_cast<uint8_t*>(block);
}

void release_block(uint8_t* block, uint32_t size_class) noexcept {
  if (size_class == kOwnSize || !pool().keep(size_class, block)) std::free(block);
}

void release_from_group(uint8_t* block, uint32_t count) noexcept {
  auto* const header = reinterpret_cast<GroupHeader*>(block);
  if (header->buffers.fetch_sub(count, std::memory_order_acq_rel) == count) release_block(block, header->size_class);
}

Buffer begin_buffer(uint8_t* start, Header header) {
  new (start) Header(header);
  return Buffer(start + kHeaderBytes);
}

size_t padded(size_t bytes) { return (bytes + kHeaderBytes - 1) / kHeaderBytes * kHeaderBytes; }

}  // namespace

Buffer allocate_buffer(size_t bytes) {
  const size_t total = bytes + kHeaderBytes;
  if (total < bytes) throw std::bad_alloc();
  Header header;
  uint8_t* const block = take_block(total, &header.size_class);
  return begin_buffer(block, header);
}

void BufferRelease::operator()(uint8_t* data) const noexcept {
  if (data == nullptr) return;
  uint8_t* const start = data - kHeaderBytes;
  const Header header = *reinterpret_cast<Header*>(start);
  if (header.size_class == kInGroup) return release_from_group(start - header.group_offset, 1);
  release_block(start, header.size_class);
}

BufferGroup::BufferGroup(size_t bytes, size_t count) : left_(static_cast<uint32_t>(count)) {
  if (!kRecyclesMemory || bytes > kLargestGroupBytes || count < 2 || count > kLargestGroupBuffers) return;
  // Each takes its header, and less than that again to the next one's alignment.
  uint32_t size_class = 0;
  block_ = take_block(kHeaderBytes + bytes + 2 * kHeaderBytes * count, &size_class);
  new (block_) GroupHeader{left_, size_class};
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
