#include "vfs/pages.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace tsfeat {
namespace {

TEST(PagePool, GivesAlignedBlocksThatAreApart) {
  const auto pool = PagePool::create(2);
  std::set<uint8_t*> blocks;
  for (int i = 0; i < 5; ++i) {
    uint8_t* const block = pool->take();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % kPageBlockBytes, 0U);
    std::memset(block, i, kPageBlockBytes);
    EXPECT_TRUE(blocks.insert(block).second);
  }
  for (uint8_t* block : blocks) pool->give_back(block);
}

TEST(PagePool, KeepsSoManyAndNoMore) {
  const auto pool = PagePool::create(2);
  std::vector<uint8_t*> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(pool->take());
  EXPECT_EQ(pool->kept_bytes(), 0U);
  for (uint8_t* block : blocks) pool->give_back(block);
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_EQ(pool->kept_bytes(), 2 * kPageBlockBytes);
  uint8_t* const again = pool->take();
  EXPECT_EQ(again, blocks[1]);  // the one that was kept last is the likeliest to be cached
  EXPECT_EQ(pool->kept_bytes(), kPageBlockBytes);
  pool->give_back(again);
#endif
}

TEST(PagePool, ServesManyThreads) {
  const auto pool = PagePool::create(3);
  std::vector<std::thread> threads;
  for (uint8_t t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (int i = 0; i < 200; ++i) {
        uint8_t* const block = pool->take();
        block[0] = block[kPageBlockBytes - 1] = t;
        std::this_thread::yield();
        EXPECT_EQ(block[0], t);
        pool->give_back(block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(pool->kept_bytes(), 3 * kPageBlockBytes);
}

}  // namespace
}  // namespace tsfeat
