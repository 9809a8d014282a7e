#include "compact/picker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "compact/history.h"

namespace tsfeat {
namespace {

std::vector<RunMeta> random_runs(std::mt19937_64& random, uint32_t levels) {
  std::vector<RunMeta> runs(random() % 40);
  for (RunMeta& run : runs) {
    run.level = static_cast<uint32_t>(random() % levels);
    run.stats.min_time = static_cast<int64_t>(random() % 200) - 100;
    run.stats.max_time = run.stats.min_time + static_cast<int64_t>(random() % (random() % 2 == 0 ? 4 : 100));
    run.stats.events = 1 + random() % 100;
  }
  return runs;
}

ReclaimPolicy random_policy(std::mt19937_64& random) {
  ReclaimPolicy policy;
  policy.retention = compact_testing::random_retention(random);
  if (policy.retention && policy.retention->max_age) policy.retention->max_age = static_cast<int64_t>(random() % 100);
  policy.now = static_cast<int64_t>(random() % 200) - 50;
  return policy;
}

TEST(Picker, WindowsTileTime) {
  EXPECT_EQ(window_of(0, 10), 0);
  EXPECT_EQ(window_of(9, 10), 0);
  EXPECT_EQ(window_of(10, 10), 1);
  EXPECT_EQ(window_of(-1, 10), -1);
  EXPECT_EQ(window_of(-10, 10), -1);
  EXPECT_EQ(window_of(-11, 10), -2);
  EXPECT_EQ(window_of(kMinTime, 1), kMinTime);
  EXPECT_EQ(window_of(kMaxTime, 1), kMaxTime);
}

TEST(Picker, OnlyRetentionByAgeAloneMakesWindows) {
  EXPECT_EQ(window_width(std::nullopt), std::nullopt);
  Retention retention;
  EXPECT_EQ(window_width(retention), std::nullopt);
  retention.max_age = 80;
  EXPECT_EQ(window_width(retention), 10);
  retention.max_age = 0;
  EXPECT_EQ(window_width(retention), 1);
  retention.min_events = 1;
  EXPECT_EQ(window_width(retention), std::nullopt);
}

TEST(Picker, ExpiredRunsAreSeenByNoRead) {
  std::mt19937_64 random(1);
  uint64_t expired = 0;
  for (int round = 0; round < 2'000; ++round) {
    const std::vector<RunMeta> runs = random_runs(random, 3);
    const ReclaimPolicy policy = random_policy(random);
    for (const size_t i : pick_compaction(runs, policy).expired) {
      ++expired;
      ASSERT_TRUE(policy.retention && policy.retention->max_age && policy.retention->min_events == 0);
      // The run's youngest event, alone in the table, at the most lenient read.
      const compact_testing::Event youngest{runs[i].stats.max_time, 1, 0};
      for (int64_t ahead = 0; ahead < 3; ++ahead) {
        const int64_t stand = policy.horizon_time() + ahead;
        EXPECT_TRUE(compact_testing::visible({youngest}, *policy.retention, 1, stand, 0).empty());
      }
    }
  }
  EXPECT_GT(expired, 100U);
}

TEST(Picker, MergesAreOfOneLevelAndCrossNoWindow) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 2'000; ++round) {
    const std::vector<RunMeta> runs = random_runs(random, 2);
    const ReclaimPolicy policy = random_policy(random);
    const Pick pick = pick_compaction(runs, policy);
    const std::optional<int64_t> width = window_width(policy.retention);
    std::set<size_t> distinct(pick.merge.begin(), pick.merge.end());
    ASSERT_EQ(distinct.size(), pick.merge.size());
    EXPECT_TRUE(pick.merge.size() <= 1 || pick.merge.size() >= kFanout);
    std::set<uint32_t> levels;
    std::set<int64_t> windows;
    for (const size_t i : pick.merge) {
      levels.insert(runs[i].level);
      const bool inside =
          width && window_of(runs[i].stats.min_time, *width) == window_of(runs[i].stats.max_time, *width);
      if (inside && runs[i].level > 0) windows.insert(window_of(runs[i].stats.min_time, *width));
    }
    EXPECT_LE(levels.size(), 1U);
    EXPECT_LE(windows.size(), 1U);
  }
}

// What a merge makes of runs, as far as the picker can see it.
std::vector<RunMeta> merged(const std::vector<RunMeta>& members, const ReclaimPolicy& policy) {
  const std::optional<int64_t> width = window_width(policy.retention);
  RunMeta all = members[0];
  for (const RunMeta& run : members) {
    all.level = std::max(all.level, run.level);
    all.stats.min_time = std::min(all.stats.min_time, run.stats.min_time);
    all.stats.max_time = std::max(all.stats.max_time, run.stats.max_time);
  }
  ++all.level;
  all.stats.min_time = std::max(all.stats.min_time, policy.expired_before());
  if (!width) return {all};
  std::vector<RunMeta> out;
  for (int64_t window = window_of(all.stats.min_time, *width); window <= window_of(all.stats.max_time, *width);
       ++window) {
    RunMeta part = all;
    part.stats.min_time = std::max(all.stats.min_time, window * *width);
    part.stats.max_time = std::min(all.stats.max_time, window * *width + *width - 1);
    out.push_back(part);
  }
  return out;
}

TEST(Picker, ComesToAnEnd) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 500; ++round) {
    std::vector<RunMeta> runs = random_runs(random, 3);
    const ReclaimPolicy policy = random_policy(random);
    int steps = 0;
    for (;; ++steps) {
      ASSERT_LT(steps, 2'000);
      const Pick pick = pick_compaction(runs, policy);
      if (pick.expired.empty() && pick.merge.empty()) break;
      const std::vector<size_t>& gone = pick.expired.empty() ? pick.merge : pick.expired;
      std::vector<RunMeta> members, left;
      for (size_t i = 0; i < runs.size(); ++i) {
        (std::find(gone.begin(), gone.end(), i) != gone.end() ? members : left).push_back(runs[i]);
      }
      if (pick.expired.empty()) {
        for (const RunMeta& run : merged(members, policy)) left.push_back(run);
      }
      runs = left;
    }
  }
}

TEST(Picker, AFullCompactionLeavesOneRunAWindow) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 1'000; ++round) {
    const std::vector<RunMeta> runs = random_runs(random, 3);
    const ReclaimPolicy policy = random_policy(random);
    const std::optional<int64_t> width = window_width(policy.retention);
    const bool must_rewrite = random() % 2 == 0;
    std::vector<int> times_merged(runs.size());
    for (const auto& group : pick_all(runs, policy, must_rewrite)) {
      for (const size_t i : group) ++times_merged[i];
    }
    for (size_t i = 0; i < runs.size(); ++i) {
      EXPECT_LE(times_merged[i], 1);
      if (must_rewrite) {
        EXPECT_EQ(times_merged[i], 1);
      }
      if (times_merged[i] > 0) continue;
      for (size_t j = 0; j < runs.size(); ++j) {  // left alone: nothing else may be in its window
        const bool same =
            !width || window_of(runs[i].stats.min_time, *width) == window_of(runs[j].stats.min_time, *width);
        EXPECT_TRUE(i == j || !same);
      }
    }
  }
}

}  // namespace
}  // namespace tsfeat
