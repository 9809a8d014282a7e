#include "memtable/memtable.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "memtable/memtable_source.h"

namespace tsfeat {
namespace {

// Rows that are written together, so that their cache misses overlap.
constexpr size_t kInsertGroup = 64;

class TailMemtable final : public Memtable {
 public:
  TailMemtable(std::shared_ptr<const Schema> schema, std::shared_ptr<PagePool> pool)
      : schema_(std::move(schema)), layout_(*schema_), arena_(std::move(pool)) {}

  void insert(const Batch& batch, uint64_t version) override {
    if (batch.rows == 0) return;
    extend_stats(batch, version);
    for (uint64_t first = 0; first < batch.rows; first += kInsertGroup) {
      insert_group(batch, first, std::min<size_t>(kInsertGroup, batch.rows - first), version);
    }
  }
  size_t memory_bytes() const override {
    return arena_.bytes() + table_.bytes() + arrivals_bytes_.load(std::memory_order_relaxed) + sizeof *this;
  }
  uint64_t events() const override { return events_.load(std::memory_order_relaxed); }
  bool empty() const override { return events() == 0; }
  const Schema& schema() const override { return *schema_; }

  std::unique_ptr<Source> source(uint64_t version) const override {
    // Counts batches that are just being written too, where they have come to the counters: a bound, as the contract
    // says.
    SourceStats stats;
    stats.events = events();
    stats.min_time = min_time_.load(std::memory_order_relaxed);
    stats.max_time = max_time_.load(std::memory_order_relaxed);
    stats.min_version = min_version_.load(std::memory_order_relaxed);
    stats.max_version = std::min(version, max_version_.load(std::memory_order_relaxed));
    return std::make_unique<MemtableSource>(*schema_, layout_, table_, arrivals_, version, stats);
  }

 private:
  struct Group {
    std::array<uint64_t, kInsertGroup> hashes;
    std::array<Tail*, kInsertGroup> tails;
    std::array<Chain*, kInsertGroup> chains;
    std::array<uint32_t, kInsertGroup> counts;
    std::array<uint8_t*, kInsertGroup> rows{};
  };

  void insert_group(const Batch& batch, uint64_t first, size_t count, uint64_t version) {
    Group group;
    for (size_t i = 0; i < count; ++i) {
      group.hashes[i] = hash_key(batch.key(first + i));
      table_.prefetch(group.hashes[i]);
    }
    for (size_t i = 0; i < count; ++i) {
      group.tails[i] = table_.guess(group.hashes[i]);
      if (group.tails[i] != nullptr) __builtin_prefetch(group.tails[i], 1);
    }
    for (size_t i = 0; i < count; ++i) {
      const KeyView key = batch.key(first + i);
      if (group.tails[i] == nullptr || group.tails[i]->key() != key)
        group.tails[i] = find_or_insert(key, group.hashes[i]);
      __builtin_prefetch(group.tails[i]->main.next, 1);
    }
    for (size_t i = 0; i < count; ++i) {
      const int64_t time = batch.times[first + i];
      Chain& chain = group.tails[i]->chain_for(time, &arena_);
      group.rows[i] = chain.reserve(time, layout_.stride, &arena_);
      group.chains[i] = &chain;
      group.counts[i] = chain.reserved;
    }
    layout_.write(batch, first, count, version, group.rows.data(), &arena_);
    for (size_t i = 0; i < count; ++i) group.chains[i]->count.store(group.counts[i], std::memory_order_release);
  }

  Tail* find_or_insert(const KeyView& key, uint64_t hash) {
    if (Tail* tail = table_.find(key, hash); tail != nullptr) return tail;
    Tail* const tail = new (arena_.allocate(sizeof(Tail), alignof(Tail))) Tail(key, &arena_);
    table_.insert(tail, hash);
    return tail;
  }

  // Before any row is published, so that stats never claim less than a source shows.
  void extend_stats(const Batch& batch, uint64_t version) {
    const auto [least, most] = std::minmax_element(batch.times, batch.times + batch.rows);
    constexpr auto relaxed = std::memory_order_relaxed;  // one writer
    min_time_.store(std::min(min_time_.load(relaxed), *least), relaxed);
    max_time_.store(std::max(max_time_.load(relaxed), *most), relaxed);
    min_version_.store(std::min(min_version_.load(relaxed), version), relaxed);
    max_version_.store(version, relaxed);
    events_.store(events_.load(relaxed) + batch.rows, relaxed);
    arrivals_.push_back({version, *most});
    arrivals_bytes_.store(arrivals_.capacity() * sizeof(Arrival), relaxed);
  }

  const std::shared_ptr<const Schema> schema_;
  const RowLayout layout_;
  Arena arena_;
  TailTable table_;
  std::vector<Arrival> arrivals_;  // the writer's, and the flush's when nothing is written any more
  std::atomic<size_t> arrivals_bytes_{0};
  std::atomic<uint64_t> events_{0};
  std::atomic<int64_t> min_time_{kMaxTime};
  std::atomic<int64_t> max_time_{kMinTime};
  std::atomic<uint64_t> min_version_{~uint64_t{0}};
  std::atomic<uint64_t> max_version_{0};
};

}  // namespace

std::shared_ptr<Memtable> Memtable::create(std::shared_ptr<const Schema> schema, std::shared_ptr<PagePool> pool) {
  return std::make_shared<TailMemtable>(std::move(schema), std::move(pool));
}

}  // namespace tsfeat
