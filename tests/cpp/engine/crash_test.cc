// Laws 6 and 8: the power fails, or a call does, at every call of the scripted workload.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>

#include "engine/workload.h"
#include "vfs/fault.h"
#include "vfs/memory.h"

namespace tsfeat {
namespace {

using namespace engine_testing;

// Every call takes minutes; a few in a hundred, other ones for each test, seconds. TSFEAT_EVERY_CALL=1 tries them all.
uint64_t stride(uint64_t sampled) { return std::getenv("TSFEAT_EVERY_CALL") != nullptr ? 1 : sampled; }

std::unique_ptr<MemoryVfs> run_with_fault(uint64_t call, int error_number, bool once, const Clock& clock,
                                          Oracle* oracle, uint64_t* calls) {
  auto disk = MemoryVfs::create(call);
  const auto faulty = FaultVfs::create(disk.get());
  faulty->fail_after(call, error_number, once);
  run_workload(*faulty, clock, oracle);
  *calls = faulty->calls();
  return disk;
}

TEST(Crash, TheWorkloadRunsWithoutFaults) {
  ManualClock clock(1'000'000'000'000);
  Oracle oracle;
  uint64_t calls = 0;
  const auto disk = run_with_fault(0, 0, true, clock, &oracle, &calls);
  EXPECT_EQ(oracle.errors, 0U) << oracle.last_error;
  EXPECT_GT(calls, 100U);
  check_store(*disk, clock, oracle, true);
  EXPECT_FALSE(oracle.tables.at("a").attempted.empty());
}

TEST(Crash, PowerLossAtEveryCall) {
  ManualClock clock(1'000'000'000'000);
  for (uint64_t call = 1;; call += stride(11)) {
    SCOPED_TRACE("call " + std::to_string(call));
    Oracle oracle;
    uint64_t calls = 0;
    const auto disk = run_with_fault(call, EIO, false, clock, &oracle, &calls);
    for (const Survival survival : {Survival::kNone, Survival::kAll, Survival::kRandom, Survival::kRandom}) {
      const auto after = disk->power_loss(survival);
      check_store(*after, clock, oracle, false);
      if (HasFatalFailure() || HasNonfatalFailure()) return;
    }
    if (calls < call) break;
  }
}

// The power fails again while the store recovers.
TEST(Crash, PowerLossDuringRecovery) {
  ManualClock clock(1'000'000'000'000);
  for (uint64_t call = 40; call < 200; call += stride(31)) {
    SCOPED_TRACE("call " + std::to_string(call));
    Oracle oracle;
    uint64_t calls = 0;
    const auto disk = run_with_fault(call, EIO, false, clock, &oracle, &calls);
    for (uint64_t again = 1; again < 40; again += stride(5)) {
      SCOPED_TRACE("recovery, call " + std::to_string(again));
      const auto after = disk->power_loss(Survival::kRandom);
      {
        const auto faulty = FaultVfs::create(after.get());
        faulty->fail_after(again, EIO, false);
        (void)Store::open(*faulty, clock, kStorePath, true, quiet_options()).ok();
      }
      const auto later = after->power_loss(Survival::kRandom);
      check_store(*later, clock, oracle, false);
      if (HasFatalFailure() || HasNonfatalFailure()) return;
    }
  }
}

// A call fails once, or from then on; the process lives on, closes the store as well as it can, and opens it again.
TEST(Crash, NoAcceptedBatchIsLostToAFailingCall) {
  ManualClock clock(1'000'000'000'000);
  for (const int error_number : {EIO, ENOSPC}) {
    for (uint64_t call = 1 + static_cast<uint64_t>(error_number) % 5;; call += stride(13)) {
      SCOPED_TRACE("error " + std::to_string(error_number) + ", call " + std::to_string(call));
      Oracle oracle;
      oracle.go_on = true;
      uint64_t calls = 0;
      const auto disk = run_with_fault(call, error_number, true, clock, &oracle, &calls);
      check_store(*disk, clock, oracle, true);
      if (HasFatalFailure() || HasNonfatalFailure()) return;
      if (calls < call) break;
    }
  }
}

TEST(Crash, AfterAFailedSyncWritesAreRefusedAndReadsGoOn) {
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
