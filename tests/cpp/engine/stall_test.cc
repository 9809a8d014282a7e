// Appends wait for compaction where runs have become too many, and for a flush where memory is full; a failure of
// either does not make them wait for ever.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "engine/events_table.h"
#include "vfs/hooked.h"
#include "vfs/memory.h"

namespace tsfeat {
namespace {

using namespace engine_testing;

constexpr uint64_t kRunsThatStall = 48;

const StatValue& at(const StatMap& map, const std::string& name) {
  for (const auto& [key, value] : map) {
    if (key == name) return value;
  }
  static const StatValue kZero{int64_t{0}};
  return kZero;
}
const StatMap& map_at(const StatMap& map, const std::string& name) { return std::get<StatMap>(at(map, name).value); }

class Stall : public testing::Test {
 protected:
  // So many runs that no compaction has merged.
  void SetUp() override {
    const auto store = *Store::open(*disk_, clock_, kStorePath, true, quiet_options());
    const auto table = *store->create_table("t", events_schema(), {});
    for (uint64_t run = 0; run < kRunsThatStall + 2; ++run) {
      ASSERT_TRUE(append(*table, next_rows(4)).ok());
      ASSERT_TRUE(store->flush().ok());
    }
    ASSERT_TRUE(store->close().ok());
  }
  Rows next_rows(size_t count) {
    Rows rows;
    for (; rows.size() < count; ++items_) rows.push_back({items_ % 7, static_cast<int64_t>(items_), items_});
    return rows;
  }
  void open() {
    StoreOptions options = quiet_options();
    options.background_threads = 2;
    options.write_buffer_bytes = 1 << 20;
    store_ = *Store::open(hooks_, clock_, kStorePath, true, options);
    table_ = *store_->table("t");
  }
  int64_t unmerged() const {
    const StatMap stats = *store_->stats();
    return std::get<int64_t>(at(map_at(map_at(map_at(stats, "tables"), "t"), "runs_by_level"), "0").value);
  }
  bool has_stalled() const {
    const StatMap stats = *store_->stats();
    return std::get<int64_t>(at(map_at(stats, "flush"), "append_stall_ns").value) != 0;
  }
  std::string failure(const std::string& of) const {
    const StatMap stats = *store_->stats();
    return std::get<std::string>(at(map_at(stats, "failures"), of).value);
  }
  Status append_until_stalled() {
    while (!has_stalled()) TSFEAT_TRY(append(*table_, next_rows(1'000)).status());
    return {};
  }

  const ManualClock clock_{1'000'000'000};
  std::unique_ptr<MemoryVfs> disk_ = MemoryVfs::create(1);
  HookedVfs hooks_{disk_.get()};
  std::shared_ptr<Store> store_;
  std::shared_ptr<Table> table_;
  uint64_t items_ = 0;
};

TEST_F(Stall, AppendsWaitUntilRunsAreMerged) {
  open();
  ASSERT_GE(unmerged(), static_cast<int64_t>(kRunsThatStall));
  ASSERT_TRUE(append_until_stalled().ok());
  EXPECT_LT(unmerged(), static_cast<int64_t>(kRunsThatStall));
  EXPECT_EQ(read_all(*table_)->size(), items_);
}

// Reads get slower, and stats() says why; nobody waits for a merge that cannot be done.
TEST_F(Stall, AppendsGoOnWhereRunsCannotBeMerged) {
  for (auto [name, bytes] : disk_->files()) {
    if (!name.ends_with(".run")) continue;
    bytes[0] ^= 1;
    ASSERT_TRUE(disk_->write_file(name, as_bytes(bytes)).ok());
  }
  open();
  ASSERT_TRUE(append_until_stalled().ok());
  EXPECT_GE(unmerged(), static_cast<int64_t>(kRunsThatStall));
  EXPECT_NE(failure("compaction").find("damaged"), std::string::npos) << failure("compaction");
  EXPECT_TRUE(append(*table_, next_rows(10), true).ok());
}

// An append that waits for a flush gets the flush's error, and goes on when there is room again.
TEST_F(Stall, AFullDisk) {
  std::atomic<bool> disk_is_full = false;
  hooks_.before_open = [&](const std::string& path) {
    return disk_is_full && path.ends_with(".run") ? Status::storage(ENOSPC, "no room for " + path) : Status();
  };
  open();
  disk_is_full = true;
  Status status;
  uint64_t appended = items_;
  while (status.ok()) {
    status = append(*table_, next_rows(1'000)).status();
    if (status.ok()) appended = items_;
  }
  EXPECT_EQ(status.code(), Code::kOutOfSpace) << status.message();
  EXPECT_EQ(read_all(*table_)->size(), appended);
  disk_is_full = false;
  EXPECT_TRUE(store_->flush().ok());
  EXPECT_TRUE(append(*table_, next_rows(1'000)).ok());
  table_.reset();
  ASSERT_TRUE(store_->close().ok());
}

// The same where no thread flushes but the one that appends.
TEST_F(Stall, AFullDiskWithoutThreads) {
  bool disk_is_full = false;
  hooks_.before_open = [&](const std::string& path) {
    return disk_is_full && path.ends_with(".run") ? Status::storage(ENOSPC, "no room for " + path) : Status();
  };
  StoreOptions options = quiet_options();
  options.write_buffer_bytes = 1 << 20;
  store_ = *Store::open(hooks_, clock_, kStorePath, true, options);
  table_ = *store_->table("t");
  disk_is_full = true;
  // Twice: with nothing that waits for a flush, and with what did not get one.
  uint64_t appended = items_;
  for (int time = 0; time < 2; ++time) {
    Status status;
    while (status.ok()) {
      const Rows rows = next_rows(1'000);
      status = append(*table_, rows).status();
      appended += status.ok() ? rows.size() : 0;
    }
    EXPECT_EQ(status.code(), Code::kOutOfSpace) << status.message();
    EXPECT_EQ(read_all(*table_)->size(), appended);
  }
  disk_is_full = false;
  EXPECT_TRUE(append(*table_, {{1, 1, 1}}).ok());
  table_.reset();
  ASSERT_TRUE(store_->close().ok());
}

TEST_F(Stall, AStoreThatClosesWhileAnAppendWaits) {
  std::atomic<bool> opened = false, waits = false, goes_on = false;
  hooks_.before_open = [&](const std::string& path) {
    if (!opened || !path.ends_with(".run")) return Status();
    waits = true;
    while (!goes_on) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Status();
  };
  open();
  opened = true;
  Status status;
  std::thread appends([&] {
    while (status.ok()) status = append(*table_, next_rows(1'000)).status();
  });
  while (!waits) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // until the next generation is full as well
  std::thread closes([&] { EXPECT_TRUE(store_->close().ok()); });
  appends.join();
  EXPECT_EQ(status.code(), Code::kClosed) << status.message();
  goes_on = true;
  closes.join();
}

// Merges that are held to a rate nap between keys: a close wakes them, and no rate lets them run.
TEST(Merges, AreHeldToTheirRateAndEndWithTheStore) {
  const ManualClock clock{1'000'000'000};
  const auto disk = MemoryVfs::create(1);
  Rows all;
  {
    const auto store = *Store::open(*disk, clock, kStorePath, true, quiet_options());
    const auto table = *store->create_table("t", events_schema(), {});
    for (int64_t run = 0; run < 10; ++run) {
      Rows rows;
      for (uint64_t key = 0; key < 600; ++key) rows.push_back({key, run, key + static_cast<uint64_t>(run)});
      ASSERT_TRUE(append(*table, rows).ok() && store->flush().ok());
      all.insert(all.end(), rows.begin(), rows.end());
    }
  }
  const auto count_of = [](Store& store, const char* name) {
    const StatMap stats = *store.stats();
    return std::get<int64_t>(at(map_at(stats, "compaction"), name).value);
  };
  for (const uint64_t rate : {1, 0}) {
    StoreOptions options = quiet_options();
    options.background_threads = 2;
    options.compaction_bytes_per_second = rate;
    const auto store = *Store::open(*disk, clock, kStorePath, true, options);
    const char* const sign = rate == 0 ? "count" : "running";
    while (count_of(*store, sign) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_EQ(count_of(*store, "count"), rate == 0 ? 1 : 0);
    EXPECT_EQ(*read_all(**store->table("t")), in_order({all}));
    EXPECT_TRUE(store->close().ok());
  }
}

}  // namespace
}  // namespace tsfeat
