// The same history under many options: buffers, pages, caches, threads, sync. No option may change an answer, so that
// each set of options is the oracle of the others. TSFEAT_METAMORPHIC_OPERATIONS says how many operations in all (10^6
// in CI), TSFEAT_SEED where the histories start.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "base/crc32c.h"
#include "engine/events_table.h"
#include "vfs/memory.h"

namespace tsfeat::engine_testing {
namespace {

using Random = std::mt19937_64;

constexpr uint64_t kSets = 32;
constexpr uint64_t kOperationsEach = 1000;  // of one history under one set of options
constexpr const char* kPath = "store";
constexpr uint64_t kHistoryKeys = 12;
constexpr const char* kTables[] = {"plain", "kept"};

uint64_t setting(const char* name, uint64_t standard) {
  const char* const text = std::getenv(name);
  return text == nullptr ? standard : std::strtoull(text, nullptr, 10);
}

template <typename T, size_t count>
T pick(Random& random, const T (&from)[count]) {
  return from[random() % count];
}

StoreOptions options_of(uint64_t set) {
  StoreOptions options = quiet_options();
  if (set == 0) return options;
  Random random(set);
  options.page_rows = pick<uint32_t>(random, {1, 3, 16, 128, 1024, 60'000});
  options.write_buffer_bytes = pick<uint64_t>(random, {1 << 12, 1 << 14, 1 << 16, 1 << 20, 1 << 26});
  options.cache_bytes = pick<uint64_t>(random, {1, 1 << 12, 1 << 16, 1 << 26});
  options.memory_bytes = pick<uint64_t>(random, {1 << 20, 1 << 26});
  options.read_threads = pick<uint32_t>(random, {1, 2, 4});
  options.background_threads = pick<uint32_t>(random, {0, 0, 1, 2});
  options.sync = pick<SyncPolicy>(random, {SyncPolicy::kAlways, SyncPolicy::kInterval, SyncPolicy::kNever});
  options.sync_interval_ms = pick<uint64_t>(random, {1, 1000});
  options.compaction_bytes_per_second = pick<uint64_t>(random, {0, uint64_t{64} << 20});
  return options;
}

// What an operation answered, as one number.
class Digest {
 public:
  void add(Bytes bytes) { crc_ = crc32c(bytes, crc_); }
  template <typename T>
  void number(T value) {
    uint8_t bytes[sizeof(T)];
    store(bytes, value);
    add(bytes);
  }
  uint32_t value() const { return crc_; }

 private:
  uint32_t crc_ = 0;
};

// One history under one set of options. What comes next depends on the seed alone, never on an answer.
class Life {
 public:
  Life(uint64_t seed, uint64_t set) : random_(seed), options_(options_of(set)) {
    open();
    Retention retention;
    retention.max_age = 400;
    retention.max_events = 30;
    retention.min_events = 2;
    retention.history = int64_t{1} << 40;  // reads may stand anywhere: horizons are not what is compared here
    retention.event_clock = true;
    EXPECT_TRUE(store_->create_table(kTables[0], events_schema(), std::nullopt).ok());
    EXPECT_TRUE(store_->create_table(kTables[1], events_schema(), retention).ok());
    take_tables();
  }

  std::vector<uint32_t> run(uint64_t operations) {
    std::vector<uint32_t> answers;
    for (uint64_t i = 0; i < operations; ++i) answers.push_back(step());
    EXPECT_TRUE(store_->verify({})->problems.empty());
    return answers;
  }

 private:
  void open() { store_ = *Store::open(*disk_, clock_, kPath, true, options_); }
  void take_tables() {
    for (size_t i = 0; i < std::size(kTables); ++i) tables_[i] = *store_->table(kTables[i]);
  }
  Table& table() { return *tables_[random_() % std::size(kTables)]; }

  uint32_t step() {
    Digest digest;
    const uint64_t kind = random_() % 100;
    if (kind < 35) {
      append(digest);
    } else if (kind < 80) {
      read(digest);
    } else if (kind < 92) {
      count(digest);
    } else if (kind < 95) {
      scan(digest);
    } else if (kind < 97) {
      erase(digest);
    } else {
      upkeep(digest, random_() % 8);
    }
    return digest.value();
  }

  void append(Digest& digest) {
    Rows rows;
    Table& to = table();
    for (uint64_t left = 1 + random_() % 12; left > 0; --left) {
      now_ += static_cast<int64_t>(random_() % 3);
      const auto late = static_cast<int64_t>(random_() % 10 == 0 ? random_() % 300 : random_() % 4);
      rows.push_back({random_() % kHistoryKeys, now_ - late, random_() % 100'000});
    }
    std::optional<std::string> source;
    if (random_() % 4 == 0) source = "source";
    const Result<uint64_t> version =
        engine_testing::append(to, rows, random_() % 16 == 0, source, static_cast<int64_t>(random_() % 1000));
    digest.number(version.ok() ? *version : ~uint64_t{0});
  }

  ReadRequest request() {
    ReadRequest out;
    for (uint64_t left = 1 + random_() % 8; left > 0; --left)
      out.keys.push_back(KeyView::from_uint64(random_() % (kHistoryKeys + 2)));
    if (random_() % 3 != 0) out.n.scalar = static_cast<int64_t>(random_() % 20);
    if (random_() % 3 == 0) out.before.scalar = now_ - static_cast<int64_t>(random_() % 500);
    if (random_() % 4 == 0) out.since.scalar = now_ - static_cast<int64_t>(random_() % 800);
    if (random_() % 4 == 0) out.filter = choose_filter();
    out.columns = {-1, 0, 1, 2};
    return out;
  }

  const FilterNode* choose_filter() {
    filter_ = {};
    filter_.kind = FilterNode::Kind::kCompare;
    filter_.column = 0;
    filter_.comparison = static_cast<Comparison>(random_() % 6);
    filter_.value_count = 1;
    filter_.fixed.assign(8, '\0');
    store(filter_.fixed.data(), random_() % 100'000);
    return &filter_;
  }

  void read(Digest& digest) {
    ReadRequest asked = request();
    const bool past = random_() % 5 == 0;
    const uint64_t place = random_() % 100;
    Result<View> view = table().view();
    ASSERT_TRUE(view.ok());
    if (past) asked.version.scalar = static_cast<int64_t>(view->version * place / 100);
    const Result<ReadResult> result = tsfeat::read(*view, asked);
    digest.number(result.status().code());
    if (!result.ok()) return;
    for (const int64_t offset : result->offsets) digest.number(offset);
    for (const ColumnResult& column : result->columns) {
      if (column.varlen) {
        digest.add(as_bytes(column.varlen->data));
        for (const int64_t offset : column.varlen->offsets) digest.number(offset);
      } else {
        digest.add({column.fixed.data.get(), column.fixed.bytes});
      }
    }
  }

  void count(Digest& digest) {
    const ReadRequest asked = request();
    Result<View> view = table().view();
    ASSERT_TRUE(view.ok());
    const Result<std::vector<int64_t>> counts = tsfeat::count(*view, asked);
    digest.number(counts.status().code());
    if (!counts.ok()) return;
    for (const int64_t number : *counts) digest.number(number);
  }

  void scan(Digest& digest) {
    const Result<Rows> rows = read_all(table());
    digest.number(rows.status().code());
    if (!rows.ok()) return;
    for (const Row& row : *rows) {
      digest.number(row.key);
      digest.number(row.time);
      digest.number(row.item);
    }
  }

  void erase(Digest& digest) {
    PerRow<int64_t> before;
    if (random_() % 2 == 0) before.scalar = now_ - static_cast<int64_t>(random_() % 200);
    const Result<uint64_t> erased = table().erase({KeyView::from_uint64(random_() % kHistoryKeys)}, before);
    digest.number(erased.ok() ? *erased : ~uint64_t{0});
  }

  void upkeep(Digest& digest, uint64_t kind) {
    Status status;
    if (kind == 0) {
      status = store_->compact(false, {});
    } else if (kind == 1) {
      status = store_->compact(true, {});
    } else if (kind == 2) {
      status = store_->close();
      open();
      take_tables();
    } else {
      status = store_->flush();
    }
    digest.number(status.code());
  }

  Random random_;
  const StoreOptions options_;
  const std::unique_ptr<MemoryVfs> disk_ = MemoryVfs::create(1);
  ManualClock clock_{1'000'000'000};
  std::shared_ptr<Store> store_;
  std::shared_ptr<Table> tables_[std::size(kTables)];
  int64_t now_ = 10'000;
  FilterNode filter_;
};

TEST(Metamorphic, NoOptionChangesAnAnswer) {
  const uint64_t operations = setting("TSFEAT_METAMORPHIC_OPERATIONS", kSets * kOperationsEach);
  const uint64_t seed = setting("TSFEAT_SEED", 1);
  const uint64_t each = std::clamp<uint64_t>(operations / kSets, 1, kOperationsEach);
  const uint64_t histories = std::max<uint64_t>(1, operations / (kSets * each));
  for (uint64_t i = 0; i < histories && !HasFailure(); ++i) {
    const std::vector<uint32_t> expected = Life(seed + i, 0).run(each);
    for (uint64_t set = 1; set < kSets && !HasFailure(); ++set) {
      const std::vector<uint32_t> found = Life(seed + i, set).run(each);
      const auto differs = std::mismatch(expected.begin(), expected.end(), found.begin()).first - expected.begin();
      EXPECT_EQ(found, expected) << "seed " << seed + i << ", options " << set << ", operation " << differs;
    }
  }
  std::printf("%llu histories from seed %llu on %llu sets of options, %llu operations\n",
              static_cast<unsigned long long>(histories), static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(kSets), static_cast<unsigned long long>(histories * kSets * each));
}

}  // namespace
}  // namespace tsfeat::engine_testing
