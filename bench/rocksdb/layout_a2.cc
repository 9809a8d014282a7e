// A2: a value for each 256 events of a user, which grows by merges: an event is appended to its chunk by RocksDB's
// merge operator, without reading it first. Key: user, time of the chunk's first event. Value: packed rows of a time (4
// bytes, from the chunk's first) and the columns, in order of time.
//
// A chunk has all events between its own first time and the next chunk's. The application remembers each user's newest
// chunk (28 bytes a user; read back from the database when a user comes by for the first time). A late event belongs
// to an older chunk, which is looked up; the merge operator puts it in its place.
#include <rocksdb/merge_operator.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "keys.h"
#include "layout.h"
#include "rows.h"
#include "user_map.h"

namespace bench {
namespace {

constexpr uint32_t kChunkRows = 256;
constexpr uint32_t kTimeBytes = 4;
constexpr int64_t kMaxSpan = std::numeric_limits<uint32_t>::max();

class AppendRows : public rocksdb::MergeOperator {
 public:
  explicit AppendRows(uint32_t row_bytes) : row_bytes_(row_bytes) {}
  const char* Name() const override { return "AppendRows"; }

  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override {
    size_t bytes = in.existing_value == nullptr ? 0 : in.existing_value->size();
    for (const rocksdb::Slice& operand : in.operand_list) bytes += operand.size();
    out->new_value.reserve(bytes);
    if (in.existing_value != nullptr) out->new_value.assign(in.existing_value->data(), in.existing_value->size());
    for (const rocksdb::Slice& operand : in.operand_list) out->new_value.append(operand.data(), operand.size());
    sort(&out->new_value);
    return true;
  }

  bool PartialMergeMulti(const rocksdb::Slice&, const std::deque<rocksdb::Slice>& operands, std::string* merged,
                         rocksdb::Logger*) const override {
    size_t bytes = 0;
    for (const rocksdb::Slice& operand : operands) bytes += operand.size();
    merged->clear();
    merged->reserve(bytes);
    for (const rocksdb::Slice& operand : operands) merged->append(operand.data(), operand.size());
    return true;
  }

 private:
  // By time; equal times stay in the order in which they arrived. Almost always there is nothing to do.
  void sort(std::string* value) const {
    const auto rows = static_cast<uint32_t>(value->size() / row_bytes_);
    const auto* bytes = reinterpret_cast<const uint8_t*>(value->data());
    const auto time = [&](uint32_t row) { return Field::load<uint32_t>(bytes + row * row_bytes_); };
    uint32_t row = 1;
    while (row < rows && time(row - 1) <= time(row)) ++row;
    if (row >= rows) return;
    std::vector<uint32_t> order(rows);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return time(a) < time(b); });
    std::string sorted;
    sorted.reserve(value->size());
    for (const uint32_t from : order) sorted.append(*value, size_t{from} * row_bytes_, row_bytes_);
    value->swap(sorted);
  }

  uint32_t row_bytes_;
};

class A2 : public Layout {
 public:
  A2(const Workload& workload, const std::string& directory)
      : Layout(workload, directory, "A2"),
        format_(workload),
        row_bytes_(format_.bytes() - RowFormat::kTimeBytes + kTimeBytes) {
    options_.merge_operator = std::make_shared<AppendRows>(row_bytes_);
  }

  void append(const Events& events, bool sync) override {
    format_.pack(events, &packed_);
    begun_.clear();
    for (uint64_t row = 0; row < events.rows; ++row) users_.prefetch(events.users[row]);
    for (uint64_t row = 0; row < events.rows; ++row) {
      const int64_t time = events.times[row];
      const int64_t start = chunk_for(events.users[row], time);
      const auto distance = static_cast<uint32_t>(time - start);
      uint8_t* operand = packed_.data() + row * format_.bytes() + RowFormat::kTimeBytes - kTimeBytes;
      std::memcpy(operand, &distance, kTimeBytes);
      check(batch_.Merge(Key(events.users[row], start).plain(), {reinterpret_cast<const char*>(operand), row_bytes_}));
    }
    write(sync, true);
  }

  void seek(uint64_t user, int64_t before, const WantedTypes*) override {
    user_ = user;
    fresh_ = true;
    iterator().Seek(Key(user, before - 1).plain());
  }

  bool older(uint64_t, Chunk* chunk) override {
    rocksdb::Iterator& at = iterator();
    if (!fresh_ && at.Valid()) at.Next();
    fresh_ = false;
    check(at.status());
    if (!at.Valid() || user_of(at.key()) != user_) return false;
    view(at, chunk);
    return true;
  }

 private:
  struct Newest {
    int64_t start = 0;
    int64_t newest = 0;
    uint32_t rows = 0;  // 0: the user is not known yet
  };

  void view(const rocksdb::Iterator& at, Chunk* chunk) {
    const rocksdb::Slice value = at.value();
    format_.view(reinterpret_cast<const uint8_t*>(value.data()), row_bytes_, value.size() / row_bytes_, kTimeBytes,
                 time_of(at.key()), chunk);
  }

  // The start of the chunk that an event goes to.
  int64_t chunk_for(uint64_t user, int64_t time) {
    bool is_new = false;
    Newest& newest = users_.at(user, &is_new);
    if (is_new && !was_empty_) stored_chunk(user, std::numeric_limits<int64_t>::max(), &newest);
    const bool known = newest.rows > 0;
    if (known && time < newest.start) return late_chunk_for(user, time);
    const bool full = newest.rows >= kChunkRows && time >= newest.newest && time > newest.start;
    if (!known || full || time - newest.start > kMaxSpan) {
      newest = {time, time, 0};
      begun_.push_back({user, time});
    }
    newest.newest = std::max(newest.newest, time);
    ++newest.rows;
    return newest.start;
  }

  // The user's newest chunk that begins at or before the time, in the database.
  bool stored_chunk(uint64_t user, int64_t time, Newest* out) {
    rocksdb::Iterator& at = write_iterator();
    at.Seek(Key(user, time).plain());
    check(at.status());
    if (!at.Valid() || user_of(at.key()) != user) return false;
    const auto rows = static_cast<uint32_t>(at.value().size() / row_bytes_);
    const int64_t start = time_of(at.key());
    const char* newest = at.value().data() + (rows - 1) * row_bytes_;
    *out = {start, start + Field::load<uint32_t>(reinterpret_cast<const uint8_t*>(newest)), rows};
    return true;
  }

  // The newest chunk that begins at or before the time: in the database, or begun by the batch at hand.
  int64_t late_chunk_for(uint64_t user, int64_t time) {
    Newest stored;
    bool found = stored_chunk(user, time, &stored);
    int64_t start = stored.start;
    for (const auto& [begun_user, begun_start] : begun_) {
      if (begun_user == user && begun_start <= time && (!found || begun_start > start)) {
        start = begun_start;
        found = true;
      }
    }
    if (found && time - start <= kMaxSpan) return start;
    begun_.push_back({user, time});
    return time;
  }

  uint64_t scan_some(rocksdb::Iterator* iterator, Arrays* arrays, uint64_t at) override {
    Chunk chunk;
    view(*iterator, &chunk);
    arrays->reserve(at + chunk.rows);
    arrays->put(chunk, 0, chunk.rows, at);
    iterator->Next();
    return chunk.rows;
  }

  RowFormat format_;
  uint32_t row_bytes_;
  std::vector<uint8_t> packed_;
  UserMap<Newest> users_;
  std::vector<std::pair<uint64_t, int64_t>> begun_;  // chunks that the batch at hand begins: user, start
  uint64_t user_ = 0;
  bool fresh_ = false;
};

}  // namespace

std::unique_ptr<System> make_a2(const Workload& workload, const std::string& directory) {
  return std::make_unique<A2>(workload, directory);
}

}  // namespace bench
