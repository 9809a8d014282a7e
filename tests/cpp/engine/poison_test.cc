// Law 8: after a failed sync.

#include <gtest/gtest.h>

#include <cerrno>

#include "engine/events_table.h"
#include "vfs/fault.h"
#include "vfs/memory.h"

namespace tsfeat {
namespace {

using namespace engine_testing;

TEST(Poison, AfterAFailedSyncWritesAreRefusedAndReadsGoOn) {
  ManualClock clock(1'000'000'000'000);
  const auto disk = MemoryVfs::create(1);
  const auto faulty = FaultVfs::create(disk.get());
  auto store = *Store::open(*faulty, clock, kStorePath, true, quiet_options());
  auto table = *store->create_table("t", events_schema(), std::nullopt);
  const Rows rows = {{1, 10, 1}, {2, 5, 2}};
  ASSERT_TRUE(append(*table, rows).ok());
  faulty->fail_after(2, EIO, true);  // the write goes well, the sync does not
  EXPECT_EQ(append(*table, {{1, 11, 3}}, true).status().error_number(), EIO);
  EXPECT_EQ(append(*table, {{1, 12, 4}}).status().code(), Code::kPoisoned);
  EXPECT_EQ(store->flush().code(), Code::kPoisoned);
  EXPECT_EQ(table->erase({KeyView::from_uint64(1)}, {}).status().code(), Code::kPoisoned);
  EXPECT_EQ(store->create_table("u", events_schema(), std::nullopt).status().code(), Code::kPoisoned);
  EXPECT_EQ(read_all(*table)->size(), 3U);
  EXPECT_TRUE(store->close().ok());
  store = *Store::open(*disk, clock, kStorePath, true, quiet_options());
  EXPECT_GE(*(*store->table("t"))->version(), 1U);
}

}  // namespace
}  // namespace tsfeat
