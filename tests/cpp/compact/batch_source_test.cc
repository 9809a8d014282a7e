// A sorted batch as a source gives what a source over the same events gives.

#include "compact/batch_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "read/events.h"

namespace tsfeat::testing {
namespace {

std::vector<Event> sorted_events(uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Event> events(1 + random() % 80);
  for (uint32_t i = 0; i < events.size(); ++i) {
    Event& event = events[i];
    event.key = random() % 7;
    event.time = static_cast<int64_t>(random() % 20);
    event.position = i;
    event.item = random();
    event.action = static_cast<int32_t>(random() % 5);
    if (random() % 3 != 0) event.score = static_cast<float>(random() % 100) / 4;
    event.text = std::string(random() % 9, 'x');
    if (random() % 2 == 0) event.note = std::to_string(random() % 1000);
  }
  std::sort(events.begin(), events.end(), event_before);
  return events;
}

void expect_same_column(const Column& column, Source& got, Source& expected, RowRange rows) {
  std::vector<uint8_t> valid(rows.size()), expected_valid(rows.size());
  ASSERT_TRUE(got.validity(column, rows, valid.data()).ok());
  ASSERT_TRUE(expected.validity(column, rows, expected_valid.data()).ok());
  EXPECT_EQ(valid, expected_valid);
  if (is_varlen(column.type)) {
    codec::VarlenBuffer text, expected_text;
    ASSERT_TRUE(got.varlen(column, rows, &text).ok());
    ASSERT_TRUE(expected.varlen(column, rows, &expected_text).ok());
    EXPECT_EQ(text.data, expected_text.data);
    EXPECT_EQ(text.offsets, expected_text.offsets);
    return;
  }
  std::vector<uint8_t> values(rows.size() * column.width()), expected_values(values.size());
  ASSERT_TRUE(got.fixed(column, rows, values.data()).ok());
  ASSERT_TRUE(expected.fixed(column, rows, expected_values.data()).ok());
  EXPECT_EQ(values, expected_values);
}

TEST(BatchSource, IsASourceLikeAnyOther) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const std::vector<Event> events = sorted_events(seed);
    const EventBatch batch(events, true);
    const auto schema = event_schema(true);
    BatchSource source(*schema, batch.batch);
    EventSource expected(events, true);
    EXPECT_EQ(source.stats().events, expected.stats().events);
    EXPECT_EQ(source.stats().max_time, expected.stats().max_time);
    const auto keys = source.walk();
    const auto expected_keys = expected.walk();
    while (*expected_keys->next()) {
      ASSERT_TRUE(*keys->next());
      EXPECT_EQ(keys->key(), expected_keys->key());
      const RowRange rows = keys->rows();
      EXPECT_EQ(rows.begin, expected_keys->rows().begin);
      EXPECT_EQ(rows.end, expected_keys->rows().end);
      for (int64_t time = -1; time <= 20; ++time) EXPECT_EQ(*source.seek(rows, time), *expected.seek(rows, time));
      const Probe probe{keys->key()};
      RowRange found;
      ASSERT_TRUE(source.locate({&probe, 1}, {&found, 1}).ok());
      EXPECT_EQ(found.begin, rows.begin);
      EXPECT_EQ(found.end, rows.end);
      for (const Column& column : schema->columns) expect_same_column(column, source, expected, rows);
    }
    EXPECT_FALSE(*keys->next());
    const Probe unknown{KeyView::from_uint64(99)};
    RowRange found{1, 2};
    ASSERT_TRUE(source.locate({&unknown, 1}, {&found, 1}).ok());
    EXPECT_EQ(found.size(), 0U);
    std::vector<uint64_t> versions(events.size(), 7);
    ASSERT_TRUE(source.versions({0, events.size()}, versions.data()).ok());
    EXPECT_EQ(versions, std::vector<uint64_t>(events.size(), 0));
    EXPECT_EQ(source.bounds(nullptr, 0).rows.end, events.size());
  }
}

}  // namespace
}  // namespace tsfeat::testing
