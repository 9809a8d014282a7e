#include "schema/retention.h"

#include <gtest/gtest.h>

#include <random>

namespace tsfeat {
namespace {

std::optional<Retention> random_retention(std::mt19937_64& random) {
  if (random() % 6 == 0) return std::nullopt;
  Retention retention;
  if (random() % 2 == 0) retention.max_age = static_cast<int64_t>(random() % 4);
  if (random() % 2 == 0) retention.max_events = random() % 4;
  retention.min_events = random() % 3;
  retention.history = static_cast<int64_t>(random() % 3);
  retention.event_clock = random() % 4 == 0;
  return retention;
}

TEST(Retention, VisibleCountIsThePrefixThatTheLawDescribes) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; ++round) {
    const std::optional<Retention> retention = random_retention(random);
    if (!retention) continue;
    const uint64_t total = random() % 8;
    const uint64_t young = random() % (total + 1);
    uint64_t visible = 0;
    for (uint64_t rank = 1; rank <= total; ++rank) {
      const bool in_age = !retention->max_age || rank <= young;
      const bool seen =
          rank <= retention->min_events || (rank <= retention->max_events.value_or(~uint64_t{0}) && in_age);
      visible += seen ? 1 : 0;
    }
    EXPECT_EQ(retention->visible_count(total, retention->max_age ? young : total), visible);
  }
}

TEST(Retention, AgesSaturate) {
  Retention retention;
  EXPECT_EQ(retention.oldest_visible(5), kMinTime);
  retention.max_age = 10;
  EXPECT_EQ(retention.oldest_visible(kMinTime + 3), kMinTime);
  EXPECT_EQ(retention.oldest_visible(5), -5);
  retention.max_age = kMaxTime;
  EXPECT_EQ(retention.oldest_visible(-5), kMinTime);
}

// By the definition: an event of some (rank, age) that current lets go of and that next would show.
bool loosens_by_trying(const Retention& current, const std::optional<Retention>& next) {
  for (uint64_t rank = 1; rank <= 6; ++rank) {
    for (int64_t age = 0; age <= 8; ++age) {
      const auto shows = [&](const Retention& policy) {
        const bool young = !policy.max_age || age <= *policy.max_age;
        return rank <= policy.min_events || (rank <= policy.max_events.value_or(~uint64_t{0}) && young);
      };
      if (!shows(current) && (!next || shows(*next))) return true;
    }
  }
  return false;
}

TEST(Retention, NothingIsShownAgainUnlessItLoosens) {
  std::mt19937_64 random(4);
  int loose = 0;
  for (int round = 0; round < 5000; ++round) {
    const std::optional<Retention> current = random_retention(random);
    const std::optional<Retention> next = random_retention(random);
    if (!current) {
      EXPECT_FALSE(loosens(current, next));
      continue;
    }
    EXPECT_FALSE(loosens(current, current));
    if (!loosens_by_trying(*current, next)) continue;
    ++loose;
    EXPECT_TRUE(loosens(current, next));
  }
  EXPECT_GT(loose, 100);
}

TEST(Retention, ALongerHistoryOrAnotherClockLoosens) {
  Retention current;
  current.max_events = 3;
  Retention next = current;
  next.history = 1;
  EXPECT_TRUE(loosens(current, next));
  EXPECT_FALSE(loosens(next, current));
  next = current;
  next.event_clock = true;
  EXPECT_TRUE(loosens(current, next));
  EXPECT_TRUE(loosens(current, std::nullopt));
  EXPECT_TRUE(loosens(Retention{}, std::nullopt)) << "its horizon stays";
  EXPECT_FALSE(loosens(std::nullopt, current));
}

}  // namespace
}  // namespace tsfeat
