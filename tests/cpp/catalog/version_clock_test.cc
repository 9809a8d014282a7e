#include "catalog/version_clock.h"

#include <gtest/gtest.h>

#include <random>

namespace tsfeat {
namespace {

// Every version and when it became current; never thinned, never pruned.
struct Model {
  std::vector<std::pair<uint64_t, int64_t>> marks;
  void add(uint64_t version, int64_t clock) {
    if (!marks.empty()) clock = std::max(clock, marks.back().second);
    marks.emplace_back(version, clock);
  }
  uint64_t current_at(int64_t moment) const {
    uint64_t version = 0;
    for (const auto& [added, clock] : marks) {
      if (clock <= moment) version = added;
    }
    return version;
  }
};

TEST(VersionClock, AgreesWithAList) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 100; ++round) {
    VersionClock clock;
    Model model;
    EXPECT_EQ(clock.last_clock(), INT64_MIN);
    int64_t now = 0;
    for (uint64_t version = 1; version <= 100; ++version) {
      now += static_cast<int64_t>(random() % 4) - 1;  // it may go back, and stand still
      clock.add(version, now);
      model.add(version, now);
      EXPECT_EQ(clock.last_clock(), model.marks.back().second);
    }
    for (int64_t moment = -5; moment < 300; ++moment) ASSERT_EQ(clock.current_at(moment), model.current_at(moment));

    std::string bytes;
    clock.encode(&bytes);
    ByteReader in(as_bytes(bytes));
    Result<VersionClock> decoded = VersionClock::decode(in);
    ASSERT_TRUE(decoded.ok());
    EXPECT_TRUE(in.done());
    const auto horizon = static_cast<int64_t>(random() % 100);
    decoded->prune(horizon);
    for (int64_t moment = horizon; moment < 300; ++moment)
      ASSERT_EQ(decoded->current_at(moment), model.current_at(moment));
  }
}

TEST(VersionClock, ThinnedItAnswersWithAnOlderVersionNeverANewer) {
  VersionClock clock;
  Model model;
  for (uint64_t version = 1; version <= 20'000; ++version) {
    clock.add(version, static_cast<int64_t>(version));
    model.add(version, static_cast<int64_t>(version));
  }
  std::string bytes;
  clock.encode(&bytes);
  EXPECT_LT(bytes.size(), 16U * 4096 + 16);
  for (uint64_t moment = 0; moment < 20'010; ++moment) {
    const uint64_t exact = std::min<uint64_t>(moment, 20'000);
    ASSERT_LE(clock.current_at(static_cast<int64_t>(moment)), exact);
  }
  EXPECT_EQ(clock.current_at(20'000), 20'000U);
  EXPECT_EQ(clock.current_at(0), 0U);
}

TEST(VersionClock, DamagedBytesAreRefused) {
  VersionClock clock;
  clock.add(1, 10);
  clock.add(2, 20);
  std::string bytes;
  clock.encode(&bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    ByteReader in(as_bytes(bytes).first(size));
    EXPECT_FALSE(VersionClock::decode(in).ok());
  }
  std::swap(bytes[1], bytes[17]);  // versions descend
  ByteReader in(as_bytes(bytes));
  EXPECT_EQ(VersionClock::decode(in).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace tsfeat
