#include "vfs/pages.h"

#include <sys/mman.h>

#include <new>

namespace tsfeat {
namespace {

uint8_t* map_block() {
  // Twice as much address space holds one block at a multiple of its size; the rest goes back untouched.
  uint8_t* const start = map_bytes(2 * kPageBlockBytes);
  const size_t before = (kPageBlockBytes - reinterpret_cast<uintptr_t>(start) % kPageBlockBytes) % kPageBlockBytes;
  uint8_t* const block = start + before;
  if (before > 0) unmap_bytes(start, before);
  unmap_bytes(block + kPageBlockBytes, kPageBlockBytes - before);
  want_huge_pages(block, kPageBlockBytes);
  return block;
}

void unmap_block(uint8_t* block) noexcept { unmap_bytes(block, kPageBlockBytes); }

}  // namespace

uint8_t* map_bytes(size_t bytes) {
  void* const room = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) throw std::bad_alloc();
  return static_cast<uint8_t*>(room);
}

void unmap_bytes(uint8_t* start, size_t bytes) noexcept { munmap(start, bytes); }

void want_huge_pages(void* memory, size_t bytes) noexcept {
#if defined(MADV_HUGEPAGE)
  constexpr uintptr_t kPage = 4096;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(memory) + kPage - 1) / kPage * kPage;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(memory) + bytes) / kPage * kPage;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#else
  static_cast<void>(memory), static_cast<void>(bytes);
#endif
}

PagePool::PagePool(size_t kept) : most_(kRecyclesMemory ? kept : 0) { kept_.reserve(most_); }

PagePool::~PagePool() {
  for (uint8_t* block : kept_) unmap_block(block);
}

uint8_t* PagePool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!kept_.empty()) {
      uint8_t* const block = kept_.back();
      kept_.pop_back();
      kept_bytes_.store(kept_.size() * kPageBlockBytes, std::memory_order_relaxed);
      return block;
    }
  }
  return map_block();
}

void PagePool::give_back(uint8_t* block) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (kept_.size() < most_) {
      kept_.push_back(block);
      kept_bytes_.store(kept_.size() * kPageBlockBytes, std::memory_order_relaxed);
      return;
    }
  }
  unmap_block(block);
}

}  // namespace tsfeat
