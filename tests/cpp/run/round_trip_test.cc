// What is written is what is read, whatever the schema, page size, cache size or effort.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>

#include "run/run_support.h"

namespace tsfeat::testing {
namespace {

void check_run(Vfs& vfs, const Events& events, const RunMeta& meta, uint64_t cache_bytes, uint64_t seed,
               const std::string& path = kRunPath) {
  const auto cache = BlockCache::create(cache_bytes);
  const auto run = Run::open(vfs, path, meta, events.schema, cache);
  ASSERT_TRUE(run.ok()) << run.status().message();
  for (const bool bypass : {true, false, true}) {
    const auto source = (*run)->source(bypass);
    const Status status = compare_all(events, *source, seed);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  EXPECT_LE(cache->stats().bytes, cache_bytes);
  std::vector<Run::Problem> problems;
  ASSERT_TRUE((*run)->verify(&problems).ok());
  for (const Run::Problem& problem : problems) ADD_FAILURE() << problem.message;
}

std::shared_ptr<const Arrivals> arrivals_of(const Events& events, uint64_t most) {
  std::vector<Arrival> known;
  for (uint64_t row = 0; row < events.size(); ++row) known.push_back({events.versions[row], events.times[row]});
  return std::make_shared<const Arrivals>(Arrivals::choose(known, most));
}

// Of some columns: some of their values, and some that they do not have.
std::vector<std::shared_ptr<const codec::HotCodes>> hot_values_of(const Events& events, std::mt19937_64& random) {
  std::vector<std::shared_ptr<const codec::HotCodes>> hot;
  for (size_t c = 0; c < events.columns.size(); ++c) {
    const Column& column = events.schema->columns[c];
    hot.push_back(nullptr);
    if (column.dimension != 1 || (column.width() != 4 && column.width() != 8) || random() % 3 == 0) continue;
    std::set<uint64_t> values;
    for (const Value& value : events.columns[c]) {
      uint64_t bits = 0;
      if (value.valid && random() % 2 == 0) std::memcpy(&bits, value.bytes.data(), column.width());
      if (bits != 0) values.insert(bits);
    }
    values.insert(column.width() == 8 ? random() : random() % UINT32_MAX);
    hot.back() =
        std::make_shared<const codec::HotCodes>(std::vector<uint64_t>(values.begin(), values.end()), column.width());
  }
  return hot;
}

TEST(RunRoundTrip, RandomSchemasPagesAndCaches) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const Events events =
        random_events(random, random_schema(random, seed % 10 == 9), {1 + seed * 7 % 400, 1 + random() % 300, 20});
    const auto disk = make_disk();
    RunOptions options{static_cast<uint32_t>(4 << random() % 9),
                       seed % 2 == 0 ? codec::Effort::kFast : codec::Effort::kSmall};
    if (seed % 3 != 0) options.arrivals = arrivals_of(events, 1 + random() % 100);
    if (seed % 4 != 0) options.hot = hot_values_of(events, random);
    const RunMeta meta = write_run(*disk, events, options);
    const uint64_t budgets[] = {0, 3'000, 100'000, 100'000'000};
    check_run(*disk, events, meta, budgets[seed % 4], seed);
    if (HasFailure()) return;
  }
}

TEST(RunRoundTrip, ARunOfARunIsTheSameBytes) {
  std::mt19937_64 random(5);
  const Events events = random_events(random, random_schema(random, true), {100, 100, 20});
  const auto disk = make_disk();
  const RunMeta meta = write_run(*disk, events, {64, codec::Effort::kFast});
  const auto run = Run::open(*disk, kRunPath, meta, events.schema, BlockCache::create(1 << 20));
  ASSERT_TRUE(run.ok());
  const auto source = (*run)->source(true);
  const RunMeta copy = copy_run(*disk, *source, events.schema, {64, codec::Effort::kFast}, "/store/copy.run", 7);
  ASSERT_FALSE(disk->files()[kRunPath].empty());
  EXPECT_EQ(disk->files()[kRunPath], disk->files()["/store/copy.run"]);
  check_run(*disk, events, copy, 1 << 20, 3, "/store/copy.run");
}

TEST(RunRoundTrip, PagesEncodedAsideAreTheSameBytes) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    // Some with values so large that pages are cut in two.
    const Events events =
        random_events(random, random_schema(random, seed % 2 == 0), {300, 40, seed == 9 ? 60'000u : 20u});
    const auto disk = make_disk();
    RunOptions options{16, codec::Effort::kSmall};
    options.hot = hot_values_of(events, random);
    write_run(*disk, events, options);
    options.aside = [&] { return random() % 3 != 0; };
    write_run(*disk, events, options, "/store/aside.run");
    ASSERT_FALSE(disk->files()[kRunPath].empty());
    EXPECT_EQ(disk->files()[kRunPath], disk->files()["/store/aside.run"]);
  }
}

TEST(RunRoundTrip, WideRowsGetSmallPages) {
  std::mt19937_64 random(12);
  auto schema = std::make_shared<Schema>(*random_schema(random, false));
  schema->columns.clear();
  for (uint32_t id = 1; id <= 60; ++id)
    schema->columns.push_back(Column{id, "v" + std::to_string(id), Type::kVectorFloat64, 500, false, false, {}, {}});
  schema->next_column_id = 61;
  const Events events = random_events(random, schema, {14, 10, 20});
  const auto disk = make_disk();
  const RunMeta meta = write_run(*disk, events, {});
  // A row has 240,000 bytes, so that 34 of them are a page of 8 MiB.
  const auto run = Run::open(*disk, kRunPath, meta, schema, BlockCache::create(1 << 20));
  ASSERT_TRUE(run.ok());
  ASSERT_GT(meta.stats.events, 34U);
  EXPECT_EQ((*run)->source()->bounds(nullptr, 0).rows.size(), 34U);
  check_run(*disk, events, meta, 50'000'000, 1);
}

TEST(RunRoundTrip, LargeValuesGetSmallPages) {
  std::mt19937_64 random(11);
  auto schema = std::make_shared<Schema>(*random_schema(random, false));
  schema->columns.resize(2);
  schema->columns[0] = Column{1, "blob", Type::kBinary, 1, true, false, {}, {}};
  schema->columns[1] = Column{2, "vector", Type::kVectorFloat64, 1'000, false, false, {}, {}};
  const Events events = random_events(random, schema, {20, 12, 300'000});
  const auto disk = make_disk();
  const RunMeta meta = write_run(*disk, events, {});
  check_run(*disk, events, meta, 50'000'000, 1);
}

// Times that are not stored as blocks are searched by halves.
TEST(RunRoundTrip, SeeksInAKeyOfManyRows) {
  std::mt19937_64 random(13);
  const auto schema = random_schema(random, false);
  Events events;
  while (events.size() < 3'000) events = random_events(random, schema, {1, 5'000, 20});
  const std::function<int64_t(int64_t)> shapes[] = {
      [](int64_t row) { return row * 7 - 400; },  // steps
      [](int64_t) { return 5; },
      [](int64_t row) { return row / 1'000 * 1'000'003; },  // a few values
      [](int64_t row) { return row * row - 9; },
  };
  for (const auto& shape : shapes) {
    for (size_t row = 0; row < events.size(); ++row) events.times[row] = shape(static_cast<int64_t>(row));
    const auto disk = make_disk();
    const RunMeta meta = write_run(*disk, events, {});
    const auto run = Run::open(*disk, kRunPath, meta, events.schema, BlockCache::create(1 << 20));
    ASSERT_TRUE(run.ok());
    const auto source = (*run)->source();
    VectorSource oracle(events);
    for (int i = 0; i < 500; ++i) {
      const int64_t time = events.times[random() % events.size()] + static_cast<int64_t>(random() % 3) - 1;
      EXPECT_EQ(*source->seek(events.rows(0), time), *oracle.seek(events.rows(0), time)) << time;
    }
  }
}

TEST(RunRoundTrip, EmptyRun) {
  std::mt19937_64 random(1);
  const auto disk = make_disk();
  const auto schema = random_schema(random, false);
  auto writer = RunWriter::create(*disk, kRunPath, 7, schema, {});
  ASSERT_TRUE(writer.ok());
  const auto meta = (*writer)->finish();
  ASSERT_TRUE(meta.ok());
  const auto run = Run::open(*disk, kRunPath, *meta, schema, BlockCache::create(1'000));
  ASSERT_TRUE(run.ok()) << run.status().message();
  const auto source = (*run)->source();
  const Probe probe{KeyView::from_uint64(1)};
  RowRange rows{3, 4};
  ASSERT_TRUE(source->locate({&probe, 1}, {&rows, 1}).ok());
  EXPECT_EQ(rows.size(), 0U);
  EXPECT_FALSE(*source->walk()->next());
  std::vector<Run::Problem> problems;
  EXPECT_TRUE((*run)->verify(&problems).ok());
  EXPECT_TRUE(problems.empty());
}

TEST(RunRoundTrip, ColumnsAddedLaterAreNotInTheRun) {
  std::mt19937_64 random(2);
  const Events events = random_events(random, random_schema(random, false), {});
  const auto disk = make_disk();
  const RunMeta meta = write_run(*disk, events, {});
  auto wider = std::make_shared<Schema>(*events.schema);
  wider->columns.push_back(Column{wider->next_column_id++, "new", Type::kInt32, 1, true, false, {}, {}});
  const auto run = Run::open(*disk, kRunPath, meta, wider, BlockCache::create(1 << 20));
  ASSERT_TRUE(run.ok()) << run.status().message();
  const auto source = (*run)->source();
  EXPECT_FALSE(source->has_column(wider->columns.back().id));
  EXPECT_FALSE(source->bounds(&wider->columns.back(), 0).bounded);
  EXPECT_TRUE(compare_all(events, *source, 1).ok());

  wider->columns.erase(wider->columns.begin());  // but it needs those that the run has
  if (!events.schema->columns.empty()) {
    EXPECT_EQ(Run::open(*disk, kRunPath, meta, wider, BlockCache::create(1)).status().code(), Code::kCorruption);
  }
}

// Such times are stored as numbers of a list, in which a search cannot skip blocks.
TEST(RunRoundTrip, FewTimesFarApart) {
  std::mt19937_64 random(4);
  Events events = random_events(random, random_schema(random, false), {1, 1'000, 20});
  std::vector<int64_t> distinct(events.size() / 3 + 1);
  for (int64_t& time : distinct) time = static_cast<int64_t>(random() >> 2);
  std::sort(distinct.begin(), distinct.end());
  for (uint64_t row = 0; row < events.size(); ++row) {
    events.times[row] = distinct[row / 3];
    events.versions[row] = row + 1;
  }
  const auto disk = make_disk();
  check_run(*disk, events, write_run(*disk, events, {}), 1 << 20, 1);
}

TEST(RunRoundTrip, OnlyTheRunThatTheManifestNamesIsOpened) {
  std::mt19937_64 random(6);
  const Events events = random_events(random, random_schema(random, true), {});
  const auto disk = make_disk();
  const RunMeta meta = write_run(*disk, events, {});
  const auto code = [&](const RunMeta& named, const Schema& schema) {
    const auto cache = BlockCache::create(1 << 20);
    return Run::open(*disk, kRunPath, named, std::make_shared<Schema>(schema), cache).status().code();
  };
  ASSERT_EQ(code(meta, *events.schema), Code::kOk);
  const std::function<void(RunMeta*)> other_runs[] = {[](RunMeta* m) { ++m->number; },
                                                      [](RunMeta* m) { ++m->bytes; },
                                                      [](RunMeta* m) { ++m->keys; },
                                                      [](RunMeta* m) { ++m->stats.events; },
                                                      [](RunMeta* m) { ++m->stats.min_time; },
                                                      [](RunMeta* m) { ++m->stats.max_time; },
                                                      [](RunMeta* m) { --m->stats.min_version; },
                                                      [](RunMeta* m) { ++m->stats.max_version; }};
  for (const auto& change : other_runs) {
    RunMeta other = meta;
    change(&other);
    EXPECT_EQ(code(other, *events.schema), Code::kCorruption);
  }
  const std::function<void(Schema*)> other_tables[] = {
      [](Schema* s) { s->key_type = s->key_type == KeyType::kInt64 ? KeyType::kUint64 : KeyType::kInt64; },
      [](Schema* s) { s->columns[0].type = s->columns[0].type == Type::kInt8 ? Type::kUint8 : Type::kInt8; },
      [](Schema* s) { ++s->columns[0].dimension; }, [](Schema* s) { s->columns[0].nullable = !s->columns[0].nullable; },
      [](Schema* s) { s->columns.erase(s->columns.begin()); }};
  for (const auto& change : other_tables) {
    Schema other = *events.schema;
    change(&other);
    EXPECT_EQ(code(meta, other), Code::kCorruption);
  }
}

class RunBegun : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(writer_.ok()); }

  std::mt19937_64 random_{3};
  const Events events_ = random_events(random_, random_schema(random_, false), {});
  const std::unique_ptr<MemoryVfs> disk_ = make_disk();
  const Result<std::unique_ptr<RunWriter>> writer_ = RunWriter::create(*disk_, kRunPath, 7, events_.schema, {});
  VectorSource source_{events_};
  const Slice slice_{&source_, events_.rows(1)};
};

TEST_F(RunBegun, KeysAscendOrGoOn) {
  EXPECT_TRUE((*writer_)->append(events_.key(1), {&slice_, 1}).ok());
  EXPECT_TRUE((*writer_)->append(events_.key(1), {&slice_, 1}).ok());
  EXPECT_FALSE((*writer_)->append(events_.key(0), {&slice_, 1}).ok());
  EXPECT_EQ((*writer_)->events(), 2 * events_.rows(1).size());
}

TEST_F(RunBegun, AKeyHasAsManyEventsAsFit) {
  const Slice most{&source_, {0, uint64_t{1} << 32}};
  const Slice fewer{&source_, {0, (uint64_t{1} << 32) - 1}};
  EXPECT_EQ((*writer_)->append(events_.key(1), {&most, 1}).code(), Code::kSchema);
  EXPECT_TRUE((*writer_)->append(events_.key(1), {&slice_, 1}).ok());
  EXPECT_EQ((*writer_)->append(events_.key(1), {&fewer, 1}).code(), Code::kSchema) << "in two calls together";
  EXPECT_EQ((*writer_)->events(), events_.rows(1).size());
}

}  // namespace
}  // namespace tsfeat::testing
