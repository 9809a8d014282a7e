// An index and a footer that say what cannot be, with checksums that fit: they are refused as damage, by what they say.
#include <gtest/gtest.h>

#include "run/resealed.h"
#include "run/run_support.h"
#include "run/salvage.h"

namespace tsfeat::testing {
namespace {

class HostileIndex : public ::testing::Test {
 protected:
  // Some pages, two blocks of keys, two lists of hot values.
  void SetUp() override {
    std::mt19937_64 random(3);
    auto schema = std::make_shared<Schema>();
    schema->key_type = KeyType::kUint64;
    for (const Type type : {Type::kUint32, Type::kString, Type::kInt64, Type::kUint8})
      schema->columns.push_back(Column{schema->next_column_id++, "c", type, 1, true, false, {}, {}});
    events_ = random_events(random, schema, {400, 5, 4});
    RunOptions options{256, codec::Effort::kFast};
    options.hot = {std::make_shared<const codec::HotCodes>(std::vector<uint64_t>{1, 2, 3}, 4), nullptr,
                   std::make_shared<const codec::HotCodes>(std::vector<uint64_t>{1, 2, 3}, 8)};
    options.arrivals = std::make_shared<const Arrivals>(std::vector<Arrival>{{1, -400}, {20, 0}, {50, 400}});
    meta_ = write_run(*disk_, events_, options);
    parts_ = RunParts::of(disk_->files()[kRunPath]);
    ASSERT_GE(parts_.index.directory.size(), 2U);
    ASSERT_GE(parts_.index.pages.size(), 4U);
    ASSERT_EQ(parts_.index.hot.size(), 2U);
    ASSERT_GE(parts_.index.arrivals.entries().size(), 2U);
  }

  // Opens what was put together, as the manifest would name it.
  Status open(const std::string& content, const RunMeta& meta) {
    EXPECT_TRUE(disk_->write_file(kRunPath, as_bytes(content)).ok());
    return Run::open(*disk_, kRunPath, meta, events_.schema, BlockCache::create(1 << 20)).status();
  }
  void expect_refused(const Status& status, const std::string& message) {
    EXPECT_EQ(status.code(), Code::kCorruption) << message;
    EXPECT_NE(status.message().find(message), std::string::npos) << status.message() << " is not: " << message;
    EXPECT_NE(status.message().find(kRunPath), std::string::npos) << status.message();
  }

  const std::unique_ptr<MemoryVfs> disk_ = make_disk();
  Events events_;
  RunMeta meta_;
  RunParts parts_;
};

TEST_F(HostileIndex, IsRefusedForWhatItSays) {
  using Parts = RunParts;
  const auto arrivals = [](std::vector<Arrival> entries) { return Arrivals(std::move(entries)); };
  std::vector<Arrival> too_many;
  for (uint64_t i = 0; i <= events_.size(); ++i) too_many.push_back({i + 1, static_cast<int64_t>(i)});
  const std::pair<std::function<void(Parts*)>, const char*> wrongs[] = {
      {[](Parts* p) { ++p->index.pages[1].offset; }, "leave a gap or overlap"},
      {[](Parts* p) { ++p->index.directory.back().bytes; }, "reaches into what follows"},
      {[](Parts* p) {
         run::HotEntry& list = p->index.hot[0];
         list.bytes += static_cast<uint32_t>(list.offset - p->index.directory.back().offset);
         list.offset = p->index.directory.back().offset;
       },
       "lie outside of the file"},
      {[](Parts* p) { --p->index.hot.back().offset; }, "hot values leave a gap"},
      {[](Parts* p) { p->index.hot[0].bytes = 0xffffffff; }, "hot values leave a gap"},
      {[](Parts* p) { p->index.hot.resize(5); }, "more lists of hot values than columns"},
      {[](Parts* p) { p->index.hot[0].values = 0; }, "impossible list of hot values"},
      {[](Parts* p) { p->index.hot[0].values = 65'536; }, "impossible list of hot values"},
      {[](Parts* p) { p->index.hot[0].bytes = 0; }, "impossible list of hot values"},
      {[](Parts* p) { p->index.hot[1].column = 4; }, "impossible list of hot values"},
      {[](Parts* p) { p->index.hot[1].column = 0; }, "impossible list of hot values"},
      {[](Parts* p) { p->index.hot[1].column = 3; }, "this width has no hot values"},
      {[&](Parts* p) { p->index.arrivals = arrivals(too_many); }, "more arrivals than events"},
      {[&](Parts* p) { p->index.arrivals = arrivals({{2, 5}, {2, 6}}); }, "arrivals do not ascend"},
      {[&](Parts* p) { p->index.arrivals = arrivals({{2, 5}, {3, 5}}); }, "arrivals do not ascend"},
      {[](Parts* p) { p->footer.pages = 1'000'000; }, "list of pages is cut off"},
      {[](Parts* p) { p->index.pages[1].first_row = 0; }, "impossible number of rows"},
      {[](Parts* p) { p->index.pages[1].first_row = 1 << 20; }, "impossible number of rows"},
      {[](Parts* p) { p->index.pages[0].bytes = 3; }, "a page is too small"},
      {[](Parts* p) { p->index.pages[0].min_time = p->index.pages[0].max_time + 1; }, "leave those of the run"},
      {[](Parts* p) { p->index.pages[0].min_time = -10'000; }, "leave those of the run"},
      {[](Parts* p) { p->index.pages[0].max_time = 10'000; }, "leave those of the run"},
      {[](Parts* p) { ++p->index.pages.back().first_row; }, "do not add up to the run's events"},
      {[](Parts* p) { p->footer.directory_blocks = 1'000'000; }, "directory is cut off"},
      {[](Parts* p) { p->index.directory[0].keys = 0; }, "impossible directory block"},
      {[](Parts* p) { p->index.directory[0].keys = 257; }, "impossible directory block"},
      {[](Parts* p) { p->index.directory[0].bytes = 0; }, "impossible directory block"},
      {[](Parts* p) { p->index.directory[0].first_row = 1; }, "rows of directory blocks do not ascend"},
      {[](Parts* p) { p->index.directory[1].first_row = 0; }, "rows of directory blocks do not ascend"},
      {[](Parts* p) { std::swap(p->index.first_keys[0], p->index.first_keys[1]); }, "first keys of directory blocks"},
      {[](Parts* p) { p->index.first_keys[0].pop_back(); }, "a key has a wrong size"},
      {[](Parts* p) { --p->index.directory[1].keys; }, "does not add up to the run's keys"},
      {[](Parts* p) {
         p->footer.directory_blocks = p->footer.meta.keys = 0;
         p->index.directory.clear();
         p->bloom = run::Bloom(0);
       },
       "does not add up to the run's keys"},
      {[](Parts* p) { p->index.directory.back().first_row = p->footer.meta.stats.events; }, "behind the last row"},
      {[](Parts* p) { p->index.bounds[0].flags = 0x80; }, "bounds of a column are not in order"},
      {[](Parts* p) { p->index.bounds[1].max = 1; }, "bounds of a column are not in order"},
      {[](Parts* p) { p->bloom = run::Bloom(100'000); }, "the bloom filter has a wrong size"},
  };
  for (const auto& [change, message] : wrongs) {
    RunParts parts = parts_;
    change(&parts);
    const std::string content = parts.content();
    expect_refused(open(content, parts.footer.meta), message);
    // Salvage has no other way to the rows; it does without the bloom filter.
    const Result<SalvagedRun> salvaged =
        salvage_run(*disk_, kRunPath, parts.footer.meta, *events_.schema, BlockCache::create(1));
    EXPECT_EQ(salvaged.ok(), std::string_view(message).starts_with("the bloom")) << message;
  }
}

TEST_F(HostileIndex, NamesColumnsThatCannotBe) {
  // {key type u8, columns u32} | {id u32, type u8, nullable u8, dimension u32} a column
  const std::pair<std::function<void(std::string*)>, const char*> wrongs[] = {
      {[](std::string* index) { (*index)[0] = 0; }, "no known key type"},
      {[](std::string* index) { (*index)[0] = 5; }, "no known key type"},
      {[](std::string* index) { index->resize(4); }, "no known key type"},
      {[](std::string* index) { (*index)[3] = 1; }, "too many columns"},
      {[](std::string* index) { index->resize(8); }, "too many columns"},
      {[](std::string* index) { index->resize(12); }, "an unknown column"},
      {[](std::string* index) { (*index)[9] = 0; }, "an unknown column"},
      {[](std::string* index) { (*index)[9] = 99; }, "an unknown column"},
      {[](std::string* index) { (*index)[10] = 2; }, "an unknown column"},
      {[](std::string* index) { (*index)[11] = 0; }, "impossible dimension"},
      {[](std::string* index) { (*index)[11] = 2; }, "impossible dimension"},
      {[](std::string* index) { (*index)[5] = (*index)[15]; }, "a column twice"},
      {[](std::string* index) { (*index)[0] = static_cast<char>(KeyType::kInt64); }, "another key type than its table"},
      {[](std::string* index) { (*index)[5] = 77; }, "is not its table's"},
      {[](std::string* index) { (*index)[19] = static_cast<char>(Type::kBinary); }, "is not its table's"},
      {[](std::string* index) { *index += 'x'; }, "bytes follow its end"},
  };
  for (const auto& [edit, message] : wrongs) {
    const std::string content = parts_.content(edit);
    expect_refused(open(content, parts_.footer.meta), message);
  }
}

TEST_F(HostileIndex, OfAnotherSchema) {
  const auto refused = [&](const std::function<void(Column*)>& change) {
    auto other = std::make_shared<Schema>(*events_.schema);
    change(&other->columns[0]);
    events_.schema = other;
    expect_refused(open(parts_.content(), parts_.footer.meta), "is not its table's");
  };
  refused([](Column* column) { column->nullable = false; });
  refused([](Column* column) { column->nullable = true, column->dimension = 2; });
}

// Every byte of the index, changed in some ways: it is refused as damage, or read. Nothing breaks.
TEST_F(HostileIndex, AnyByteOfIt) {
  size_t refused = 0, taken = 0;
  const size_t bytes = parts_.footer.index_bytes;
  for (size_t at = 0; at < bytes; ++at) {
    for (const int value : {0x00, 0x01, 0x7f, 0xff}) {
      const std::string content = parts_.content([&](std::string* index) { (*index)[at] = static_cast<char>(value); });
      const Status status = open(content, parts_.footer.meta);
      ASSERT_TRUE(status.ok() || status.code() == Code::kCorruption) << status.message();
      ++(status.ok() ? taken : refused);
    }
  }
  EXPECT_GT(refused, taken);
  EXPECT_GT(taken, 0U);
}

TEST_F(HostileIndex, AFooterOfAnotherRun) {
  const std::function<void(RunMeta*)> others[] = {
      [](RunMeta* meta) { ++meta->number; },
      [](RunMeta* meta) { ++meta->bytes; },
      [](RunMeta* meta) { ++meta->keys; },
      [](RunMeta* meta) { ++meta->stats.events; },
      [](RunMeta* meta) { --meta->stats.min_time; },
      [](RunMeta* meta) { ++meta->stats.max_time; },
      [](RunMeta* meta) { --meta->stats.min_version; },
      [](RunMeta* meta) { ++meta->stats.max_version; },
  };
  const std::string content = parts_.content();
  for (const auto& change : others) {
    RunMeta other = meta_;
    change(&other);
    expect_refused(open(content, other), "another run than the manifest names");
  }
}

TEST_F(HostileIndex, AFooterWhoseSizesDoNotAddUp) {
  const std::function<void(run::Footer*)> wrongs[] = {
      [](run::Footer* footer) { footer->bloom_offset = ~uint64_t{0}; },
      [](run::Footer* footer) { footer->bloom_bytes = ~uint64_t{0}; },
      [](run::Footer* footer) { footer->index_bytes = ~uint64_t{0}; },
      [](run::Footer* footer) { ++footer->index_bytes; },
  };
  for (const auto& change : wrongs)
    expect_refused(open(parts_.content({}, change), meta_), "the footer's sizes do not add up");
  expect_refused(open(parts_.content({}, [](run::Footer* footer) { footer->bloom_crc ^= 1; }), meta_),
                 "bloom filter's checksum");
  expect_refused(open(parts_.content({}, [](run::Footer* footer) { footer->index_crc ^= 1; }), meta_),
                 "index's checksum");
}

// What a repair makes of a footer whose checksum does not match: one wrong size follows from the others.
TEST_F(HostileIndex, AFooterThatIsGuessed) {
  const auto guess = [&](const RunMeta& meta, const std::function<void(run::Footer*)>& damage) {
    run::Footer footer = parts_.footer;
    damage(&footer);
    std::string bytes;
    encode_footer(footer, &bytes);
    return run::guess_footer(as_bytes(bytes), meta);
  };
  const std::function<void(run::Footer*)> one_wrong[] = {
      [](run::Footer* footer) { footer->meta.number ^= 1; },
      [](run::Footer* footer) { footer->bloom_offset = ~uint64_t{0}; },
      [](run::Footer* footer) { footer->bloom_bytes += 1; },
      [](run::Footer* footer) { footer->index_bytes = ~uint64_t{0}; },
  };
  for (const auto& damage : one_wrong) {
    const Result<run::Footer> guessed = guess(meta_, damage);
    ASSERT_TRUE(guessed.ok()) << guessed.status().message();
    EXPECT_EQ(guessed->bloom_offset, parts_.footer.bloom_offset);
    EXPECT_EQ(guessed->bloom_bytes, parts_.footer.bloom_bytes);
    EXPECT_EQ(guessed->index_bytes, parts_.footer.index_bytes);
    EXPECT_EQ(guessed->meta.number, meta_.number);
  }
  const Result<run::Footer> both =
      guess(meta_, [](run::Footer* footer) { footer->bloom_offset = footer->index_bytes = ~uint64_t{0}; });
  EXPECT_EQ(both.status().code(), Code::kCorruption);
  RunMeta tiny = meta_;
  tiny.bytes = run::kFooterBytes;
  EXPECT_EQ(guess(tiny, [](run::Footer*) {}).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace tsfeat::testing
