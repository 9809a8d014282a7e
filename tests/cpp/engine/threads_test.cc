// Many threads, and read-only stores beside a writer: a read sees one version, never half a batch, and never an older
// one than a read before it. Runs under ThreadSanitizer.

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "engine/events_table.h"
#include "vfs/memory.h"

namespace tsfeat {
namespace {

using namespace engine_testing;

constexpr uint64_t kWriterKeys = 6;

// Batch v: one row for each key, with item = v.
Rows batch_of(uint64_t version) {
  Rows rows;
  for (uint64_t key = 0; key < kWriterKeys; ++key)
    rows.push_back({key, static_cast<int64_t>(version * 13 % 50), version});
  return rows;
}

Rows first_batches(uint64_t version) {
  std::vector<Rows> batches;
  for (uint64_t v = 1; v <= version; ++v) batches.push_back(batch_of(v));
  return in_order(batches);
}

// Whole batches, a prefix, not older than `*newest`, which it moves on.
void expect_prefix(const Table& table, uint64_t* newest) {
  const Result<Rows> rows = read_all(table);
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  ASSERT_EQ(rows->size() % kWriterKeys, 0U);
  const uint64_t version = rows->size() / kWriterKeys;
  EXPECT_GE(version, *newest);
  *newest = version;
  EXPECT_EQ(*rows, first_batches(version));
}

StoreOptions busy_options() {
  StoreOptions options = quiet_options();
  options.background_threads = 2;
  options.sync = SyncPolicy::kInterval;
  options.sync_interval_ms = 2;
  options.write_buffer_bytes = 64 << 10;  // many flushes
  return options;
}

TEST(Threads, ReadersSeeWholeBatchesWhileEverythingElseGoesOn) {
  const auto disk = MemoryVfs::create(1);
  ManualClock clock(1'000'000'000);
  auto store = *Store::open(*disk, clock, kStorePath, true, busy_options());
  const auto table = *store->create_table("t", events_schema(), std::nullopt);
  constexpr uint64_t kBatches = 150;
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&] {
      uint64_t newest = 0;
      while (!done) expect_prefix(*table, &newest);
      expect_prefix(*table, &newest);
      EXPECT_EQ(newest, kBatches);
    });
  }
  threads.emplace_back([&] {
    while (!done) {
      EXPECT_TRUE(store->flush().ok());
      EXPECT_TRUE(store->compact(false, {}).ok());
      EXPECT_TRUE(store->stats().ok());
      EXPECT_TRUE(store->verify({})->problems.empty());
    }
  });
  for (uint64_t version = 1; version <= kBatches; ++version) {
    ASSERT_EQ(*append(*table, batch_of(version), version % 20 == 0), version);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(store->close().ok());
  store = *Store::open(*disk, clock, kStorePath, true, busy_options());
  EXPECT_EQ(*read_all(**store->table("t")), first_batches(kBatches));
}

// Sealing looks at memtables, in states of the tables that the ends of compactions replace.
TEST(Threads, GenerationsAreSealedWhileCompactionsEnd) {
  const auto disk = MemoryVfs::create(1);
  ManualClock clock(1'000'000'000);
  auto store = *Store::open(*disk, clock, kStorePath, true, busy_options());
  std::vector<std::shared_ptr<Table>> tables;
  for (int i = 0; i < 12; ++i)
    tables.push_back(*store->create_table("t" + std::to_string(i), events_schema(), std::nullopt));
  constexpr uint64_t kBatches = 60;
  std::atomic<bool> done{false};
  std::thread compacting([&] {
    while (!done) EXPECT_TRUE(store->compact(false, {}).ok());
  });
  for (uint64_t version = 1; version <= kBatches; ++version) {
    for (const auto& table : tables) {
      ASSERT_TRUE(append(*table, batch_of(version)).ok());
      ASSERT_TRUE(store->flush().ok());
    }
  }
  done = true;
  compacting.join();
  for (const auto& table : tables) EXPECT_EQ(*read_all(*table), first_batches(kBatches));
}

TEST(Threads, AReadOnlyStoreFollowsTheWriter) {
  const auto disk = MemoryVfs::create(1);
  ManualClock clock(1'000'000'000);
  auto store = *Store::open(*disk, clock, kStorePath, true, busy_options());
  const auto table = *store->create_table("t", events_schema(), std::nullopt);
  std::atomic<bool> done{false};
  std::atomic<uint64_t> appended{0};
  std::thread follower([&] {
    const auto reader = Store::open(*disk, clock, kStorePath, false, busy_options());
    ASSERT_TRUE(reader.ok()) << reader.status().message();
    const auto seen = *(*reader)->table("t");
    uint64_t newest = 0;
    for (bool last = false; !last;) {
      last = done;
      const uint64_t at_least = appended;
      const Status status = (*reader)->refresh();
      ASSERT_TRUE(status.ok()) << status.message();
      expect_prefix(*seen, &newest);
      EXPECT_GE(newest, at_least);
      const uint64_t before = newest;
      expect_prefix(*seen, &newest);
      EXPECT_EQ(newest, before) << "the view moved without a refresh";
    }
    EXPECT_EQ(append(*seen, batch_of(1)).status().error_number(), EROFS);
    EXPECT_EQ((*reader)->flush().error_number(), EROFS);
    EXPECT_TRUE((*reader)->verify({})->problems.empty());
  });
  for (uint64_t version = 1; version <= 120; ++version) {
    ASSERT_TRUE(append(*table, batch_of(version), version % 30 == 0).ok());
    appended = version;
    if (version % 10 == 0) {
      ASSERT_TRUE(store->flush().ok());
    }
    if (version % 50 == 0) {
      ASSERT_TRUE(store->compact(false, {}).ok());
    }
  }
  done = true;
  follower.join();
}

TEST(Threads, ClosingEndsWhatIsUnderWay) {
  for (int round = 0; round < 10; ++round) {
    const auto disk = MemoryVfs::create(1);
    ManualClock clock(1'000'000'000);
    auto store = *Store::open(*disk, clock, kStorePath, true, busy_options());
    const auto table = *store->create_table("t", events_schema(), std::nullopt);
    std::atomic<uint64_t> accepted{0};
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
      for (uint64_t version = 1;; ++version) {
        const Result<uint64_t> result = append(*table, batch_of(version), version % 5 == 0);
        if (!result.ok()) {
          EXPECT_EQ(result.status().code(), Code::kClosed);
          return;
        }
        accepted = *result;
      }
    });
    threads.emplace_back([&] {
      for (;;) {
        const Result<Rows> rows = read_all(*table);
        if (rows.ok()) continue;
        EXPECT_EQ(rows.status().code(), Code::kClosed);
        return;
      }
    });
    threads.emplace_back([&] {
      for (;;) {
        const Status status = store->compact(false, {});
        if (status.ok()) continue;
        EXPECT_EQ(status.code(), Code::kClosed) << status.message();
        return;
      }
    });
    while (accepted < 10) std::this_thread::yield();
    EXPECT_TRUE(store->close().ok());
    for (std::thread& thread : threads) thread.join();
    store = *Store::open(*disk, clock, kStorePath, true, busy_options());
    EXPECT_EQ(*read_all(**store->table("t")), first_batches(accepted));
  }
}

}  // namespace
}  // namespace tsfeat
