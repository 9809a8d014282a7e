// Appends wait for compaction where runs have become too many, and for a flush where memory is full; a failure of
// either does not make them wait for ever.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>

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

}  // namespace
}  // namespace tsfeat
