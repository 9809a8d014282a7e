// The trials in small, so that they run under the sanitizers too; and the cases that they found, each on its own.

#include <gtest/gtest.h>

#include <cerrno>

#include "reliability/trial.h"
#include "vfs/fault.h"

namespace tsfeat::reliability {
namespace {

void expect_no_failure(void (*command)(const Settings&, Report*), uint64_t trials) {
  Settings settings;
  settings.trials = trials;
  Report report;
  command(settings, &report);
  EXPECT_EQ(report.failures(), 0U) << report.json();
  EXPECT_EQ(report.of("trials"), trials);
}

TEST(Trials, PowerLoss) { expect_no_failure(power_loss, 400); }
TEST(Trials, SystemCalls) { expect_no_failure(system_calls, 400); }
TEST(Trials, Recovery) { expect_no_failure(recovery, 300); }
TEST(Trials, Faults) { expect_no_failure(faults, 200); }
TEST(Trials, FailedSyncs) { expect_no_failure(failed_syncs, 60); }
TEST(Trials, FlippedBits) { expect_no_failure(flipped_bits, 1'500); }
TEST(Trials, Damage) { expect_no_failure(damage, 1'000); }
TEST(Trials, Determinism) { expect_no_failure(determinism, 4); }

// What a process that was killed left in the directory is not durable yet. Whatever the next one removes or adds, the
// power may then fail without losing what the files that it stands on hold.
TEST(Found, APowerLossAfterAKillAtEachBoundaryOfARecovery) {
  Settings settings;
  settings.trials = 3'000;
  settings.seed = 3;
  settings.depth = 2;
  Report report;
  recovery(settings, &report);
  EXPECT_EQ(report.failures(), 0U) << report.json();
}

Batch one_event(uint64_t number) { return {{{1, static_cast<int64_t>(number), number}}, true, "", 0}; }

std::shared_ptr<Store> must_open(Vfs& disk, const Clock& clock) {
  Result<std::shared_ptr<Store>> store = Store::open(disk, clock, kStorePath, true, small_options());
  EXPECT_TRUE(store.ok()) << store.status().message();
  return store.ok() ? *store : nullptr;
}

// After a failed sync the next process reads the log from the system's cache, which holds it as clean: unless recovery
// writes it again, no later sync does.
TEST(Found, WhatAFailedSyncLeftInTheCacheIsWrittenAgain) {
  const ManualClock clock(kNow);
  const auto disk = MemoryVfs::create(1);
  {
    const auto store = must_open(*disk, clock);
    const auto table = *store->create_table("a", events_schema(), std::nullopt);
    ASSERT_TRUE(append(*table, one_event(1), false).ok());
    disk->fail_sync_after(1);
    EXPECT_FALSE(append(*table, one_event(2), false).ok());
  }
  uint64_t version = 0;
  {
    const auto store = must_open(*disk, clock);
    version = *append(**store->table("a"), one_event(3), false);
    EXPECT_EQ(version, 3U) << "the batch whose sync failed was read, and counts";
    const auto after = disk->power_loss(Survival::kNone);
    const auto later = must_open(*after, clock);
    ASSERT_NE(later, nullptr);
    EXPECT_EQ(read_all(**later->table("a"), std::nullopt)->size(), 3U);
  }
}

// The directory is there, but the attempt that made it did not make its name durable.
TEST(Found, ADirectoryFromAnInterruptedCreationGetsADurableName) {
  const ManualClock clock(kNow);
  const auto disk = MemoryVfs::create(1);
  disk->fail_sync_after(1);
  EXPECT_FALSE(Store::open(*disk, clock, kStorePath, true, small_options()).ok());
  const auto store = must_open(*disk, clock);
  const auto table = *store->create_table("a", events_schema(), std::nullopt);
  ASSERT_TRUE(append(*table, one_event(1), false).ok());
  const auto after = disk->power_loss(Survival::kNone);
  const auto later = must_open(*after, clock);
  ASSERT_TRUE(later->table("a").ok());
  EXPECT_EQ(read_all(**later->table("a"), std::nullopt)->size(), 1U);
}

}  // namespace
}  // namespace tsfeat::reliability
