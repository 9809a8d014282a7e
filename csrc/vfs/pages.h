// Large blocks of memory, straight from the system: what is released goes back at once, and where the system has huge
// pages, it is asked for them. Random access over tens of megabytes then misses the TLB far less, and faults in 2 MiB
// cost a tenth of as many small ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tsfeat {

inline constexpr size_t kPageBlockBytes = size_t{2} << 20;

struct PageRelease {
  void operator()(uint8_t* block) const noexcept;
};

// Of fresh memory that someone else allocated. A hint.
void want_huge_pages(void* memory, size_t bytes) noexcept;

// kPageBlockBytes of zeros, aligned to their size. Throws bad_alloc.
using PageBlock = std::unique_ptr<uint8_t[], PageRelease>;
PageBlock allocate_page_block();

}  // namespace tsfeat
