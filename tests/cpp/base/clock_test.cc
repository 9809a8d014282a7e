#include "base/clock.h"

#include <gtest/gtest.h>

#include <chrono>

namespace tsfeat {
namespace {

TEST(Clock, SystemIsTheWallClock) {
  const auto wall = [] {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
  };
  const int64_t before = wall();
  const int64_t now = Clock::system()->now_ns();
  EXPECT_LE(before, now + 1'000'000'000);  // the wall clock may be set while this runs
  EXPECT_LE(now, wall() + 1'000'000'000);
  EXPECT_EQ(Clock::system(), Clock::system());
}

TEST(Clock, ManualStandsStillUntilSet) {
  ManualClock clock(-5);
  EXPECT_EQ(clock.now_ns(), -5);
  clock.set(7);
  EXPECT_EQ(clock.now_ns(), 7);
}

}  // namespace
}  // namespace tsfeat
