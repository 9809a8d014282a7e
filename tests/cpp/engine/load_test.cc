// Bulk loads, and changes: which appends and loads there were, in their order. Runs under ThreadSanitizer.

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "engine/events_table.h"
#include "vfs/memory.h"

namespace tsfeat {
namespace {

using namespace engine_testing;

// What changes() gives of (`since`, `until`], as (version, row); `complete` never passes what was given.
Result<std::vector<std::pair<uint64_t, Row>>> changes_of(const Table& table, uint64_t since, uint64_t until,
                                                         uint64_t window_rows) {
  ChangesRequest request;
  request.since = since;
  request.until = until;
  request.columns = {-1, 0, 1};
  request.window_rows = request.chunk_rows = window_rows;
  TSFEAT_ASSIGN(const std::unique_ptr<Changes> changes, table.changes(request));
  std::vector<std::pair<uint64_t, Row>> out;
  ChangesChunk chunk;
  for (;;) {
    TSFEAT_ASSIGN(const bool more, changes->next(&chunk));
    if (!more) break;
    for (size_t i = 0; i < chunk.versions.size(); ++i) {
      const auto item = tsfeat::load<uint64_t>(chunk.events.columns[1].fixed.data.get() + i * 8);
      out.push_back({chunk.versions[i],
                     {chunk.events.fixed_keys[i],
                      tsfeat::load<int64_t>(chunk.events.columns[0].fixed.data.get() + i * 8), item}});
      const codec::VarlenBuffer& texts = *chunk.events.columns[2].varlen;
      const auto begin = static_cast<size_t>(texts.offsets[i]);
      const auto end = static_cast<size_t>(texts.offsets[i + 1]);
      EXPECT_EQ(texts.data.substr(begin, end - begin), text_of(item));
    }
  }
  EXPECT_EQ(chunk.complete, std::max(since, until));
  return out;
}

std::vector<std::pair<uint64_t, Row>> expected_changes(const std::map<uint64_t, Rows>& batches, uint64_t since,
                                                       uint64_t until) {
  std::vector<std::pair<uint64_t, Row>> out;
  for (const auto& [version, rows] : batches) {
    if (version <= since || version > until) continue;
    for (const Row& row : in_order({rows})) out.emplace_back(version, row);
  }
  return out;
}

Rows random_rows(std::mt19937_64& random, uint64_t* item, size_t most) {
  Rows rows(random() % (most + 1));
  for (Row& row : rows) row = {random() % 9, static_cast<int64_t>(random() % 40), ++*item};
  return rows;
}

TEST(Load, AppendsAndLoadsAreSeenAlikeAndInOrder) {
  const auto disk = MemoryVfs::create(1);
  ManualClock clock(1'000'000'000);
  std::mt19937_64 random(7);
  auto store = *Store::open(*disk, clock, kStorePath, true, quiet_options());
  auto table = *store->create_table("t", events_schema(), std::nullopt);
  std::map<uint64_t, Rows> batches;
  uint64_t item = 0;
  for (uint64_t version = 1; version <= 60; ++version) {
    const Rows rows = random_rows(random, &item, 40);
    const bool by_load = random() % 3 == 0;
    const Result<uint64_t> made = by_load ? bulk_load(*table, rows, 1 + random() % 20) : append(*table, rows);
    ASSERT_TRUE(made.ok()) << made.status().message();
    EXPECT_EQ(*made, version);
    batches[version] = rows;
    if (by_load) {
      EXPECT_EQ(*table->durable_version(), version);
    }
    if (random() % 10 == 0) {
      ASSERT_TRUE(store->flush().ok());
    }
    if (random() % 20 == 0) {
      ASSERT_TRUE(store->compact(false, {}).ok());
    }
    if (random() % 15 == 0) {
      ASSERT_TRUE(store->close().ok());
      store = *Store::open(*disk, clock, kStorePath, true, quiet_options());
      table = *store->table("t");
    }
    const uint64_t since = random() % (version + 1);
    const uint64_t until = random() % (version + 1);
    const auto changes = changes_of(*table, since, until, 1 + random() % 60);
    ASSERT_TRUE(changes.ok()) << changes.status().message();
    EXPECT_EQ(*changes, expected_changes(batches, since, until));
    std::vector<Rows> seen;
    for (const auto& [made_at, batch] : batches) {
      if (made_at <= since) seen.push_back(batch);
    }
    EXPECT_EQ(*read_all(*table, static_cast<int64_t>(since)), in_order(seen));
  }
  EXPECT_TRUE(store->verify({})->problems.empty());
}

TEST(Load, NothingStaysOfOneThatIsGivenUp) {
  const auto disk = MemoryVfs::create(1);
  ManualClock clock(1'000'000'000);
  const auto store = *Store::open(*disk, clock, kStorePath, true, quiet_options());
  const auto table = *store->create_table("t", events_schema(), std::nullopt);
  ASSERT_TRUE(append(*table, {{1, 1, 1}}).ok());
  const auto before = *disk->list(kStorePath);
  {
    const std::unique_ptr<Load> load = std::move(*table->start_load());
    EXPECT_TRUE(load->add(RowArrays({{1, 1, 2}, {2, 1, 3}}, load->schema()).request).ok());
    const Status status = load->add(RowArrays({{3, 5, 4}, {3, 4, 5}}, load->schema()).request);
    EXPECT_EQ(status.code(), Code::kSchema);
    EXPECT_NE(status.message().find("row 3: its time"), std::string::npos) << status.message();
    EXPECT_FALSE(load->add(RowArrays({{9, 9, 9}}, load->schema()).request).ok());
    EXPECT_FALSE(load->commit().ok());
  }
  EXPECT_EQ(*disk->list(kStorePath), before);
  EXPECT_EQ(*table->version(), 1U);
  EXPECT_EQ(table->categories(2)->size(), 1U);
}

TEST(Load, BesideAppendsAndReadersOfChanges) {
  const auto disk = MemoryVfs::create(1);
  ManualClock clock(1'000'000'000);
  StoreOptions options = quiet_options();
  options.background_threads = 2;
  options.sync = SyncPolicy::kInterval;
  options.sync_interval_ms = 2;
  options.write_buffer_bytes = 64 << 10;
  const auto store = *Store::open(*disk, clock, kStorePath, true, options);
  const auto table = *store->create_table("t", events_schema(), std::nullopt);
  constexpr uint64_t kEach = 60;
  std::mutex mutex;
  std::map<uint64_t, Rows> batches;  // under mutex
  std::vector<std::thread> threads;
  for (uint64_t worker = 0; worker < 3; ++worker) {
    threads.emplace_back([&, worker] {
      std::mt19937_64 random(worker);
      uint64_t item = worker * 1'000'000;
      for (uint64_t i = 0; i < kEach; ++i) {
        const Rows rows = random_rows(random, &item, 30);
        const Result<uint64_t> version = worker == 0 ? bulk_load(*table, rows) : append(*table, rows);
        ASSERT_TRUE(version.ok()) << version.status().message();
        const std::lock_guard lock(mutex);
        batches[*version] = rows;
      }
    });
  }
  std::vector<std::pair<uint64_t, Row>> followed;
  threads.emplace_back([&] {
    for (uint64_t since = 0; since < 3 * kEach;) {
      const uint64_t until = *table->durable_version();
      const auto changes = changes_of(*table, since, until, 64);
      ASSERT_TRUE(changes.ok()) << changes.status().message();
      followed.insert(followed.end(), changes->begin(), changes->end());
      since = std::max(since, until);
      std::this_thread::yield();
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(batches.size(), 3 * kEach);
  EXPECT_EQ(followed, expected_changes(batches, 0, 3 * kEach));
  EXPECT_TRUE(store->verify({})->problems.empty());
}

}  // namespace
}  // namespace tsfeat
