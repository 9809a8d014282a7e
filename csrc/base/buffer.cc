#include "base/buffer.h"

#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>

namespace tsfeat {
namespace {

// Before every buffer: log2 of its block's size, or 0 if it is a block of its own size.
constexpr size_t kHeaderBytes = 16;
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

}  // namespace

Buffer allocate_buffer(size_t bytes) {
  const size_t total = bytes + kHeaderBytes;
  if (total < bytes) throw std::bad_alloc();
  const auto size_class = static_cast<unsigned>(std::bit_width(total - 1));
  const bool pooled = kRecycles && size_class >= kSmallestClass && size_class <= kLargestClass;
  void* block = pooled ? pool().take(size_class) : nullptr;
  if (block == nullptr) block = std::malloc(pooled ? size_t{1} << size_class : total);
  if (block == nullptr) throw std::bad_alloc();
  auto* const start = static_cast<uint8_t*>(block);
  *start = static_cast<uint8_t>(pooled ? size_class : 0);
  return Buffer(start + kHeaderBytes);
}

void BufferRelease::operator()(uint8_t* data) const noexcept {
  if (data == nullptr) return;
  uint8_t* const start = data - kHeaderBytes;
  const unsigned size_class = *start;
  if (size_class == 0 || !pool().keep(size_class, start)) std::free(start);
}

}  // namespace tsfeat
