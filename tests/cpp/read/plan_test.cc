// What read() refuses, and how little it touches.
#include <gtest/gtest.h>

#include "memtable/memtable.h"
#include "read/merge.h"
#include "read/world.h"

namespace tsfeat {
namespace {

using testing::Event;
using testing::EventBatch;
using testing::EventSource;

Event event_at(uint64_t key, int64_t time, uint64_t version) {
  Event event;
  event.key = key;
  event.time = time;
  event.version = version;
  event.item = static_cast<uint64_t>(time);
  return event;
}

// Times [first, last) of one key, one event each, all of one version.
std::vector<Event> events_of(uint64_t key, int64_t first, int64_t last, uint64_t version) {
  std::vector<Event> events;
  for (int64_t time = first; time < last; ++time) events.push_back(event_at(key, time, version));
  return events;
}

View view_of(std::vector<std::unique_ptr<Source>> sources) {
  View view;
  view.schema = testing::event_schema(true);
  view.table_name = "clicks";
  view.version = 9;
  view.now = 1000;
  view.sources = std::move(sources);
  return view;
}

View view_of(EventSource** older, std::vector<Event> old_events, EventSource** newer, std::vector<Event> new_events) {
  std::vector<std::unique_ptr<Source>> sources;
  auto first = std::make_unique<EventSource>(std::move(old_events), true);
  auto second = std::make_unique<EventSource>(std::move(new_events), true);
  *older = first.get();
  *newer = second.get();
  sources.push_back(std::move(first));
  sources.push_back(std::move(second));
  return view_of(std::move(sources));
}

ReadRequest last_n(uint64_t key, int64_t n) {
  ReadRequest request;
  request.keys = {KeyView::from_uint64(key)};
  request.n.scalar = n;
  request.columns = {testing::kItem};
  return request;
}

Status status_of(View view, const ReadRequest& request) {
  const Status status = read(view, request).status();
  EXPECT_EQ(count(view, request).status().code(), status.code());
  return status;
}

TEST(ReadRefuses, BadNumbersNamingTheRow) {
  const std::vector<int64_t> values = {1, 2, -3};
  ReadRequest request = last_n(1, 1);
  request.keys.resize(3);
  request.n = {.scalar = {}, .rows = values.data()};
  EXPECT_EQ(status_of(view_of({}), request).code(), Code::kSchema);
  EXPECT_NE(status_of(view_of({}), request).message().find("row 2"), std::string::npos);
  request.n = {.scalar = 0, .rows = nullptr};
  request.version = {.scalar = {}, .rows = values.data()};
  EXPECT_NE(status_of(view_of({}), request).message().find("row 2: version -3"), std::string::npos);
  request.version = {.scalar = 10, .rows = nullptr};
  EXPECT_EQ(status_of(view_of({}), request).code(), Code::kSchema);
  request.version = {};
  EXPECT_TRUE(status_of(view_of({}), request).ok());
  request.columns = {6};
  EXPECT_EQ(status_of(view_of({}), request).code(), Code::kSchema);
}

TEST(ReadRefuses, WhatStandsBeforeTheHorizon) {
  const auto limited = [] {
    View view = view_of({});
    view.horizon_time = 500;
    view.horizon_version = 4;
    return view;
  };
  const std::vector<int64_t> befores = {500, 499};
  ReadRequest request = last_n(1, 1);
  request.keys.resize(2);
  EXPECT_TRUE(status_of(limited(), request).ok());
  request.before.rows = befores.data();
  EXPECT_EQ(status_of(limited(), request).code(), Code::kRetention);
  EXPECT_NE(status_of(limited(), request).message().find("row 1: the read stands at 499, before the horizon 500"),
            std::string::npos);
  request.before = {};
  request.version.scalar = 4;
  EXPECT_TRUE(status_of(limited(), request).ok());
  request.version.scalar = 3;
  EXPECT_EQ(status_of(limited(), request).code(), Code::kRetention);
  ScanRequest scan;
  scan.version = 3;
  EXPECT_EQ(Scanner::create(limited(), scan).status().code(), Code::kRetention);
  scan.version = {};
  scan.before = 499;
  EXPECT_EQ(Scanner::create(limited(), scan).status().code(), Code::kRetention);
}

TEST(ReadRefuses, FiltersThatDoNotFit) {
  const auto check = [](const FilterNode& node) { return check_filter(node, *testing::event_schema(true), 2).code(); };
  FilterNode node = testing::compare_item(Comparison::kLess, 3).node;
  EXPECT_EQ(check(node), Code::kOk);
  node.fixed.pop_back();
  EXPECT_EQ(check(node), Code::kSchema);
  node.column = 17;
  EXPECT_EQ(check(node), Code::kSchema);
  node = testing::action_in({1}).node;
  EXPECT_EQ(check(node), Code::kOk);
  node.kind = FilterNode::Kind::kCompare;
  node.comparison = Comparison::kLess;
  EXPECT_EQ(check(node), Code::kSchema);
  node = testing::compare_extra_rows(Comparison::kEqual, {1, 2, 3}).node;
  EXPECT_EQ(check(node), Code::kSchema);
  node = testing::note_in({"a", "b"}).node;
  EXPECT_EQ(check(node), Code::kOk);
  std::swap(node.offsets[1], node.offsets[2]);
  EXPECT_EQ(check(node), Code::kSchema);
  FilterNode deep;
  for (int i = 0; i < 3'000; ++i) {
    FilterNode outer;
    outer.kind = FilterNode::Kind::kNot;
    outer.children.push_back(std::move(deep));
    deep = std::move(outer);
  }
  EXPECT_EQ(check(deep), Code::kSchema);
  ScanRequest scan;
  const auto per_row = testing::compare_extra_rows(Comparison::kEqual, {});
  scan.filter = &per_row.node;
  EXPECT_EQ(Scanner::create(view_of({}), scan).status().code(), Code::kSchema);
}

TEST(ReadTouches, OnlyTheNewestSourceWhenThatSuffices) {
  EventSource *older = nullptr, *newer = nullptr;
  View view = view_of(&older, events_of(1, 0, 500, 1), &newer, events_of(1, 500, 900, 2));
  EXPECT_EQ((*read(view, last_n(1, 50))).offsets.back(), 50);
  EXPECT_EQ(older->probed, 0U);
  EXPECT_EQ(newer->values_decoded, 50U);
  EXPECT_EQ(newer->times_decoded + newer->versions_decoded, 0U);
  EXPECT_EQ((*read(view, last_n(1, 450))).offsets.back(), 450);
  EXPECT_EQ(older->values_decoded, 50U);  // the sources' ranges tell the order: no time was needed
  EXPECT_EQ(newer->times_decoded + older->times_decoded, 0U);
}

TEST(ReadTouches, FewTimesOfSourcesThatOverlapInOtherKeysOnly) {
  EventSource *older = nullptr, *newer = nullptr;
  std::vector<Event> old_events = events_of(1, 0, 500, 1);
  old_events.push_back(event_at(2, 950, 1));
  View view = view_of(&older, std::move(old_events), &newer, events_of(1, 500, 900, 2));
  EXPECT_EQ((*read(view, last_n(1, 200))).offsets.back(), 200);
  EXPECT_LE(newer->times_decoded + older->times_decoded, 4U);
  EXPECT_EQ(newer->versions_decoded + older->versions_decoded, 0U);
  EXPECT_EQ(older->values_decoded, 0U);
}

TEST(ReadTouches, ABoundedPartOfSourcesThatInterleave) {
  std::vector<Event> even, odd;
  for (int64_t time = 0; time < 20'000; ++time)
    (time % 2 == 0 ? even : odd).push_back(event_at(1, time, time % 2 == 0 ? 1 : 2));
  EventSource *older = nullptr, *newer = nullptr;
  View view = view_of(&older, even, &newer, odd);
  const auto result = read(view, last_n(1, 200));
  ASSERT_TRUE(result.ok());
  for (int64_t i = 0; i < 200; ++i) EXPECT_EQ(load<int64_t>(result->columns[0].fixed.data.get() + i * 8), 19'800 + i);
  EXPECT_LE(newer->times_decoded + older->times_decoded, 600U);
  EXPECT_LE(newer->values_decoded + older->values_decoded, 600U);
  EXPECT_LE(newer->calls + older->calls, 20U);  // spans are decoded once, not row by row
}

TEST(ReadTouches, NoBlockThatBoundsRuleOut) {
  EventSource *older = nullptr, *newer = nullptr;
  View view = view_of(&older, events_of(1, 0, 1'600, 1), &newer, {});
  const auto filter = testing::compare_item(Comparison::kLess, 20);
  ReadRequest request = last_n(1, 100);
  request.filter = &filter.node;
  EXPECT_EQ((*read(view, request)).offsets.back(), 20);
  EXPECT_LE(older->values_decoded, 60U);
}

// A filter on a giant key of the memtable: the first guess of how many rows it takes is too small, and is mended.
TEST(ReadTouches, MoreOfAGiantKeyWhenTheGuessWasTooSmall) {
  const auto memtable = Memtable::create(testing::event_schema(true));
  constexpr int64_t kEvents = 50'000;
  memtable->insert(EventBatch(events_of(1, 0, kEvents, 1), true).batch, 1);
  memtable->insert(EventBatch(events_of(1, kEvents - 100, kEvents, 2), true).batch, 2);
  for (const int64_t below : {int64_t{10}, kEvents / 2, kEvents}) {
    std::vector<std::unique_ptr<Source>> sources;
    sources.push_back(memtable->source(2));
    sources.push_back(std::make_unique<EventSource>(events_of(1, -50, 0, 3), true));
    View view = view_of(std::move(sources));
    const auto filter = testing::compare_time(Comparison::kLess, below);
    ReadRequest request = last_n(1, 20);
    request.filter = &filter.node;
    request.version.scalar = below == 10 ? 2 : 1;
    const auto result = read(view, request);
    ASSERT_TRUE(result.ok());
    const int64_t found = below == 10 ? 10 : 20;
    ASSERT_EQ(result->offsets.back(), found);
    for (int64_t i = 0; i < found; ++i) {
      EXPECT_EQ(load<int64_t>(result->columns[0].fixed.data.get() + i * 8), below - found + i);
    }
  }
}

TEST(Merge, MeetsEachKeyOnceInOrder) {
  EventSource first({event_at(1, 5, 1), event_at(3, 5, 1)}, true);
  EventSource second({event_at(1, 5, 2), event_at(2, 1, 2), event_at(2, 7, 2)}, true);
  EventSource empty({}, true);
  auto merge = KeyMerge::create({&first, &empty, &second});
  ASSERT_TRUE(merge.ok());
  std::vector<std::pair<uint64_t, size_t>> met;
  std::vector<Slice> slices;
  while (*(*merge)->next()) {
    met.emplace_back((*merge)->key().to_uint64(), (*merge)->parts().size());
    ASSERT_TRUE(merge_parts((*merge)->parts(), &slices).ok());
  }
  EXPECT_EQ(met, (std::vector<std::pair<uint64_t, size_t>>{{1, 2}, {2, 1}, {3, 1}}));
  ASSERT_EQ(slices.size(), 4U);
  EXPECT_EQ(slices[0].source, &first);  // equal times: by version
  EXPECT_EQ(slices[1].source, &second);
  EXPECT_EQ(slices[2].rows.size(), 2U);
}

}  // namespace
}  // namespace tsfeat
