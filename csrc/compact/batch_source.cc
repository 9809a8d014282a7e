#include "compact/batch_source.h"

#include <algorithm>
#include <cstring>

namespace tsfeat {
namespace {

class BatchCursor final : public KeyCursor {
 public:
  explicit BatchCursor(const Batch& batch) : batch_(batch) {}
  Result<bool> next() override {
    rows_ = {rows_.end, rows_.end};
    if (rows_.begin == batch_.rows) return false;
    key_ = batch_.key(rows_.begin);
    while (rows_.end < batch_.rows && batch_.key(rows_.end) == key_) ++rows_.end;
    return true;
  }
  KeyView key() const override { return key_; }
  RowRange rows() const override { return rows_; }

 private:
  const Batch& batch_;
  KeyView key_;
  RowRange rows_;
};

// The first row of which it is true; of all after it, it is too.
template <typename Predicate>
uint64_t first_row(uint64_t rows, Predicate is_true) {
  uint64_t first = 0;
  for (uint64_t left = rows; left > 0;) {
    const uint64_t half = left / 2;
    if (is_true(first + half)) {
      left = half;
    } else {
      first += half + 1;
      left -= half + 1;
    }
  }
  return first;
}

}  // namespace

BatchSource::BatchSource(const Schema& schema, const Batch& batch) : schema_(schema), batch_(batch) {
  stats_.events = batch.rows;
  stats_.min_version = 0;
  for (uint64_t row = 0; row < batch.rows; ++row) {
    stats_.min_time = std::min(stats_.min_time, batch.times[row]);
    stats_.max_time = std::max(stats_.max_time, batch.times[row]);
  }
}

Status BatchSource::locate(std::span<const Probe> probes, std::span<RowRange> answers) {
  for (size_t i = 0; i < probes.size(); ++i) {
    const KeyView& key = probes[i].key;
    answers[i].begin = first_row(batch_.rows, [&](uint64_t row) { return !(batch_.key(row) < key); });
    answers[i].end = first_row(batch_.rows, [&](uint64_t row) { return key < batch_.key(row); });
  }
  return {};
}

std::unique_ptr<KeyCursor> BatchSource::walk() { return std::make_unique<BatchCursor>(batch_); }

Result<uint64_t> BatchSource::seek(RowRange rows, int64_t time) {
  return static_cast<uint64_t>(std::lower_bound(batch_.times + rows.begin, batch_.times + rows.end, time) -
                               batch_.times);
}

Status BatchSource::times(RowRange rows, int64_t* out) {
  std::copy(batch_.times + rows.begin, batch_.times + rows.end, out);
  return {};
}

Status BatchSource::versions(RowRange rows, uint64_t* out) {
  std::fill_n(out, rows.size(), uint64_t{0});
  return {};
}

Status BatchSource::fixed(const Column& column, RowRange rows, uint8_t* out) {
  const size_t width = column.width();
  std::memcpy(out, values(column).fixed + rows.begin * width, rows.size() * width);
  return {};
}

Status BatchSource::varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) {
  const ColumnView& view = values(column);
  const int64_t begin = view.offsets[rows.begin];
  const auto shift = static_cast<int64_t>(out->data.size()) - begin;
  out->data.append(reinterpret_cast<const char*>(view.data) + begin,
                   static_cast<size_t>(view.offsets[rows.end] - begin));
  for (uint64_t row = rows.begin; row < rows.end; ++row) out->offsets.push_back(view.offsets[row + 1] + shift);
  return {};
}

Status BatchSource::validity(const Column& column, RowRange rows, uint8_t* out) {
  const uint8_t* const validity = values(column).validity;
  if (validity == nullptr) {
    std::memset(out, 1, rows.size());
    return {};
  }
  for (uint64_t row = rows.begin; row < rows.end; ++row) *out++ = validity[row] != 0 ? 1 : 0;
  return {};
}

BlockBounds BatchSource::bounds(const Column* column, uint64_t) {
  const RowRange all{0, batch_.rows};
  if (column != nullptr) return {.rows = all};
  return BlockBounds::of_times(all, stats_.min_time, stats_.max_time);
}

}  // namespace tsfeat
