#include "vfs/pages.h"

#include <sys/mman.h>

#include <new>

namespace tsfeat {

void PageRelease::operator()(uint8_t* block) const noexcept { munmap(block, kPageBlockBytes); }

PageBlock allocate_page_block() {
  // Twice as much address space holds one block at a multiple of its size; the rest goes back untouched.
  void* const room = mmap(nullptr, 2 * kPageBlockBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) throw std::bad_alloc();
  auto* const start = static_cast<uint8_t*>(room);
  const size_t before = (kPageBlockBytes - reinterpret_cast<uintptr_t>(start) % kPageBlockBytes) % kPageBlockBytes;
  uint8_t* const block = start + before;
  if (before > 0) munmap(start, before);
  munmap(block + kPageBlockBytes, kPageBlockBytes - before);
#if defined(MADV_HUGEPAGE)
  madvise(block, kPageBlockBytes, MADV_HUGEPAGE);  // a hint
#endif
  return PageBlock(block);
}

}  // namespace tsfeat
