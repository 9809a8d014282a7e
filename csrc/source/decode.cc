#include "source/decode.h"

#include <cstring>

namespace tsfeat {
namespace {

// How many slices ahead of the one being decoded memory is asked for: enough to hide a miss, few enough to stay in
// the L1 cache.
constexpr size_t kSlicesAhead = 4;
constexpr size_t kSlicesFarAhead = 10;

void prefetch_ahead(std::span<const Slice> slices, size_t i, const Column* column) {
  const auto hint = [&](size_t ahead, bool soon) {
    if (i + ahead < slices.size()) slices[i + ahead].source->prefetch(column, slices[i + ahead].rows, soon);
  };
  hint(kSlicesFarAhead, false);
  hint(kSlicesAhead, true);
}

void fill_default(const Column& column, uint64_t events, const ColumnSink& sink, uint64_t at) {
  const bool valid = column.default_value && column.default_value->valid;
  const std::string bytes = valid ? column.default_value->bytes : std::string(column.width(), '\0');
  if (sink.validity != nullptr) std::memset(sink.validity + at, valid ? 1 : 0, events);
  for (uint64_t event = 0; event < events; ++event) {
    if (is_varlen(column.type)) {
      sink.varlen->data += bytes;
      sink.varlen->offsets.push_back(static_cast<int64_t>(sink.varlen->data.size()));
    } else {
      std::memcpy(sink.fixed + (at + event) * bytes.size(), bytes.data(), bytes.size());
    }
  }
}

}  // namespace

Status decode_column(const Column& column, std::span<const Slice> slices, const ColumnSink& sink) {
  uint64_t at = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    const Slice& slice = slices[i];
    prefetch_ahead(slices, i, &column);
    if (!slice.source->has_column(column.id)) {
      fill_default(column, slice.rows.size(), sink, at);
    } else {
      if (is_varlen(column.type)) {
        TSFEAT_TRY(slice.source->varlen(column, slice.rows, sink.varlen));
      } else {
        TSFEAT_TRY(slice.source->fixed(column, slice.rows, sink.fixed + at * column.width()));
      }
      if (sink.validity != nullptr) TSFEAT_TRY(slice.source->validity(column, slice.rows, sink.validity + at));
    }
    at += slice.rows.size();
  }
  return {};
}

Status decode_times(std::span<const Slice> slices, int64_t* out) {
  for (size_t i = 0; i < slices.size(); ++i) {
    const Slice& slice = slices[i];
    prefetch_ahead(slices, i, nullptr);
    TSFEAT_TRY(slice.source->times(slice.rows, out));
    out += slice.rows.size();
  }
  return {};
}

Status decode_versions(std::span<const Slice> slices, uint64_t* out) {
  for (const Slice& slice : slices) {
    TSFEAT_TRY(slice.source->versions(slice.rows, out));
    out += slice.rows.size();
  }
  return {};
}

}  // namespace tsfeat
