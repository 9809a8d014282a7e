#include "compact/reclaim.h"

#include <gtest/gtest.h>

#include <set>

#include "compact/history.h"

namespace tsfeat {
namespace {

using namespace compact_testing;

std::vector<Event> choose(const ReclaimPolicy& policy, const std::vector<History>& parts) {
  std::vector<std::unique_ptr<HistorySource>> sources;
  std::vector<Slice> slices;
  for (const History& part : parts) {
    sources.push_back(std::make_unique<HistorySource>(part));
    const RowRange rows = sources.back()->rows(0);
    if (rows.size() > 0) slices.push_back({sources.back().get(), rows});
  }
  Reclaimer reclaimer(policy);
  std::vector<Slice> kept;
  EXPECT_TRUE(reclaimer.choose(KeyView::from_uint64(0), slices, &kept).ok());
  std::vector<Event> out;
  uint64_t in = 0;
  for (const Slice& slice : slices) in += slice.rows.size();
  for (const Slice& slice : kept) {
    for (uint64_t row = slice.rows.begin; row < slice.rows.end; ++row) {
      out.push_back(static_cast<const HistorySource*>(slice.source)->event(row));
    }
  }
  EXPECT_TRUE(std::is_sorted(out.begin(), out.end()));
  EXPECT_EQ(reclaimer.dropped_events(), in - out.size());
  return out;
}

struct Case {
  std::vector<Event> events;  // of one key
  ReclaimPolicy policy;
  uint64_t versions = 0;
};

Case random_case(std::mt19937_64& random) {
  Case one;
  one.versions = 1 + random() % 6;
  const HistoryShape shape{1, 1 + random() % 9, static_cast<int64_t>(1 + random() % 10), one.versions};
  one.events = random_history(random, shape)[0];
  one.policy.retention = random_retention(random);
  one.policy.now = static_cast<int64_t>(random() % 12);  // there may be events in its future
  one.policy.horizon_version = random() % (one.versions + 1);
  return one;
}

// Everything that some permitted read, now or later, can see.
std::set<Event> seen_by_some_read(const Case& one) {
  std::set<Event> seen;
  const auto look = [&](uint64_t version, std::optional<int64_t> before, int64_t now) {
    for (const Event& event : visible(one.events, *one.policy.retention, version, before, now)) seen.insert(event);
  };
  for (uint64_t version = one.policy.horizon_version; version <= one.versions; ++version) {
    for (int64_t before = one.policy.horizon_time(); before < 30; ++before) look(version, before, 0);
    for (int64_t now = one.policy.now; now < 30; ++now) look(version, std::nullopt, now);
  }
  return seen;
}

TEST(Reclaim, KeepsWhatSomePermittedReadCanSee) {
  std::mt19937_64 random(1);
  uint64_t dropped = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Case one = random_case(random);
    const std::vector<Event> kept = choose(one.policy, random_parts(random, {{0, one.events}}, 1 + random() % 3));
    if (!one.policy.retention) {
      ASSERT_EQ(kept, one.events);
      continue;
    }
    const std::set<Event> seen = seen_by_some_read(one);
    dropped += one.events.size() - kept.size();
    for (const Event& event : one.events) {
      const bool is_kept = std::binary_search(kept.begin(), kept.end(), event);
      // With max_age 0, what is not past yet may be kept beyond its rank; reads decide then.
      if (is_kept && one.policy.retention->max_age == 0 && event.time >= one.policy.now) continue;
      ASSERT_EQ(is_kept, seen.contains(event))
          << "round " << round << ", time " << event.time << ", version " << event.version;
    }
  }
  EXPECT_GT(dropped, 1000U);
}

TEST(Reclaim, ReadsAreTheSameAfterwards) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 10'000; ++round) {
    const Case one = random_case(random);
    if (!one.policy.retention) continue;
    // Several compactions, each of some of the parts, as time goes on.
    std::vector<History> parts = random_parts(random, {{0, one.events}}, 3);
    ReclaimPolicy policy = one.policy;
    for (int step = 0; step < 3; ++step) {
      const size_t from = random() % 3;
      const size_t count = 1 + random() % (3 - from);
      const std::vector<History> some(parts.begin() + static_cast<std::ptrdiff_t>(from),
                                      parts.begin() + static_cast<std::ptrdiff_t>(from + count));
      const std::vector<Event> kept = choose(policy, some);
      for (size_t i = from; i < from + count; ++i) parts[i].clear();
      parts[from][0] = kept;
      policy.now += static_cast<int64_t>(random() % 2);
      policy.horizon_version = std::min(one.versions, policy.horizon_version + random() % 2);
    }
    std::vector<Event> left;
    for (const History& part : parts) {
      for (const auto& [key, events] : part) left.insert(left.end(), events.begin(), events.end());
    }
    std::sort(left.begin(), left.end());
    for (uint64_t version = policy.horizon_version; version <= one.versions; ++version) {
      for (int64_t before = policy.horizon_time(); before < 20; ++before) {
        ASSERT_EQ(visible(left, *policy.retention, version, before, 0),
                  visible(one.events, *policy.retention, version, before, 0));
      }
      for (int64_t now = policy.now; now < 20; ++now) {
        ASSERT_EQ(visible(left, *policy.retention, version, std::nullopt, now),
                  visible(one.events, *policy.retention, version, std::nullopt, now));
      }
    }
  }
}

TEST(Reclaim, OfSomeOfAKeysEventsNoMoreIsDropped) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 10'000; ++round) {
    const Case one = random_case(random);
    const std::vector<History> parts = random_parts(random, {{0, one.events}}, 2);
    const std::vector<Event> of_all = choose(one.policy, parts);
    const std::vector<Event> of_some = choose(one.policy, {parts[0]});
    for (const auto& [key, events] : parts[0]) {
      for (const Event& event : events) {
        if (!std::binary_search(of_all.begin(), of_all.end(), event)) continue;
        ASSERT_TRUE(std::binary_search(of_some.begin(), of_some.end(), event));
      }
    }
  }
}

TEST(Reclaim, ErasedEventsGoAndAreNotCounted) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 5'000; ++round) {
    Case one = random_case(random);
    uint8_t room[8];
    const Bytes key = KeyView::from_uint64(0).bytes(room);
    DeleteRecord record{1, random() % (one.versions + 1), {}};
    record.erasures.push_back(
        {std::string(key.begin(), key.end()), static_cast<int64_t>(random() % 10), random() % 4 == 0});
    Case without = one;
    one.policy.tombstones = Tombstones::none()->with(record);
    std::erase_if(without.events, [&](const Event& event) {
      return event.version <= record.version &&
             (record.erasures[0].everything || event.time < record.erasures[0].before);
    });
    const std::vector<History> parts = random_parts(random, {{0, one.events}}, 2);
    ASSERT_EQ(choose(one.policy, parts), choose(without.policy, {{{0, without.events}}}));
  }
}

TEST(Reclaim, ABackfilledKeyOfManyEventsIsFast) {
  History history;
  for (uint64_t i = 0; i < 200'000; ++i) history[0].push_back({static_cast<int64_t>(i), 10 + i / 10, i});
  ReclaimPolicy policy;
  policy.retention = Retention{};
  policy.retention->max_events = 1'000;
  policy.now = 1'000'000;
  policy.horizon_version = 1;
  EXPECT_EQ(choose(policy, {history}).size(), 200'000U) << "a read at an old version sees each of them";
}

TEST(Reclaim, ExpiredBeforeIsWhatAgeAloneForbids) {
  ReclaimPolicy policy;
  EXPECT_EQ(policy.expired_before(), kMinTime);
  policy.now = 100;
  policy.retention = Retention{};
  EXPECT_EQ(policy.expired_before(), kMinTime);
  policy.retention->max_age = 10;
  policy.retention->history = 5;
  EXPECT_EQ(policy.horizon_time(), 95);
  EXPECT_EQ(policy.expired_before(), 85);
  policy.retention->min_events = 1;
  EXPECT_EQ(policy.expired_before(), kMinTime);
}

}  // namespace
}  // namespace tsfeat
