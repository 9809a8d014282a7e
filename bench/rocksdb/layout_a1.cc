// A1: one key-value pair for each event. Key: user, time, number of arrival. Value: the columns, packed.
#include <algorithm>
#include <cstring>

#include "keys.h"
#include "layout.h"
#include "rows.h"

namespace bench {
namespace {

constexpr uint64_t kChunkRows = 128;  // that a walk collects at once

class A1 : public Layout {
 public:
  A1(const Workload& workload, const std::string& directory)
      : Layout(workload, directory, "A1"), format_(workload), rows_(kChunkRows * format_.bytes()) {}

  void append(const Events& events, bool sync) override {
    // The database's sequence number goes up with every event, in the order of arrival.
    auto arrival = static_cast<uint32_t>(db_->GetLatestSequenceNumber());
    format_.pack(events, &packed_);
    for (uint64_t row = 0; row < events.rows; ++row) {
      const auto* values =
          reinterpret_cast<const char*>(packed_.data()) + row * format_.bytes() + RowFormat::kTimeBytes;
      const rocksdb::Slice value(values, format_.bytes() - RowFormat::kTimeBytes);
      check(batch_.Put(Key(events.users[row], events.times[row], ++arrival).numbered(), value));
    }
    write(sync, true);
  }

  void seek(uint64_t user, int64_t before, const WantedTypes* wanted) override {
    user_ = user;
    wanted_ = wanted;
    iterator().Seek(Key::newest(user, before).numbered());
  }

  bool older(uint64_t want, Chunk* chunk) override {
    return collect(&iterator(), std::min(want, kChunkRows), wanted_, chunk);
  }

 private:
  // The entries of user_ from where the iterator stands, up to `limit` of them. They come newest first; laid out one
  // after the other, they are a chunk with a negative stride.
  bool collect(rocksdb::Iterator* at, uint64_t limit, const WantedTypes* wanted, Chunk* chunk) {
    uint64_t rows = 0;
    for (; rows < limit && at->Valid(); at->Next()) {
      const rocksdb::Slice key = at->key(), value = at->value();
      if (user_of(key) != user_) break;
      if (wanted != nullptr && !(*wanted)[static_cast<uint8_t>(value[format_.type_offset() - 8])]) continue;
      uint8_t* row = rows_.data() + rows++ * format_.bytes();
      const int64_t time = time_of(key);
      std::memcpy(row, &time, RowFormat::kTimeBytes);
      std::memcpy(row + RowFormat::kTimeBytes, value.data(), value.size());
    }
    check(at->status());
    if (rows == 0) return false;
    format_.view(rows_.data() + (rows - 1) * format_.bytes(), -static_cast<ptrdiff_t>(format_.bytes()), rows, 8, 0,
                 chunk);
    return true;
  }

  uint64_t scan_some(rocksdb::Iterator* iterator, Arrays* arrays, uint64_t at) override {
    user_ = user_of(iterator->key());
    Chunk chunk;
    collect(iterator, kChunkRows, nullptr, &chunk);
    arrays->reserve(at + chunk.rows);
    arrays->put(chunk, 0, chunk.rows, at);
    return chunk.rows;
  }

  RowFormat format_;
  std::vector<uint8_t> packed_;
  std::vector<uint8_t> rows_;
  uint64_t user_ = 0;
  const WantedTypes* wanted_ = nullptr;
};

}  // namespace

std::unique_ptr<System> make_a1(const Workload& workload, const std::string& directory) {
  return std::make_unique<A1>(workload, directory);
}

}  // namespace bench
