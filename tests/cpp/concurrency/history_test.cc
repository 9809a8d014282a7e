// Recorded histories of writers, readers, deletions, flush, compaction, a follower and close on many threads, checked
// for prefixes, monotonic reads, read-your-writes, real-time order and stable versions. TSFEAT_HISTORIES says how many
// (500 in CI), TSFEAT_HISTORY_OPERATIONS how long each is at least.

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <thread>

#include "concurrency/history.h"
#include "vfs/memory.h"

namespace tsfeat::concurrency {
namespace {

constexpr const char* kPath = "store";
constexpr int kWriters = 2;
constexpr int kReaders = 2;

uint64_t setting(const char* name, uint64_t standard) {
  const char* const text = std::getenv(name);
  return text == nullptr ? standard : std::strtoull(text, nullptr, 10);
}

StoreOptions random_options(std::mt19937_64& random) {
  StoreOptions options;
  options.sync = random() % 4 == 0 ? SyncPolicy::kNever : SyncPolicy::kInterval;
  options.sync_interval_ms = 1 + random() % 5;
  options.write_buffer_bytes = (uint64_t{16} << 10) << (random() % 4);
  options.cache_bytes = uint64_t{1} << (10 + random() % 10);
  options.page_rows = random() % 2 == 0 ? 16 : 256;
  options.background_threads = random() % 4 == 0 ? 0 : 2;
  options.compaction_bytes_per_second = 0;
  return options;
}

// All threads of one history; each ends when there were operations enough, or the store is closed.
class Play {
 public:
  Play(uint64_t seed, uint64_t operations) : seed_(seed), operations_(operations), random_(seed) {
    store_ = *Store::open(*disk_, clock_, kPath, true, random_options(random_));
    table_ = *store_->create_table("t", history_schema(), std::nullopt);
  }

  void run() {
    std::vector<std::thread> threads;
    for (int i = 0; i < kWriters; ++i) threads.emplace_back([this, i] { write(static_cast<size_t>(i)); });
    for (int i = 0; i < kReaders; ++i) threads.emplace_back([this, i] { read(static_cast<size_t>(i)); });
    threads.emplace_back([this] { maintain(); });
    threads.emplace_back([this] { follow(); });
    if (closes_under_way_) {
      while (history_.operations() < operations_) std::this_thread::sleep_for(std::chrono::microseconds(200));
      EXPECT_TRUE(store_->close().ok());
    }
    for (std::thread& thread : threads) thread.join();
    if (!closes_under_way_) {
      EXPECT_TRUE(store_->close().ok());
    }
    judge();
  }
  uint64_t operations() const { return history_.operations(); }

 private:
  // Where the store is closed under way, threads go on until they are told.
  bool enough() const {
    return (!closes_under_way_ && history_.operations() >= operations_) || !history_.failure().empty();
  }

  void write(size_t writer) {
    std::mt19937_64 random(seed_ * 31 + writer);
    for (uint64_t step = 1; !enough(); ++step) {
      if (!history_.append(*table_, (writer + 1) << 32 | step, &appends_[writer])) return;
      if (step % 4 == 0 && !history_.read(*table_, std::nullopt, &seen_[writer])) return;
      if (random() % 200 == 0 && !history_.erase(*table_)) return;
    }
  }

  void read(size_t reader) {
    std::mt19937_64 random(seed_ * 37 + reader);
    std::vector<Observation>& mine = seen_[kWriters + reader];
    while (!enough()) {
      std::optional<uint64_t> version;
      if (random() % 4 == 0) version = random() % (history_.newest_returned() + 1);
      if (!history_.read(*table_, version, &mine)) return;
      if (random() % 8 == 0) std::this_thread::yield();
    }
  }

  void maintain() {
    std::mt19937_64 random(seed_ * 41);
    while (!enough()) {
      const Status status = random() % 3 == 0 ? store_->compact(random() % 4 == 0, {}) : store_->flush();
      if (!status.ok()) {
        if (status.code() != Code::kClosed) history_.fail("maintenance: " + status.message());
        return;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    }
  }

  // A read-only store beside the writer.
  void follow() {
    const Result<std::shared_ptr<Store>> opened = Store::open(*disk_, clock_, kPath, false, {});
    if (!opened.ok()) return history_.fail("follower: " + opened.status().message());
    const std::shared_ptr<Table> table = *(*opened)->table("t");
    while (!enough() && !store_->closed()) {
      const uint64_t before = history_.newest_returned();
      if (const Status status = (*opened)->refresh(); !status.ok())
        return history_.fail("refresh: " + status.message());
      for (int again = 0; again < 2; ++again) {
        if (!history_.read(*table, std::nullopt, &followed_)) return;
      }
      const Observation& first = followed_[followed_.size() - 2];
      const Observation& second = followed_.back();
      if (first.version < before) return history_.fail("a refresh misses what was appended before it");
      if (first.version != second.version || !std::equal(first.items, first.items + kKeys, second.items))
        return history_.fail("a follower's view moved without a refresh");
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  }

  void judge() {
    EXPECT_EQ(history_.failure(), "") << "seed " << seed_;
    std::vector<uint64_t> items{0};
    const std::string gap = items_by_version({appends_, appends_ + kWriters}, &items);
    ASSERT_EQ(gap, "") << "seed " << seed_;
    for (const std::vector<Observation>& thread : seen_) EXPECT_EQ(check(items, thread, false), "") << "seed " << seed_;
    EXPECT_EQ(check(items, followed_, true), "") << "seed " << seed_;
    // What was returned is there after the store is opened again.
    store_ = *Store::open(*disk_, clock_, kPath, true, {});
    std::vector<Observation> reopened;
    ASSERT_TRUE(history_.read(**store_->table("t"), std::nullopt, &reopened)) << history_.failure();
    EXPECT_EQ(reopened.front().version + 1, items.size()) << "seed " << seed_;
    EXPECT_EQ(check(items, reopened, false), "") << "seed " << seed_;
    EXPECT_TRUE(store_->verify({})->problems.empty());
  }

  const uint64_t seed_;
  const uint64_t operations_;
  std::mt19937_64 random_;
  const bool closes_under_way_ = random_() % 2 == 0;
  const std::unique_ptr<MemoryVfs> disk_ = MemoryVfs::create(1);
  ManualClock clock_{1'000'000'000};
  std::shared_ptr<Store> store_;
  std::shared_ptr<Table> table_;
  History history_;
  std::vector<Append> appends_[kWriters];
  std::vector<Observation> seen_[kWriters + kReaders];
  std::vector<Observation> followed_;
};

// Whoever judges must be able to find fault.
TEST(Histories, ThatNoOrderAllowsAreFoundOut) {
  const std::vector<uint64_t> items{0, 11, 12, 13};
  const auto seen = [](uint64_t version, uint64_t at_least, std::vector<uint64_t> newest_first) {
    Observation out;
    out.version = version;
    out.at_least = at_least;
    for (std::vector<uint64_t>& key : out.items) key = newest_first;
    return out;
  };
  EXPECT_EQ(check(items, {seen(2, 1, {12, 11}), seen(3, 2, {13, 12, 11})}, false), "");
  EXPECT_NE(check(items, {seen(2, 3, {12, 11})}, false), "") << "misses what was appended before it";
  EXPECT_NE(check(items, {seen(3, 1, {13, 12, 11}), seen(2, 1, {12, 11})}, false), "") << "goes back";
  EXPECT_NE(check(items, {seen(3, 1, {13, 11})}, false), "") << "has a hole";
  EXPECT_NE(check(items, {seen(3, 1, {13, 12})}, false), "") << "lacks the oldest";
  EXPECT_NE(check(items, {seen(2, 1, {13, 12})}, false), "") << "sees the future";
  EXPECT_NE(check(items, {seen(4, 1, {13, 12, 11})}, false), "") << "a version that is not there";
  Observation half = seen(3, 1, {13, 12, 11});
  half.items[1] = {12, 11};
  EXPECT_NE(check(items, {half}, false), "") << "half a batch";
  Observation erased = seen(3, 1, {13, 12, 11});
  erased.erased_before = erased.erased_after = 2;
  EXPECT_NE(check(items, {erased}, false), "") << "an erased event";
  erased.items[kErasedKey] = {13};
  EXPECT_EQ(check(items, {erased}, false), "");
  std::vector<uint64_t> found{0};
  EXPECT_NE(items_by_version({{{1, 7}}, {{1, 8}}}, &found), "") << "one version, two batches";
}

TEST(Histories, AreThoseOfOneOrderOfTheAppends) {
  const uint64_t histories = setting("TSFEAT_HISTORIES", 10);
  const uint64_t operations = setting("TSFEAT_HISTORY_OPERATIONS", 5000);
  const uint64_t seed = setting("TSFEAT_SEED", 1);
  uint64_t done = 0;
  for (uint64_t i = 0; i < histories && !HasFailure(); ++i) {
    Play play(seed + i, operations);
    play.run();
    done += play.operations();
  }
  std::printf("%llu histories from seed %llu, %llu operations\n", static_cast<unsigned long long>(histories),
              static_cast<unsigned long long>(seed), static_cast<unsigned long long>(done));
}

}  // namespace
}  // namespace tsfeat::concurrency
