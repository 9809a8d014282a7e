#include "memtable/memtable_source.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace tsfeat {
namespace {

// Keys of one batch whose cache misses overlap.
constexpr size_t kProbeGroup = 32;
constexpr uint64_t kMostRowsCalledFor = 1024;

// All tails, sorted by key when the walk starts; each tail's rows are collected when the walk reaches it.
class MemtableCursor final : public KeyCursor {
 public:
  MemtableCursor(MemtableSource& source, const TailTable& table) : source_(source) {
    table.for_each([&](const Tail* tail) { tails_.push_back({tail->key(), tail}); });
    std::sort(tails_.begin(), tails_.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
  }
  Result<bool> next() override {
    while (at_ < tails_.size()) {
      call_for(at_);
      const Entry& entry = tails_[at_++];
      rows_ = source_.add(*entry.tail, kMaxTime, ~uint64_t{0});
      if (rows_.size() > 0) return true;  // else all of it is newer than the version
    }
    return false;
  }
  KeyView key() const override { return tails_[at_ - 1].key; }
  RowRange rows() const override { return rows_; }

 private:
  struct Entry {
    KeyView key;
    const Tail* tail = nullptr;
  };
  static constexpr size_t kAheadTails = 16;
  static constexpr size_t kAheadChunks = 8;
  static constexpr size_t kAheadElders = 4;
  static constexpr size_t kAheadLines = 4;

  // Keys in order are strewn over memory: tails are called for some keys ahead, then their chunks, then those behind.
  void call_for(size_t at) const {
    if (at + kAheadTails < tails_.size()) __builtin_prefetch(tails_[at + kAheadTails].tail);
    if (at + kAheadChunks < tails_.size()) {
      __builtin_prefetch(tails_[at + kAheadChunks].tail->main.newest.load(std::memory_order_acquire));
    }
    if (at + kAheadElders < tails_.size()) {
      const Chunk* const chunk = tails_[at + kAheadElders].tail->main.newest.load(std::memory_order_acquire);
      if (chunk == nullptr) return;
      if (chunk->older != nullptr) __builtin_prefetch(chunk->older);
      const auto* const line = reinterpret_cast<const uint8_t*>(chunk);
      for (size_t i = 1; i < kAheadLines; ++i) __builtin_prefetch(line + i * 64);
    }
  }

  MemtableSource& source_;
  std::vector<Entry> tails_;
  size_t at_ = 0;
  RowRange rows_;
};

// Rows of a key lie in chunks all over the memtable: how far ahead they are called for.
constexpr size_t kAheadRows = 16;

template <typename T>
void gather(const uint8_t* const* rows, size_t count, size_t offset, uint8_t* out) {
  for (size_t i = 0; i < count; ++i) {
    __builtin_prefetch(rows[std::min(i + kAheadRows, count - 1)]);
    store<T>(out + i * sizeof(T), load<T>(rows[i] + offset));
  }
}

// Follows the chunks that will be read, one step of all keys at a time, so that the misses of different keys overlap.
void call_for_chunks(std::span<const Probe> probes, const Tail* const* tails, size_t stride) {
  std::array<const Chunk*, kProbeGroup> chunks;
  std::array<uint64_t, kProbeGroup> ends;
  for (size_t i = 0; i < probes.size(); ++i) {
    chunks[i] = nullptr;
    if (tails[i] == nullptr) continue;
    ends[i] = tails[i]->main.count.load(std::memory_order_acquire);
    chunks[i] = tails[i]->main.newest.load(std::memory_order_acquire);
  }
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < probes.size(); ++i) {
      const Chunk* const chunk = chunks[i];
      if (chunk == nullptr) continue;
      if (ends[i] > chunk->first) {
        const uint64_t rows = std::min<uint64_t>(chunk->capacity, ends[i] - chunk->first);
        __builtin_prefetch(chunk->row(rows - 1, stride));
      }
      // A long chain is walked by few keys, and not to its end.
      const bool enough = ends[i] >= chunk->first + std::min<uint64_t>(probes[i].limit, kMostRowsCalledFor);
      chunks[i] = enough ? nullptr : chunk->older;
      if (chunks[i] == nullptr) continue;
      __builtin_prefetch(chunks[i]);
      more = true;
    }
  }
}

}  // namespace

Status MemtableSource::locate(std::span<const Probe> probes, std::span<RowRange> answers) {
  std::array<uint64_t, kProbeGroup> hashes;
  std::array<const Tail*, kProbeGroup> tails;
  for (size_t first = 0; first < probes.size(); first += kProbeGroup) {
    const size_t count = std::min(kProbeGroup, probes.size() - first);
    for (size_t i = 0; i < count; ++i) {
      hashes[i] = hash_key(probes[first + i].key);
      table_.prefetch(hashes[i]);
    }
    for (size_t i = 0; i < count; ++i) {
      tails[i] = table_.guess(hashes[i]);
      if (tails[i] != nullptr) __builtin_prefetch(tails[i]);
    }
    for (size_t i = 0; i < count; ++i) {
      const Probe& probe = probes[first + i];
      if (tails[i] != nullptr && tails[i]->key() != probe.key) tails[i] = table_.find(probe.key, hashes[i]);
      if (tails[i] != nullptr) __builtin_prefetch(tails[i]->main.newest.load(std::memory_order_acquire));
    }
    if (count > 1) call_for_chunks(probes.subspan(first, count), tails.data(), layout_.stride);
    for (size_t i = 0; i < count; ++i) {
      const Probe& probe = probes[first + i];
      answers[first + i] = tails[i] == nullptr ? RowRange{} : add(*tails[i], probe.until, probe.limit);
    }
  }
  return {};
}

std::unique_ptr<KeyCursor> MemtableSource::walk() {
  rows_.reserve(stats_.events);
  return std::make_unique<MemtableCursor>(*this, table_);
}

Result<uint64_t> MemtableSource::seek(RowRange rows, int64_t time) {
  const auto begin = rows_.begin() + static_cast<std::ptrdiff_t>(rows.begin);
  const auto end = rows_.begin() + static_cast<std::ptrdiff_t>(rows.end);
  // Most cut-offs lie past the newest event.
  if (begin == end || RowLayout::time(end[-1]) < time) return rows.end;
  const auto found = std::partition_point(begin, end, [&](const uint8_t* row) { return RowLayout::time(row) < time; });
  return static_cast<uint64_t>(found - rows_.begin());
}

Status MemtableSource::times(RowRange rows, int64_t* out) {
  gather<int64_t>(rows_.data() + rows.begin, rows.size(), 0, reinterpret_cast<uint8_t*>(out));
  return {};
}

Status MemtableSource::versions(RowRange rows, uint64_t* out) {
  gather<uint64_t>(rows_.data() + rows.begin, rows.size(), RowLayout::kVersionOffset, reinterpret_cast<uint8_t*>(out));
  return {};
}

Status MemtableSource::fixed(const Column& column, RowRange rows, uint8_t* out) {
  const RowLayout::Field& field = layout_.fields[position(column)];
  const uint8_t* const* from = rows_.data() + rows.begin;
  const size_t count = rows.size();
  switch (field.width) {
    case 1:
      gather<uint8_t>(from, count, field.offset, out);
      break;
    case 2:
      gather<uint16_t>(from, count, field.offset, out);
      break;
    case 4:
      gather<uint32_t>(from, count, field.offset, out);
      break;
    case 8:
      gather<uint64_t>(from, count, field.offset, out);
      break;
    default:
      for (size_t i = 0; i < count; ++i) std::memcpy(out + i * field.width, from[i] + field.offset, field.width);
  }
  return {};
}

Status MemtableSource::varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) {
  const size_t offset = layout_.fields[position(column)].offset;
  for (uint64_t row = rows.begin; row < rows.end; ++row) {
    const auto* data = load<const char*>(rows_[row] + offset);
    const auto size = static_cast<size_t>(load<uint32_t>(rows_[row] + offset + 8));
    if (size > 0) out->data.append(data, size);
    out->offsets.push_back(static_cast<int64_t>(out->data.size()));
  }
  return {};
}

Status MemtableSource::validity(const Column& column, RowRange rows, uint8_t* out) {
  const size_t at = position(column);
  if (!schema_.columns[at].nullable) {
    std::fill_n(out, rows.size(), uint8_t{1});  // of no rows, `out` may be null
    return {};
  }
  for (uint64_t row = rows.begin; row < rows.end; ++row) *out++ = layout_.is_null(rows_[row], at) ? 0 : 1;
  return {};
}

// Whoever walks numbers the rows through, so that keys that follow each other are one range.
void MemtableSource::aim(std::span<const Aim> aims) {
  joined_.clear();
  for (const Aim& aim : aims) {
    if (!joined_.empty() && joined_.back().rows.end == aim.rows.begin &&
        joined_.back().at + joined_.back().rows.size() == aim.at) {
      joined_.back().rows.end = aim.rows.end;
    } else {
      joined_.push_back(aim);
    }
  }
  aimed_ = joined_;
}

// There are no blocks here: one that holds everything, of which only the times' range is known.
BlockBounds MemtableSource::bounds(const Column* column, uint64_t) {
  const RowRange all{0, rows_.size()};
  if (column != nullptr) return {.rows = all};
  return BlockBounds::of_times(all, stats_.min_time, stats_.max_time);
}

}  // namespace tsfeat
