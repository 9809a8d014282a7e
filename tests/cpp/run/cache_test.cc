#include "run/cache.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "run/run_support.h"

namespace tsfeat::testing {
namespace {

TEST(BlockCache, KeepsWhatFitsAndEvictsWhatWasNotUsed) {
  const auto cache = BlockCache::create(100'000);
  std::vector<CacheSlot> slots(1'000);
  const std::string block(1'000, 'x');
  {
    const EpochGuard pin(cache->epochs());
    for (CacheSlot& slot : slots) {
      EXPECT_TRUE(BlockCache::find(slot).empty());
      EXPECT_EQ(cache->insert(slot, as_bytes(block)).size(), 1'000U);
      EXPECT_FALSE(BlockCache::find(slots[0]).empty());  // the first is used all the time, and stays
    }
    EXPECT_LE(cache->stats().bytes, 100'000U);
    EXPECT_GE(cache->stats().bytes, 80'000U);
    EXPECT_GE(cache->stats().evictions, 890U);
  }
  cache->set_capacity(0);
  EXPECT_EQ(cache->stats().bytes, 0U);
  EXPECT_EQ(cache->stats().held_bytes, 0U);
  for (CacheSlot& slot : slots) EXPECT_EQ(slot.entry.load(), nullptr);
}

TEST(BlockCache, ABlockThatDoesNotFitCanBeReadWhilePinned) {
  const auto cache = BlockCache::create(10);
  CacheSlot slot;
  const EpochGuard pin(cache->epochs());
  const Bytes block = cache->insert(slot, as_bytes("a block of twenty by"));
  for (int i = 0; i < 200; ++i) cache->insert(slot, as_bytes("another"));
  EXPECT_EQ(std::string(block.begin(), block.end()), "a block of twenty by");
  EXPECT_EQ(slot.entry.load(), nullptr);
  EXPECT_EQ(cache->stats().bytes, 0U);
}

// What is not used may wash through for ever: a working set that is used stays, and memory stays within the budget.
TEST(BlockCache, AHotSetSurvivesAStreamOfColdBlocks) {
  constexpr uint64_t kCapacity = 1 << 20;
  const auto cache = BlockCache::create(kCapacity);
  std::mt19937_64 random(3);
  std::vector<CacheSlot> hot(200), cold(20'000);
  const std::string bytes(3'000, 'x');
  const auto some = [&] { return as_bytes(bytes).first(1 + random() % bytes.size()); };
  uint64_t hot_misses = 0;
  for (size_t i = 0; i < cold.size(); ++i) {
    const EpochGuard pin(cache->epochs());
    cache->insert(cold[i], some());
    CacheSlot& slot = hot[random() % hot.size()];
    if (!BlockCache::find(slot).empty()) continue;
    ++hot_misses;
    cache->insert(slot, some());
  }
  EXPECT_LE(cache->stats().held_bytes, kCapacity + kCapacity / 32);
  EXPECT_LE(hot_misses, 1'500U);
}

TEST(BlockCache, TheFirstCopyWins) {
  const auto cache = BlockCache::create(10'000);
  CacheSlot slot;
  const EpochGuard pin(cache->epochs());
  const Bytes first = cache->insert(slot, as_bytes("same"));
  EXPECT_EQ(cache->insert(slot, as_bytes("same")).data(), first.data());
  cache->drop({&slot, 1});
  EXPECT_TRUE(BlockCache::find(slot).empty());
  EXPECT_EQ(cache->stats().bytes, 0U);
}

TEST(BlockCache, CountsHitsAndMisses) {
  std::mt19937_64 random(1);
  const Events events = random_events(random, random_schema(random, false), {});
  const auto disk = make_disk();
  const RunMeta meta = write_run(*disk, events, {16, codec::Effort::kFast});
  const auto cache = BlockCache::create(10 << 20);
  const auto run = Run::open(*disk, kRunPath, meta, events.schema, cache);
  ASSERT_TRUE(run.ok());
  std::vector<int64_t> times(events.size());
  ASSERT_TRUE((*run)->source()->times({0, events.size()}, times.data()).ok());
  const CacheStats cold = cache->stats();
  EXPECT_GT(cold.misses, 0U);
  EXPECT_GT(cold.bytes, 0U);
  ASSERT_TRUE((*run)->source()->times({0, events.size()}, times.data()).ok());
  EXPECT_EQ(cache->stats().misses, cold.misses);
  EXPECT_GT(cache->stats().hits, cold.hits);
}

TEST(BlockCache, APreloadedRunIsReadWithoutAMiss) {
  std::mt19937_64 random(3);
  const Events events = random_events(random, random_schema(random, false), {});
  const auto disk = make_disk();
  const RunMeta meta = write_run(*disk, events, {16, codec::Effort::kFast});
  for (const uint64_t capacity : {10 * meta.bytes, meta.bytes}) {
    const auto cache = BlockCache::create(capacity);
    const auto run = Run::open(*disk, kRunPath, meta, events.schema, cache);
    ASSERT_TRUE(run.ok());
    const uint64_t before = cache->stats().bytes;
    (*run)->preload();
    const bool small = capacity > meta.bytes;
    EXPECT_EQ(cache->stats().bytes > before, small) << "a run as large as the cache would wash it out";
    std::vector<int64_t> times(events.size());
    ASSERT_TRUE((*run)->source()->times({0, events.size()}, times.data()).ok());
    EXPECT_EQ(cache->stats().misses == 0, small);
  }
}

// Readers on several threads, a cache that holds almost nothing, runs that come and go, and a budget that changes:
// every answer stays right. Says most under tsan.
TEST(BlockCache, ManyReadersOfATinyCache) {
  std::mt19937_64 random(9);
  const Events events = random_events(random, random_schema(random, true), {60, 60, 20});
  const auto disk = make_disk();
  const RunMeta meta = write_run(*disk, events, {32, codec::Effort::kSmall});
  const auto cache = BlockCache::create(20'000);
  const auto shared = Run::open(*disk, kRunPath, meta, events.schema, cache);
  ASSERT_TRUE(shared.ok());
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 6; ++i) {
        auto run = *shared;
        if (i % 3 == 2) run = *Run::open(*disk, kRunPath, meta, events.schema, cache);
        const auto source = run->source(t == 3);
        const Status status = compare_all(events, *source, t * 100 + i);
        EXPECT_TRUE(status.ok()) << status.message();
        cache->set_capacity(i % 2 == 0 ? 5'000 : 40'000);
        static_cast<void>(cache->stats());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache->stats().bytes, 40'000U);
}

}  // namespace
}  // namespace tsfeat::testing
