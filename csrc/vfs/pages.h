// Large blocks of memory, straight from the system, in huge pages where it has them. Random access over tens of
// megabytes then misses the TLB far less, and faults in 2 MiB cost a tenth of as many small ones.
//
// A fresh block is cleared by the system, which takes longer than a hundred small reads. So what memtables and the
// cache give up goes to a pool first, where the other finds it: as memtables grow, the cache shrinks, and back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace tsfeat {

// Whether memory that is given up is kept for the next taker. Not under AddressSanitizer: a use after release is found.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kRecyclesMemory = false;
#else
inline constexpr bool kRecyclesMemory = true;
#endif

inline constexpr size_t kPageBlockBytes = size_t{2} << 20;

// Any number of bytes straight from the system, to which they go back when they are unmapped: malloc would keep large
// blocks of short or uneven lives, in one arena for each thread. Uninitialized. Throws bad_alloc.
uint8_t* map_bytes(size_t bytes);
void unmap_bytes(uint8_t* start, size_t bytes) noexcept;

// Of fresh memory that someone else allocated. A hint.
void want_huge_pages(void* memory, size_t bytes) noexcept;

// Thread-safe. Outlives the blocks that it gave out.
class PagePool {
 public:
  // kept: so many blocks at most are kept for the next taker; what is above goes back to the system at once.
  static std::shared_ptr<PagePool> create(size_t kept) { return std::make_shared<PagePool>(kept); }
  explicit PagePool(size_t kept);
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // kPageBlockBytes, uninitialized, aligned to their size. Throws bad_alloc.
  uint8_t* take();
  void give_back(uint8_t* block) noexcept;
  size_t kept_bytes() const { return kept_bytes_.load(std::memory_order_relaxed); }

 private:
  const size_t most_;
  std::mutex mutex_;
  std::vector<uint8_t*> kept_;  // has room for most_
  std::atomic<size_t> kept_bytes_{0};
};

}  // namespace tsfeat
