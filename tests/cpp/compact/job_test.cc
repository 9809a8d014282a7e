#include "compact/job.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "compact/history.h"
#include "compact/picker.h"
#include "vfs/fault.h"
#include "vfs/memory.h"

namespace tsfeat {
namespace {

using namespace compact_testing;

struct Job {
  std::unique_ptr<MemoryVfs> disk = MemoryVfs::create(1);
  uint64_t next_number = 1;
  std::optional<int64_t> window;
  ReclaimPolicy policy;

  Job() { EXPECT_TRUE(disk->make_directory("d").ok()); }
  static std::string path(uint64_t number) { return "d/" + std::to_string(number); }

  Result<MergeResult> run(Vfs& vfs, const std::vector<History>& parts,
                          std::function<Status(double, uint64_t)> checkpoint = {}) {
    MergeRequest request;
    request.schema = history_schema();
    for (const History& part : parts) request.sources.push_back(std::make_unique<HistorySource>(part));
    request.policy = policy;
    request.window = window;
    request.run.page_rows = 16;
    request.checkpoint = std::move(checkpoint);
    request.new_file = [this] {
      const uint64_t number = next_number++;
      return NewFile{number, path(number)};
    };
    return merge_sources(vfs, std::move(request));
  }

  History read(const RunMeta& meta) {
    History history;
    const auto opened = Run::open(*disk, path(meta.number), meta, history_schema(), BlockCache::create(1 << 20));
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    if (!opened.ok()) return history;
    const auto source = (*opened)->source();
    const auto cursor = source->walk();
    for (Result<bool> more = cursor->next(); more.ok() && *more; more = cursor->next()) {
      const RowRange rows = cursor->rows();
      std::vector<int64_t> times(rows.size());
      std::vector<uint64_t> versions(rows.size()), positions(rows.size());
      EXPECT_TRUE(source->times(rows, times.data()).ok());
      EXPECT_TRUE(source->versions(rows, versions.data()).ok());
      EXPECT_TRUE(source->fixed(history_schema()->columns[0], rows, reinterpret_cast<uint8_t*>(positions.data())).ok());
      for (size_t i = 0; i < rows.size(); ++i)
        history[cursor->key().to_uint64()].push_back({times[i], versions[i], positions[i]});
    }
    std::vector<Run::Problem> problems;
    EXPECT_TRUE((*opened)->verify(&problems).ok());
    EXPECT_TRUE(problems.empty());
    return history;
  }
};

TEST(Merge, GivesAllEventsInOrder) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 30; ++round) {
    const History history = random_history(random, {1 + random() % 20, 1 + random() % 300, 50, 20});
    Job job;
    const Result<MergeResult> merged = job.run(*job.disk, random_parts(random, history, 1 + random() % 5));
    ASSERT_TRUE(merged.ok()) << merged.status().message();
    ASSERT_EQ(merged->runs.size(), 1U);
    EXPECT_EQ(job.read(merged->runs[0]), history);
    uint64_t events = 0;
    for (const auto& [key, of_key] : history) events += of_key.size();
    EXPECT_EQ(merged->events_in, events);
    EXPECT_EQ(merged->events_dropped, 0U);
    EXPECT_EQ(merged->bytes_written, job.disk->files().at("/" + Job::path(1)).size());
  }
}

TEST(Merge, WindowsSplitTheOutput) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 30; ++round) {
    const History history = random_history(random, {1 + random() % 10, 200, 60, 20});
    Job job;
    job.window = 1 + static_cast<int64_t>(random() % 20);
    const Result<MergeResult> merged = job.run(*job.disk, random_parts(random, history, 3));
    ASSERT_TRUE(merged.ok()) << merged.status().message();
    History all;
    std::set<int64_t> windows;
    for (const RunMeta& meta : merged->runs) {
      const int64_t window = window_of(meta.stats.min_time, *job.window);
      EXPECT_EQ(window, window_of(meta.stats.max_time, *job.window));
      EXPECT_TRUE(windows.insert(window).second);
      for (const auto& [key, events] : job.read(meta)) all[key].insert(all[key].end(), events.begin(), events.end());
    }
    for (auto& [key, events] : all) std::sort(events.begin(), events.end());
    EXPECT_EQ(all, history);
  }
}

TEST(Merge, TimesAtTheEndsOfTheRangeAndInVeryManyWindows) {
  History history;
  history[1] = {{kMinTime + 1, 1, 0}, {-1, 1, 1}, {0, 1, 2}, {kMaxTime - 1, 1, 3}, {kMaxTime, 1, 4}};
  for (uint64_t i = 0; i < 300; ++i) history[2].push_back({static_cast<int64_t>(i) * 7, 2, i});
  for (const int64_t width : {int64_t{1}, int64_t{7}, kMaxTime}) {
    Job job;
    job.window = width;
    const Result<MergeResult> merged = job.run(*job.disk, {history});
    ASSERT_TRUE(merged.ok()) << merged.status().message();
    EXPECT_LE(merged->runs.size(), 64U);
    History all;
    for (const RunMeta& meta : merged->runs) {
      for (const auto& [key, events] : job.read(meta)) all[key].insert(all[key].end(), events.begin(), events.end());
    }
    for (auto& [key, events] : all) std::sort(events.begin(), events.end());
    EXPECT_EQ(all, history);
  }
}

TEST(Merge, DropsWhatThePolicyLetsGo) {
  std::mt19937_64 random(3);
  const History history = random_history(random, {5, 200, 50, 20});
  Job job;
  job.policy.retention = Retention{};
  job.policy.retention->max_events = 3;
  job.policy.now = 100;
  job.policy.horizon_version = 20;
  const Result<MergeResult> merged = job.run(*job.disk, random_parts(random, history, 3));
  ASSERT_TRUE(merged.ok());
  EXPECT_EQ(merged->events_dropped, 185U);
  const History left = job.read(merged->runs[0]);
  for (const auto& [key, events] : history) EXPECT_EQ(left.at(key), std::vector<Event>(events.end() - 3, events.end()));

  job.policy.retention->max_events = 0;
  const Result<MergeResult> nothing = job.run(*job.disk, {history});
  ASSERT_TRUE(nothing.ok());
  EXPECT_TRUE(nothing->runs.empty());
  EXPECT_EQ(nothing->events_dropped, 200U);
}

TEST(Merge, StoppedItLeavesNoFiles) {
  std::mt19937_64 random(4);
  const History history = random_history(random, {600, 2'000, 50, 20});
  Job job;
  job.window = 10;
  int calls = 0;
  const Result<MergeResult> stopped = job.run(*job.disk, {history}, [&](double share, uint64_t) {
    EXPECT_GT(share, 0.0);
    EXPECT_LE(share, 1.0);
    return ++calls == 2 ? Status::closed("stop") : Status{};
  });
  EXPECT_EQ(stopped.status().code(), Code::kClosed);
  EXPECT_TRUE(job.disk->files().empty());
}

TEST(Merge, EveryFailingCallIsReported) {
  std::mt19937_64 random(5);
  const History history = random_history(random, {20, 200, 50, 20});
  for (uint64_t call = 1;; ++call) {
    Job job;
    job.window = 20;
    const auto faulty = FaultVfs::create(job.disk.get());
    faulty->fail_after(call, ENOSPC, true);
    const Result<MergeResult> merged = job.run(*faulty, random_parts(random, history, 2));
    if (merged.ok()) {
      EXPECT_GT(call, 9U);
      break;
    }
    EXPECT_EQ(merged.status().code(), Code::kOutOfSpace);
    EXPECT_TRUE(job.disk->files().empty());
  }
}

}  // namespace
}  // namespace tsfeat
