#include "memtable/memtable.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "read/events.h"

namespace tsfeat {
namespace {

using testing::Event;
using testing::EventBatch;

std::vector<Event> read_rows(Source& source, uint64_t key, RowRange rows) {
  std::vector<Event> events(rows.size());
  std::vector<int64_t> times(rows.size());
  std::vector<uint64_t> versions(rows.size()), items(rows.size());
  std::vector<int32_t> actions(rows.size());
  std::vector<float> scores(rows.size());
  std::vector<uint8_t> validity(rows.size());
  std::vector<int16_t> extras(rows.size());
  codec::VarlenBuffer texts;
  const auto& columns = testing::event_schema(true)->columns;
  EXPECT_TRUE(source.times(rows, times.data()).ok());
  EXPECT_TRUE(source.versions(rows, versions.data()).ok());
  EXPECT_TRUE(source.fixed(columns[testing::kItem], rows, reinterpret_cast<uint8_t*>(items.data())).ok());
  EXPECT_TRUE(source.fixed(columns[testing::kAction], rows, reinterpret_cast<uint8_t*>(actions.data())).ok());
  EXPECT_TRUE(source.fixed(columns[testing::kScore], rows, reinterpret_cast<uint8_t*>(scores.data())).ok());
  EXPECT_TRUE(source.validity(columns[testing::kScore], rows, validity.data()).ok());
  std::vector<uint8_t> all_valid(rows.size());
  EXPECT_TRUE(source.validity(columns[testing::kItem], rows, all_valid.data()).ok());
  EXPECT_EQ(all_valid, std::vector<uint8_t>(rows.size(), 1)) << "a column without nulls";
  EXPECT_TRUE(source.fixed(columns[testing::kExtra], rows, reinterpret_cast<uint8_t*>(extras.data())).ok());
  EXPECT_TRUE(source.varlen(columns[testing::kText], rows, &texts).ok());
  for (size_t i = 0; i < events.size(); ++i) {
    events[i] = {.key = key, .time = times[i], .version = versions[i], .item = items[i], .action = actions[i]};
    if (validity[i] != 0) events[i].score = scores[i];
    const auto begin = static_cast<size_t>(texts.offsets[i]);
    events[i].text = texts.data.substr(begin, static_cast<size_t>(texts.offsets[i + 1]) - begin);
    events[i].extra = extras[i];
  }
  return events;
}

RowRange locate(Source& source, const Probe& probe) {
  RowRange rows;
  EXPECT_TRUE(source.locate({&probe, 1}, {&rows, 1}).ok());
  return rows;
}

// What the memtable must show of one key: the item tells events apart.
std::vector<uint64_t> expected_items(std::vector<Event> events, uint64_t key, uint64_t version, int64_t until,
                                     size_t limit) {
  std::erase_if(events, [&](const Event& e) { return e.key != key || e.version > version || e.time > until; });
  std::sort(events.begin(), events.end(), testing::event_before);
  if (events.size() > limit) events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(limit));
  std::vector<uint64_t> items;
  for (const Event& event : events) items.push_back(event.item);
  return items;
}

std::vector<uint64_t> items_of(const std::vector<Event>& events) {
  std::vector<uint64_t> items;
  for (const Event& event : events) items.push_back(event.item);
  return items;
}

enum class Order { kRising, kJitter, kFalling, kRandom, kBackfill };

class MemtableOrders : public ::testing::TestWithParam<Order> {
 protected:
  int64_t draw_time(std::mt19937_64& random, int64_t step) const {
    switch (GetParam()) {
      case Order::kRising:
        return step / 3;
      case Order::kJitter:
        return step - static_cast<int64_t>(random() % 20);
      case Order::kFalling:
        return -step / 2;
      case Order::kRandom:
        return static_cast<int64_t>(random() % 50);
      case Order::kBackfill:
        return step < 100 ? 10'000 + step : step / 2;
    }
    return 0;
  }
};

TEST_P(MemtableOrders, ShowsEachKeyInOrderAtEachVersion) {
  std::mt19937_64 random(static_cast<unsigned>(GetParam()) + 1);
  const auto memtable = Memtable::create(testing::event_schema(true));
  std::vector<Event> all;
  constexpr uint64_t kKeys = 90, kVersions = 40;
  int64_t step = 0;
  for (uint64_t version = 1; version <= kVersions; ++version) {
    std::vector<Event> events(random() % 150);
    for (uint32_t i = 0; i < events.size(); ++i) {
      Event& event = events[i];
      event = {.key = random() % 2 == 0 ? 3 : random() % kKeys, .time = draw_time(random, ++step), .version = version};
      event.position = i;
      event.item = all.size() + i;
      event.action = static_cast<int32_t>(random() % 5);
      if (random() % 3 != 0) event.score = static_cast<float>(random() % 100);
      event.text = std::string(random() % 4, 'x');
      event.extra = static_cast<int16_t>(random());
    }
    memtable->insert(EventBatch(events, true).batch, version);
    all.insert(all.end(), events.begin(), events.end());
  }
  EXPECT_EQ(memtable->events(), all.size());
  for (uint64_t version = 0; version <= kVersions; version += 1 + random() % 7) {
    const auto source = memtable->source(version);
    for (uint64_t key = 0; key < kKeys + 2; ++key) {
      const auto whole = read_rows(*source, key, locate(*source, {.key = KeyView::from_uint64(key)}));
      ASSERT_EQ(items_of(whole), expected_items(all, key, version, kMaxTime, all.size()));
      for (Event event : whole) {
        event.position = all[event.item].position;
        ASSERT_EQ(event, all[event.item]);
      }
      const int64_t until = draw_time(random, static_cast<int64_t>(random() % static_cast<uint64_t>(step)));
      const size_t limit = random() % 30;
      const RowRange rows = locate(*source, {KeyView::from_uint64(key), until, limit});
      ASSERT_EQ(items_of(read_rows(*source, key, rows)), expected_items(all, key, version, until, limit));
      const uint64_t at = *source->seek(rows, until - 5);
      ASSERT_TRUE(at == rows.end || read_rows(*source, key, {at, at + 1})[0].time >= until - 5);
      ASSERT_TRUE(at == rows.begin || read_rows(*source, key, {at - 1, at})[0].time < until - 5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Orders, MemtableOrders,
                         ::testing::Values(Order::kRising, Order::kJitter, Order::kFalling, Order::kRandom,
                                           Order::kBackfill));

TEST(Memtable, WalksItsKeysInOrder) {
  const auto memtable = Memtable::create(testing::event_schema(false));
  std::mt19937_64 random(5);
  std::vector<Event> all;
  for (uint64_t version = 1; version <= 3; ++version) {
    std::vector<Event> events(300);
    for (uint32_t i = 0; i < events.size(); ++i) {
      events[i] = {.key = (random() % 100) * version, .time = static_cast<int64_t>(random() % 9), .version = version};
      events[i].position = i;
      events[i].item = all.size() + i;
    }
    memtable->insert(EventBatch(events, false).batch, version);
    all.insert(all.end(), events.begin(), events.end());
  }
  const auto source = memtable->source(2);  // the keys that only version 3 brought are not met
  EXPECT_EQ(source->stats().max_version, 2U);
  EXPECT_FALSE(source->has_column(7));
  std::erase_if(all, [](const Event& event) { return event.version > 2; });
  std::sort(all.begin(), all.end(), testing::event_before);
  std::vector<uint64_t> items;
  const auto cursor = source->walk();
  while (*cursor->next()) {
    std::vector<uint64_t> part(cursor->rows().size());
    ASSERT_FALSE(part.empty());
    ASSERT_TRUE(
        source->fixed(memtable->schema().columns[0], cursor->rows(), reinterpret_cast<uint8_t*>(part.data())).ok());
    items.insert(items.end(), part.begin(), part.end());
  }
  EXPECT_EQ(items, items_of(all));
}

TEST(Memtable, TakesKeysOfAllSizes) {
  auto schema = std::make_shared<Schema>();
  schema->key_type = KeyType::kBinary;
  const auto memtable = Memtable::create(schema);
  std::string data;
  std::vector<int64_t> offsets{0}, times;
  for (size_t i = 0; i < 300; ++i) {
    data += std::string(i % 40, static_cast<char>(i % 3));  // empty ones, and pairs that differ in length alone
    offsets.push_back(static_cast<int64_t>(data.size()));
    times.push_back(static_cast<int64_t>(i));
  }
  Batch batch;
  batch.rows = 300;
  batch.key_type = KeyType::kBinary;
  batch.keys.offsets = offsets.data();
  batch.keys.data = reinterpret_cast<const uint8_t*>(data.data());
  batch.times = times.data();
  memtable->insert(batch, 1);
  const auto source = memtable->source(1);
  uint64_t keys = 0, rows = 0;
  std::optional<OwnedKey> before;
  for (const auto cursor = source->walk(); *cursor->next(); ++keys, rows += cursor->rows().size()) {
    EXPECT_TRUE(!before || before->view() < cursor->key());
    before = OwnedKey(cursor->key());
  }
  EXPECT_EQ(keys, 118U);  // 39 lengths of 3 letters, and the empty key
  EXPECT_EQ(rows, 300U);
  EXPECT_EQ(locate(*source, {.key = batch.key(41)}).size(), 3U);
  EXPECT_GT(memtable->memory_bytes(), data.size());
}

TEST(Memtable, IsEmptyAtFirst) {
  const auto memtable = Memtable::create(testing::event_schema(true));
  EXPECT_TRUE(memtable->empty());
  const auto source = memtable->source(9);
  EXPECT_EQ(source->stats().events, 0U);
  EXPECT_EQ(locate(*source, {.key = KeyView::from_uint64(1)}).size(), 0U);
  EXPECT_FALSE(*source->walk()->next());
}

// A reader at a published version sees whole batches, all of them, and nothing of the one that is being written.
TEST(Memtable, ReadersSeeAPrefixWhileTheWriterWrites) {
  const auto memtable = Memtable::create(testing::event_schema(false));
  std::atomic<uint64_t> published{0};
  constexpr uint64_t kVersions = 400, kRows = 50, kKeys = 200;
  std::thread writer([&] {
    std::mt19937_64 random(1);
    for (uint64_t version = 1; version <= kVersions; ++version) {
      std::vector<Event> events(kRows);
      for (Event& event : events) {
        event.key = random() % 4 == 0 ? random() % (kKeys - 1) : kKeys - 1;
        event.time = static_cast<int64_t>(version * 10 - random() % 40);
        event.item = version;
        event.text = std::to_string(version);
      }
      memtable->insert(EventBatch(events, false).batch, version);
      published.store(version, std::memory_order_release);
    }
  });
  std::vector<std::thread> readers;
  for (int id = 0; id < 2; ++id) {
    readers.emplace_back([&] {
      while (published.load(std::memory_order_acquire) < kVersions) {
        const uint64_t version = published.load(std::memory_order_acquire);
        const auto source = memtable->source(version);
        std::vector<Probe> probes(kKeys);
        for (uint64_t key = 0; key < kKeys; ++key) probes[key].key = KeyView::from_uint64(key);
        std::vector<RowRange> answers(kKeys);
        ASSERT_TRUE(source->locate(probes, answers).ok());
        uint64_t total = 0;
        for (const RowRange& rows : answers) {
          total += rows.size();
          std::vector<int64_t> times(rows.size());
          std::vector<uint64_t> versions(rows.size()), items(rows.size());
          ASSERT_TRUE(source->times(rows, times.data()).ok());
          ASSERT_TRUE(source->versions(rows, versions.data()).ok());
          ASSERT_TRUE(
              source->fixed(memtable->schema().columns[0], rows, reinterpret_cast<uint8_t*>(items.data())).ok());
          ASSERT_TRUE(std::is_sorted(times.begin(), times.end()));
          ASSERT_EQ(versions, items);
          ASSERT_TRUE(std::all_of(versions.begin(), versions.end(), [&](uint64_t v) { return v <= version; }));
        }
        ASSERT_EQ(total, version * kRows);
      }
    });
  }
  writer.join();
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace tsfeat
