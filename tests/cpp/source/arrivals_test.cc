#include "source/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace tsfeat {
namespace {

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min() + 1;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

// The definition, entry by entry.
uint64_t expected(const std::vector<Arrival>& entries, int64_t time) {
  for (const Arrival& entry : entries) {
    if (entry.last_time >= time) return entry.version;
  }
  return entries.empty() ? 0 : entries.back().version;
}

std::vector<Arrival> random_known(std::mt19937_64& random) {
  std::vector<Arrival> known;
  int64_t now = static_cast<int64_t>(random() % 1'000);
  const uint64_t count = random() % 60;
  for (uint64_t version = 1; version <= count; ++version) {
    now += static_cast<int64_t>(random() % 5);
    int64_t last = now;
    if (random() % 10 == 0) last -= static_cast<int64_t>(random() % 200);                // a batch of old events
    if (random() % 20 == 0) last += static_cast<int64_t>(random() % 1'000'000'000'000);  // a wrong clock
    if (random() % 40 == 0) last = random() % 2 == 0 ? kLeast : kMost;
    for (uint64_t part = 0; part <= random() % 2; ++part) known.push_back({version, last - static_cast<int64_t>(part)});
  }
  std::shuffle(known.begin(), known.end(), random);
  return known;
}

// The length of the longest ascending subsequence, by the quadratic definition.
size_t longest(std::vector<Arrival> known) {
  std::sort(known.begin(), known.end(), [](const Arrival& a, const Arrival& b) {
    return a.version != b.version ? a.version < b.version : a.last_time > b.last_time;
  });
  std::vector<size_t> length(known.size(), 1);
  size_t most = 0;
  for (size_t i = 0; i < known.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (known[j].version < known[i].version && known[j].last_time < known[i].last_time)
        length[i] = std::max(length[i], length[j] + 1);
    }
    most = std::max(most, length[i]);
  }
  return most;
}

TEST(Arrivals, ChooseKeepsTheLongestAscendingSequence) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    const std::vector<Arrival> known = random_known(random);
    const Arrivals all = Arrivals::choose(known, 1'000);
    // Only each version's greatest time counts, so the sequence is never longer than that of all that is known.
    std::vector<Arrival> greatest;
    for (const Arrival& each : known) {
      const auto at = std::find_if(greatest.begin(), greatest.end(),
                                   [&](const Arrival& other) { return other.version == each.version; });
      if (at == greatest.end()) {
        greatest.push_back(each);
      } else {
        at->last_time = std::max(at->last_time, each.last_time);
      }
    }
    ASSERT_EQ(all.entries().size(), longest(greatest));
    const uint64_t most = 1 + random() % 10;
    const Arrivals few = Arrivals::choose(known, most);
    ASSERT_LE(few.entries().size(), most);
    for (const Arrivals* some : {&all, &few}) {
      for (size_t i = 1; i < some->entries().size(); ++i) {
        ASSERT_LT(some->entries()[i - 1].version, some->entries()[i].version);
        ASSERT_LT(some->entries()[i - 1].last_time, some->entries()[i].last_time);
      }
    }
  }
}

TEST(Arrivals, ExpectsByTheDefinitionAlsoOfAPart) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 500; ++round) {
    const Arrivals arrivals = Arrivals::choose(random_known(random), 1'000);
    std::vector<int64_t> times{kLeast, kMost, 0};
    for (const Arrival& entry : arrivals.entries()) {
      times.push_back(entry.last_time);
      if (entry.last_time != kMost) times.push_back(entry.last_time + 1);
      if (entry.last_time != kLeast) times.push_back(entry.last_time - 1);
    }
    for (int i = 0; i < 20; ++i) times.push_back(static_cast<int64_t>(random() % 2'000));
    int64_t first = times[random() % times.size()];
    int64_t last = times[random() % times.size()];
    if (first > last) std::swap(first, last);
    const Arrivals part = arrivals.between(first, last);
    ASSERT_LE(part.entries().size(), arrivals.entries().size());
    for (const int64_t time : times) {
      ASSERT_EQ(arrivals.expected(time), expected(arrivals.entries(), time)) << time;
      ASSERT_TRUE(time < first || time > last || part.expected(time) == arrivals.expected(time)) << time;
    }
    std::vector<uint64_t> versions(times.size());
    for (uint64_t& version : versions) version = random();
    std::vector<uint64_t> distances = versions;
    arrivals.subtract_expected(times.data(), times.size(), distances.data());
    arrivals.add_expected(times.data(), times.size(), distances.data());
    ASSERT_EQ(distances, versions);
  }
}

TEST(Arrivals, OneWrongClockOrOneOldBatchLeavesTheOthersInPlace) {
  std::vector<Arrival> known;
  for (uint64_t version = 1; version <= 100; ++version) known.push_back({version, static_cast<int64_t>(version * 10)});
  known[30].last_time = 1'000'000;
  known[60].last_time = 5;
  const Arrivals arrivals = Arrivals::choose(known, 1'000);
  EXPECT_EQ(arrivals.entries().size(), 98u);
  for (uint64_t version = 1; version <= 100; ++version) {
    if (version == 31 || version == 61) continue;
    EXPECT_EQ(arrivals.expected(static_cast<int64_t>(version * 10)), version);
  }
}

}  // namespace
}  // namespace tsfeat
