#include "vfs/pages.h"

#include <sys/mman.h>

#include <new>

namespace tsfeat {

void PageRelease::operator()(uint8_t* block) const noexcept { munmap(block, kPageBlockBytes); }

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

PageBlock allocate_page_block() {
  // Twice as much address space holds one block at a multiple of its size; the rest goes back untouched.
  void* const room = mmap(nullptr, 2 * kPageBlockBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) throw std::bad_alloc();
  auto* const start = static_cast<uint8_t*>(room);
  const size_t before = (kPageBlockBytes - reinterpret_cast<uintptr_t>(start) % kPageBlockBytes) % kPageBlockBytes;
  uint8_t* const block = start + before;
  if (before > 0) munmap(start, before);
  munmap(block + kPageBlockBytes, kPageBlockBytes - before);
  want_huge_pages(block, kPageBlockBytes);
  return PageBlock(block);
}

}  // namespace tsfeat
