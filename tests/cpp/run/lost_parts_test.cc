// Lists of hot values that are damaged, and what verify() alone can see: parts that are whole, and contradict each
// other.
#include <gtest/gtest.h>

#include "run/resealed.h"
#include "run/run_support.h"
#include "run/salvage.h"

namespace tsfeat::testing {
namespace {

constexpr uint32_t kPageRows = 512;

// One key of some pages. A column of popular values, which in the last page are one and the same: only there it is
// not stored as codes of the list.
class HotValuesLost : public ::testing::Test {
 protected:
  void SetUp() override {
    auto schema = std::make_shared<Schema>();
    schema->key_type = KeyType::kString;
    schema->columns.push_back(Column{schema->next_column_id++, "popular", Type::kUint64, 1, false, false, {}, {}});
    events_.schema = schema;
    events_.keys = {"key"};
    std::mt19937_64 random(5);
    std::vector<uint64_t> popular(200);
    for (uint64_t& value : popular) value = random();
    events_.columns.resize(1);
    for (uint64_t row = 0; row < 4 * kPageRows; ++row) {
      events_.times.push_back(static_cast<int64_t>(row));
      events_.versions.push_back(1);
      Value value{true, std::string(8, '\0')};
      store(value.bytes.data(), popular[row < 3 * kPageRows ? random() % popular.size() : 0]);
      events_.columns[0].push_back(value);
    }
    events_.starts.push_back(events_.size());
    RunOptions options{kPageRows, codec::Effort::kFast};
    options.hot = {std::make_shared<const codec::HotCodes>(popular, 8)};
    meta_ = write_run(*disk_, events_, options);
    content_ = disk_->files()[kRunPath];
    parts_ = RunParts::of(content_);
    ASSERT_EQ(parts_.index.hot.size(), 1U);
  }
  Result<std::shared_ptr<tsfeat::Run>> open(const std::string& content) {
    EXPECT_TRUE(disk_->write_file(kRunPath, as_bytes(content)).ok());
    return Run::open(*disk_, kRunPath, meta_, events_.schema, BlockCache::create(1 << 20));
  }
  std::string damaged() const {
    std::string out = content_;
    out[parts_.index.hot[0].offset + 5] ^= 1;
    return out;
  }

  const std::unique_ptr<MemoryVfs> disk_ = make_disk();
  Events events_;
  RunMeta meta_;
  std::string content_;
  RunParts parts_;
};

TEST_F(HotValuesLost, TheRunIsRefused) {
  ASSERT_TRUE(open(content_).ok());
  const Status status = open(damaged()).status();
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find("the checksum of hot values does not match"), std::string::npos) << status.message();
}

TEST_F(HotValuesLost, AListThatIsNoChunkIsRefused) {
  const run::HotEntry& list = parts_.index.hot[0];
  size_t refused = 0;
  for (const uint8_t byte : std::initializer_list<uint8_t>{0x00, 0x01, 0x0a, 0xff}) {
    for (uint64_t at = 0; at < std::min<uint64_t>(list.bytes, 16); ++at) {
      RunParts parts = parts_;
      *parts.at(list.offset + at) = byte;
      parts.seal_rows();
      const Result<std::shared_ptr<tsfeat::Run>> run = open(parts.content());
      EXPECT_TRUE(run.ok() || run.status().code() == Code::kCorruption) << run.status().message();
      refused += run.ok() ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 0U);
}

TEST_F(HotValuesLost, VerifyFindsWhatChangedSinceTheOpen) {
  const auto run = *open(content_);
  ASSERT_TRUE(disk_->write_file(kRunPath, as_bytes(damaged())).ok());
  std::vector<Run::Problem> problems;
  ASSERT_TRUE(run->verify(&problems).ok());
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].offset, parts_.index.hot[0].offset);
}

// Events that are stored as codes go with the list; those of the last page stay.
TEST_F(HotValuesLost, SalvageKeepsWhatNeedsNoList) {
  ASSERT_TRUE(disk_->write_file(kRunPath, as_bytes(damaged())).ok());
  const Result<SalvagedRun> salvaged =
      salvage_run(*disk_, kRunPath, meta_, *events_.schema, BlockCache::create(1 << 20));
  ASSERT_TRUE(salvaged.ok()) << salvaged.status().message();
  ASSERT_EQ(salvaged->lost.size(), 4U) << "three pages, and the list";
  for (size_t page = 0; page < 3; ++page) {
    const LostPart& part = salvaged->lost[page];
    EXPECT_EQ(part.rows.begin, page * kPageRows);
    EXPECT_EQ(part.rows.size(), kPageRows);
    EXPECT_NE(part.message.find("its column has no hot values"), std::string::npos) << part.message;
    EXPECT_EQ(part.keys->first, "key");
  }
  EXPECT_EQ(salvaged->lost[3].rows.size(), 0U);
  EXPECT_EQ(salvaged->lost[3].offset, parts_.index.hot[0].offset);
  ASSERT_EQ(salvaged->events, kPageRows);
  VectorSource oracle(events_);
  std::vector<uint64_t> found(kPageRows), wanted(kPageRows);
  const Column& column = events_.schema->columns[0];
  ASSERT_TRUE(salvaged->source->fixed(column, {0, kPageRows}, reinterpret_cast<uint8_t*>(found.data())).ok());
  ASSERT_TRUE(oracle.fixed(column, {3 * kPageRows, 4 * kPageRows}, reinterpret_cast<uint8_t*>(wanted.data())).ok());
  EXPECT_EQ(found, wanted);
}

class Contradictions : public ::testing::Test {
 protected:
  void SetUp() override {
    std::mt19937_64 random(9);
    auto schema = std::make_shared<Schema>();
    schema->key_type = KeyType::kUint64;
    for (const Type type : {Type::kUint32, Type::kString, Type::kFloat32})
      schema->columns.push_back(Column{schema->next_column_id++, "c", type, 1, true, false, {}, {}});
    events_ = random_events(random, schema, {300, 40, 4});
    write();
  }
  void write() {
    static_cast<void>(disk_->remove(kRunPath));
    meta_ = write_run(*disk_, events_, {64, codec::Effort::kFast});
    parts_ = RunParts::of(disk_->files()[kRunPath]);
  }
  // What verify() says of the file that was put together, which can be opened.
  void expect_problem(const std::string& message) {
    const std::string content = parts_.content();
    ASSERT_TRUE(disk_->write_file(kRunPath, as_bytes(content)).ok());
    const auto run = Run::open(*disk_, kRunPath, parts_.footer.meta, events_.schema, BlockCache::create(1));
    ASSERT_TRUE(run.ok()) << run.status().message();
    std::vector<Run::Problem> problems;
    ASSERT_TRUE((*run)->verify(&problems).ok());
    EXPECT_TRUE(
        std::any_of(problems.begin(), problems.end(),
                    [&](const Run::Problem& problem) { return problem.message.find(message) != std::string::npos; }))
        << message << ", of " << problems.size();
  }

  const std::unique_ptr<MemoryVfs> disk_ = make_disk();
  Events events_;
  RunMeta meta_;
  RunParts parts_;
};

TEST_F(Contradictions, InTheFooterAndTheIndex) {
  using Parts = RunParts;
  const std::pair<std::function<void(Parts*)>, const char*> wrongs[] = {
      {[](Parts* p) { p->bloom = run::Bloom(p->footer.meta.keys); }, "it misses a key"},
      {[](Parts* p) { --p->footer.meta.stats.min_time; }, "counts, times or versions are not as declared"},
      {[](Parts* p) { ++p->footer.meta.stats.max_time; }, "counts, times or versions are not as declared"},
      {[](Parts* p) { --p->footer.meta.stats.min_version; }, "counts, times or versions are not as declared"},
      {[](Parts* p) { ++p->footer.meta.stats.max_version; }, "counts, times or versions are not as declared"},
      {[](Parts* p) { ++p->index.bounds[0].max; }, "the bounds of a column are not as declared"},
      {[](Parts* p) {
         p->index.pages[0].min_time = p->footer.meta.stats.min_time - 1, --p->footer.meta.stats.min_time;
       },
       "its times are not as declared"},
      {[](Parts* p) { p->index.pages[0].max_time = ++p->footer.meta.stats.max_time; }, "its times are not as declared"},
  };
  const RunParts whole = parts_;
  for (const auto& [change, message] : wrongs) {
    parts_ = whole;
    change(&parts_);
    expect_problem(message);
  }
}

TEST_F(Contradictions, InAPageHeader) {
  using run::Layout;
  const Layout& layout = parts_.index.layout;
  const run::RunColumn& number = layout.columns()[0];
  const auto end = [](uint8_t* header, uint32_t chunk) { return header + size_t{chunk} * run::kChunkEntryBytes; };
  const std::pair<std::function<void(uint8_t*)>, const char*> wrongs[] = {
      {[&](uint8_t* h) { store(end(h, 0), uint32_t{1}); }, "its chunks overlap or leave the page"},
      {[&](uint8_t* h) { store(end(h, 1), uint32_t{1} << 30); }, "its chunks overlap or leave the page"},
      {[&](uint8_t* h) { store(end(h, 0), layout.header_bytes()); }, "the times are missing"},
      {[&](uint8_t* h) {
         store(end(h, number.validity_chunk), Layout::chunk_end(h, number.chunk));
         store(end(h, number.validity_chunk) + 4, uint32_t{7});
       },
       "an empty chunk has a checksum"},
      {[&](uint8_t* h) {
         const uint32_t last = layout.chunks() - 1;
         store(end(h, last),
               Layout::chunk_end(h, last - 1) == Layout::chunk_end(h, last) ? 0 : Layout::chunk_end(h, last) - 1);
       },
       "bytes follow its last chunk"},
      {[&](uint8_t* h) { h[number.bounds_offset] = 0x80; }, "its bounds are not in order"},
      {[&](uint8_t* h) { h[number.bounds_offset] ^= run::kHasNull; }, "its bounds disagree about nulls"},
      {[&](uint8_t* h) { h[number.bounds_offset + 1] ^= 1, h[number.bounds_offset + 5] ^= 1; }, "are not as declared"},
  };
  const RunParts whole = parts_;
  for (const auto& [change, message] : wrongs) {
    parts_ = whole;
    change(parts_.header(1));
    parts_.seal_header(1);
    expect_problem(message);
  }
}

TEST_F(Contradictions, InTheOrderOfEvents) {
  // A key whose times go back, then one whose versions do.
  const auto longest = [&] {
    size_t best = 0;
    for (size_t i = 0; i < events_.keys.size(); ++i)
      best = events_.rows(i).size() > events_.rows(best).size() ? i : best;
    return events_.rows(best);
  }();
  ASSERT_GE(longest.size(), 3U);
  events_.times[longest.begin + 1] = events_.times[longest.begin] - 1;
  write();
  expect_problem("events of a key are out of order");
  events_.times[longest.begin + 1] = events_.times[longest.begin];
  events_.versions[longest.begin + 1] = events_.versions[longest.begin] - 1;
  write();
  expect_problem("events of a key are out of order");
}

// Any byte of a directory block, under a checksum that fits: what it says is refused or sound, and salvage passes it
// over.
class HostileDirectory : public Contradictions, public ::testing::WithParamInterface<KeyType> {};

TEST_P(HostileDirectory, IsRefusedOrSound) {
  auto schema = std::make_shared<Schema>(*events_.schema);
  schema->key_type = GetParam();
  std::mt19937_64 random(11);
  events_ = random_events(random, schema, {300, 5, 4});
  write();
  const RunParts whole = parts_;
  const run::DirectoryEntry block = whole.index.directory[0];
  uint64_t refused = 0;
  for (uint64_t at = 0; at < block.bytes; at += at < 40 ? 1 : 7) {
    for (const uint8_t value : std::initializer_list<uint8_t>{0x00, 0x01, 0xff}) {
      parts_ = whole;
      *parts_.at(block.offset + at) = value;
      parts_.seal_rows();
      ASSERT_TRUE(disk_->write_file(kRunPath, as_bytes(parts_.content())).ok());
      const RunMeta& meta = parts_.footer.meta;
      const auto run = Run::open(*disk_, kRunPath, meta, events_.schema, BlockCache::create(1 << 20));
      ASSERT_TRUE(run.ok()) << run.status().message();
      std::vector<Probe> probes;
      for (size_t i = 0; i < events_.keys.size(); ++i) probes.push_back({events_.key(i)});
      std::vector<RowRange> answers(probes.size());
      const Status located = (*run)->source(true)->locate(probes, answers);
      for (const RowRange& rows : answers) ASSERT_LE(rows.end, events_.size());
      if (located.ok()) continue;
      ++refused;
      EXPECT_EQ(located.code(), Code::kCorruption) << located.message();
      const auto salvaged = salvage_run(*disk_, kRunPath, meta, *events_.schema, BlockCache::create(1));
      ASSERT_TRUE(salvaged.ok()) << salvaged.status().message();
      ASSERT_EQ(salvaged->lost.size(), 1U);
      EXPECT_EQ(salvaged->lost[0].offset, block.offset);
      EXPECT_EQ(salvaged->events + salvaged->lost[0].rows.size(), events_.size());
    }
  }
  EXPECT_GT(refused, 20U);
}

INSTANTIATE_TEST_SUITE_P(KeyTypes, HostileDirectory, ::testing::Values(KeyType::kUint64, KeyType::kString),
                         [](const auto& tested) { return is_varlen(tested.param) ? "Strings" : "Numbers"; });

}  // namespace
}  // namespace tsfeat::testing
