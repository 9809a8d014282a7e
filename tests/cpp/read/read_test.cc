// read(), count() and scan() against the laws read slowly, over random tables.
#include "read/read.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "read/merge.h"
#include "read/world.h"

namespace tsfeat {
namespace {

using testing::Event;
using testing::Random;
using testing::TestFilter;
using testing::World;
using testing::WorldShape;

// A request with its parameters at hand, each absent, scalar or one a row.
struct RandomRequest {
  RandomRequest(Random& random, const World& world, bool with_filter) {
    const auto draw = [&](uint64_t below) { return static_cast<int64_t>(random() % below); };
    const uint64_t rows = random() % 4 == 0 ? 50 + random() % 150 : random() % 20;  // many are put in order
    for (uint64_t row = 0; row < rows; ++row) keys.push_back(random() % 10);
    for (const uint64_t key : keys) request.keys.push_back(KeyView::from_uint64(key));
    const auto vary = [&](PerRow<int64_t>& value, std::vector<int64_t>& values, uint64_t below, bool may_miss) {
      for (uint64_t row = 0; row < rows; ++row) values.push_back(draw(below));
      const int64_t kind = draw(may_miss ? 3 : 2);
      if (kind == 0) value.rows = values.data();
      if (kind == 1) value.scalar = draw(below);
    };
    vary(request.n, n, draw(2) == 0 ? 6 : 200, true);
    vary(request.since, since, 130, true);
    vary(request.before, before, 130, true);
    if (draw(2) == 0) vary(request.version, version, world.version + 1, false);
    for (int column = -1; column < 6; ++column) {
      if (draw(3) > 0) request.columns.push_back(column);
    }
    if (with_filter) {
      filter = testing::random_filter(random, rows, 3);
      request.filter = &filter->node;
    }
  }
  RandomRequest(const RandomRequest&) = delete;
  RandomRequest& operator=(const RandomRequest&) = delete;

  std::vector<Event> expected(const World& world, uint64_t row) const {
    const auto at_version = request.version.at(row);
    std::vector<Event> events = world.visible(
        keys[row], at_version ? static_cast<uint64_t>(*at_version) : world.version, request.before.at(row));
    std::erase_if(events, [&](const Event& event) {
      return event.time < request.since.at(row).value_or(kMinTime) || (filter && filter->truth(event, row) != 2);
    });
    const auto limit = static_cast<size_t>(request.n.at(row).value_or(1'000'000));
    if (events.size() > limit) events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(limit));
    return events;
  }

  ReadRequest request;
  std::vector<uint64_t> keys;
  std::vector<int64_t> n, since, before, version;
  std::optional<TestFilter> filter;
};

void compare_read(World& world, const RandomRequest& asked) {
  View view = world.view();
  const auto result = read(view, asked.request);
  ASSERT_TRUE(result.ok()) << result.status().message();
  View view_for_count = world.view();
  const auto counts = count(view_for_count, asked.request);
  ASSERT_TRUE(counts.ok());
  std::vector<Event> expected;
  ASSERT_EQ(result->offsets.size(), asked.keys.size() + 1);
  for (uint64_t row = 0; row < asked.keys.size(); ++row) {
    const auto events = asked.expected(world, row);
    ASSERT_EQ(result->offsets[row + 1] - result->offsets[row], static_cast<int64_t>(events.size())) << "row " << row;
    ASSERT_EQ((*counts)[row], static_cast<int64_t>(events.size())) << "row " << row;
    expected.insert(expected.end(), events.begin(), events.end());
  }
  ASSERT_EQ(testing::lines_of(result->columns, expected.size(), asked.request.columns),
            testing::lines_of(expected, asked.request.columns));
}

void compare_scan(World& world, Random& random) {
  ScanRequest request;
  const auto maybe = [&](uint64_t below) {
    return random() % 2 == 0 ? std::optional<int64_t>() : static_cast<int64_t>(random() % below);
  };
  request.since = maybe(100);
  request.before = maybe(130);
  request.version = maybe(world.version + 1);
  request.columns = {0, -1, 2, 5, 3};
  request.chunk_rows = 1 + random() % 40;
  request.keys_only = random() % 3 == 0;
  const TestFilter filter = testing::random_filter(random, 0, 2);
  if (random() % 2 == 0) request.filter = &filter.node;
  std::vector<Event> expected;
  for (uint64_t key = 0; key < 10; ++key) {
    const uint64_t version = request.version ? static_cast<uint64_t>(*request.version) : world.version;
    for (const Event& event : world.visible(key, version, request.before)) {
      if (event.time < request.since.value_or(kMinTime) || (request.filter != nullptr && filter.truth(event, 0) != 2))
        continue;
      if (request.keys_only && !expected.empty() && expected.back().key == key) continue;
      expected.push_back(event);
    }
  }
  auto scanner = Scanner::create(world.view(), request);
  ASSERT_TRUE(scanner.ok()) << scanner.status().message();
  ScanChunk chunk;
  std::vector<uint64_t> keys, expected_keys;
  std::vector<std::string> lines;
  while (*(*scanner)->next(&chunk)) {
    ASSERT_LE(chunk.rows, request.chunk_rows);
    ASSERT_EQ(chunk.fixed_keys.size(), chunk.rows);
    keys.insert(keys.end(), chunk.fixed_keys.begin(), chunk.fixed_keys.end());
    if (request.keys_only) continue;
    const auto part = testing::lines_of(chunk.columns, chunk.rows, request.columns);
    lines.insert(lines.end(), part.begin(), part.end());
  }
  for (const Event& event : expected) expected_keys.push_back(event.key);
  ASSERT_EQ(keys, expected_keys);
  if (request.keys_only) return;
  ASSERT_EQ(lines, testing::lines_of(expected, request.columns));
}

std::optional<Retention> random_retention(Random& random) {
  if (random() % 2 == 0) return std::nullopt;
  Retention retention;
  if (random() % 3 > 0) retention.max_age = static_cast<int64_t>(random() % 90);
  if (random() % 3 > 0) retention.max_events = random() % 60;
  if (random() % 2 == 0) retention.min_events = random() % 20;
  return retention;
}

class ReadAgainstLaws : public ::testing::TestWithParam<int> {};

TEST_P(ReadAgainstLaws, OnRandomTables) {
  Random random(static_cast<unsigned>(GetParam()));
  WorldShape shape;
  shape.vector_sources = random() % 4;
  shape.memtables = random() % 3 + (shape.vector_sources == 0 ? 1 : 0);
  shape.random_placement = random() % 2 == 0;
  shape.times = random() % 4 == 0 ? 3 : 1 + random() % 90;  // few distinct times: ties everywhere
  shape.drift = random() % 3 == 0 ? shape.times : random() % 5;
  shape.largest_batch = random() % 5 == 0 ? 700 : 50;  // long sequences cross windows and blocks
  World world(random, shape);
  if (random() % 2 == 0) world.helpers = Helpers::create(random() % 4);
  for (int round = 0; round < 12; ++round) {
    world.retention = random_retention(random);
    if (random() % 3 == 0) world.erase(random);
    const RandomRequest asked(random, world, random() % 2 == 0);
    ASSERT_NO_FATAL_FAILURE(compare_read(world, asked)) << "round " << round;
    ASSERT_NO_FATAL_FAILURE(compare_scan(world, random)) << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReadAgainstLaws, ::testing::Range(0, 60));

}  // namespace
}  // namespace tsfeat
