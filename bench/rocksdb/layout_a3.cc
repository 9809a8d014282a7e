// A3: chunks of 128 events as packed columns, built by the application. It keeps each user's events in a tail in memory
// until there are 128, and everything it takes in a log of its own; RocksDB gets finished chunks only, and needs no
// log. Key: user, time of the chunk's first event, number. Value: see packed_chunk.h.
//
// Chunks of a user never overlap in time: a tail that begins before the end of a chunk is merged with the chunks that
// it overlaps, and these are written anew. The log is not shortened until all tails are written: at finish(). Its
// reader (recovery) is left out.
#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>

#include "application_log.h"
#include "keys.h"
#include "layout.h"
#include "packed_chunk.h"
#include "rows.h"
#include "user_map.h"

namespace bench {
namespace {

constexpr uint32_t kChunkRows = 128;
constexpr int64_t kNone = std::numeric_limits<int64_t>::min();

struct Tail {
  std::vector<uint8_t> rows;  // packed, in order of time
  int64_t stored_newest = kNone;
};

class A3 : public Layout {
 public:
  A3(const Workload& workload, const std::string& directory)
      : Layout(workload, directory, "A3"),
        format_(workload),
        row_bytes_(format_.bytes()),
        read_(widths_),
        write_(widths_) {}

  void open() override {
    Layout::open();
    number_ = static_cast<uint32_t>(db_->GetLatestSequenceNumber());
    log_.open(directory_ + "/application.log");
  }
  void close() override {
    log_.close();
    Layout::close();
  }

  void append(const Events& events, bool sync) override {
    log_.append(events, widths_, sync);
    format_.pack(events, &packed_);
    // All memory that the batch will touch is asked for first, so that the misses overlap.
    for (uint64_t row = 0; row < events.rows; ++row) tails_.prefetch(events.users[row]);
    for (uint64_t row = 0; row < events.rows; ++row) {
      if (const Tail* tail = tails_.find_existing(events.users[row])) {
        __builtin_prefetch(tail->rows.data() + tail->rows.size(), 1);
      }
    }
    for (uint64_t row = 0; row < events.rows; ++row) {
      bool is_new = false;
      Tail& tail = tails_.at(events.users[row], &is_new);
      if (is_new && !was_empty_) recall(events.users[row], &tail);
      add(&tail, packed_.data() + row * row_bytes_);
      if (tail.rows.size() == size_t{kChunkRows} * row_bytes_) store(events.users[row], &tail);
    }
    if (batch_.Count() > 0) write(false, false);
  }

  void finish() override {
    store_all();
    tails_.clear();
    was_empty_ = false;
    Layout::finish();
    log_.clear();
  }

  // A scan sees what is in the database.
  void begin_scan(const std::vector<int>& columns) override {
    store_all();
    Layout::begin_scan(columns);
  }

  void seek(uint64_t user, int64_t before, const WantedTypes*) override {
    user_ = user;
    before_ = before;
    next_ = Next::kTail;
  }

  bool older(uint64_t, Chunk* chunk) override {
    rocksdb::Iterator& at = iterator();
    if (next_ == Next::kTail) {
      next_ = Next::kFirstChunk;
      if (tail_chunk(chunk)) return true;
    }
    if (next_ == Next::kFirstChunk)
      at.Seek(Key::newest(user_, before_).numbered());
    else if (at.Valid())
      at.Next();
    next_ = Next::kChunk;
    check(at.status());
    if (!at.Valid() || user_of(at.key()) != user_) return false;
    read_.view(time_of(at.key()), at.value().data(), chunk);
    return true;
  }

  bool reads_while_appending() const override { return false; }  // tails are not shared between threads

 private:
  enum class Next { kTail, kFirstChunk, kChunk };

  bool tail_chunk(Chunk* chunk) {
    Tail* tail = tails_.find_existing(user_);
    if (tail == nullptr || tail->rows.empty()) return false;
    if (first_time(*tail) < tail->stored_newest) {
      store(user_, tail);
      write(false, false);
      refresh();
      return false;
    }
    format_.view(tail->rows.data(), row_bytes_, tail->rows.size() / row_bytes_, RowFormat::kTimeBytes, 0, chunk);
    return chunk->rows_before(before_) > 0;
  }

  static int64_t time_at(const uint8_t* row) { return Field::load<int64_t>(row); }
  int64_t first_time(const Tail& tail) const { return time_at(tail.rows.data()); }

  // At its place in time, behind equal times.
  void add(Tail* tail, const uint8_t* row) {
    size_t at = tail->rows.size();
    while (at > 0 && time_at(tail->rows.data() + at - row_bytes_) > time_at(row)) at -= row_bytes_;
    tail->rows.insert(tail->rows.begin() + static_cast<ptrdiff_t>(at), row, row + row_bytes_);
  }

  void store_all() {
    tails_.each([&](uint64_t user, Tail& tail) {
      if (!tail.rows.empty()) store(user, &tail);
      if (batch_.Count() >= 1000) write(false, false);
    });
    if (batch_.Count() > 0) write(false, false);
  }

  // Writes the tail and empties it.
  void store(uint64_t user, Tail* tail) {
    if (first_time(*tail) < tail->stored_newest) merge_stored(user, &tail->rows);
    for (size_t begin = 0; begin < tail->rows.size(); begin += size_t{kChunkRows} * row_bytes_) {
      const size_t rows = std::min<size_t>((tail->rows.size() - begin) / row_bytes_, kChunkRows);
      const uint8_t* first = tail->rows.data() + begin;
      check(batch_.Put(Key(user, time_at(first), ++number_).numbered(), write_.encode(first, rows)));
    }
    tail->stored_newest = time_at(tail->rows.data() + tail->rows.size() - row_bytes_);
    tail->rows.clear();
  }

  void recall(uint64_t user, Tail* tail) {
    rocksdb::Iterator& at = write_iterator();
    at.Seek(Key::newest(user, std::numeric_limits<int64_t>::max()).numbered());
    check(at.status());
    if (!at.Valid() || user_of(at.key()) != user) return;
    Chunk chunk;
    write_.view(time_of(at.key()), at.value().data(), &chunk);
    tail->stored_newest = chunk.time_of(chunk.rows - 1);
  }

  // Takes the chunks that are newer than the tail's first event out of the database and into the rows.
  void merge_stored(uint64_t user, std::vector<uint8_t>* rows) {
    if (batch_.Count() > 0) write(false, false);
    const int64_t first = time_at(rows->data());
    std::vector<uint8_t> all;
    rocksdb::Iterator& at = write_iterator();
    at.Seek(Key::newest(user, std::numeric_limits<int64_t>::max()).numbered());
    for (; at.Valid() && user_of(at.key()) == user; at.Next()) {
      Chunk chunk;
      write_.view(time_of(at.key()), at.value().data(), &chunk);
      if (chunk.time_of(chunk.rows - 1) <= first) break;
      std::vector<uint8_t> older(chunk.rows * row_bytes_);
      unpack(chunk, older.data());
      all.insert(all.begin(), older.begin(), older.end());
      check(batch_.Delete(at.key()));
    }
    check(at.status());
    all.insert(all.end(), rows->begin(), rows->end());
    std::vector<uint32_t> order(all.size() / row_bytes_);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      return time_at(all.data() + size_t{a} * row_bytes_) < time_at(all.data() + size_t{b} * row_bytes_);
    });
    rows->clear();
    for (const uint32_t row : order) {
      const auto begin = all.begin() + static_cast<ptrdiff_t>(size_t{row} * row_bytes_);
      rows->insert(rows->end(), begin, begin + row_bytes_);
    }
  }

  void unpack(const Chunk& chunk, uint8_t* rows) const {
    for (uint64_t row = 0; row < chunk.rows; ++row) {
      const int64_t time = chunk.time_of(row);
      std::memcpy(rows, &time, RowFormat::kTimeBytes);
      rows += RowFormat::kTimeBytes;
      for (size_t i = 0; i < widths_.size(); rows += widths_[i++]) {
        chunk.columns[i].decode(row, 1, widths_[i], rows);
      }
    }
  }

  uint64_t scan_some(rocksdb::Iterator* iterator, Arrays* arrays, uint64_t at) override {
    Chunk chunk;
    read_.view(time_of(iterator->key()), iterator->value().data(), &chunk);
    arrays->reserve(at + chunk.rows);
    arrays->put(chunk, 0, chunk.rows, at);
    iterator->Next();
    return chunk.rows;
  }

  RowFormat format_;
  const uint32_t row_bytes_;
  PackedChunk read_, write_;
  ApplicationLog log_;
  UserMap<Tail> tails_;
  std::vector<uint8_t> packed_;
  uint32_t number_ = 0;
  uint64_t user_ = 0;
  int64_t before_ = 0;
  Next next_ = Next::kTail;
};

}  // namespace

std::unique_ptr<System> make_a3(const Workload& workload, const std::string& directory) {
  return std::make_unique<A3>(workload, directory);
}

}  // namespace bench
