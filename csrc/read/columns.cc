#include "read/columns.h"

#include <cstring>

#include "source/decode.h"

namespace tsfeat {
namespace {

// Events decoded together, all columns of them, before going on: what a source keeps row by row (the memtable), or page
// by page, is still in the cache when the next column is taken from it.
constexpr uint64_t kStripEvents = 8192;

Array allocate(size_t bytes) { return {allocate_buffer(bytes), bytes}; }

void allocate_column(const Column* column, uint64_t events, ColumnResult* out) {
  if (column == nullptr) {
    out->fixed = allocate(events * sizeof(int64_t));
    return;
  }
  if (is_varlen(column->type)) {
    out->varlen.offsets.reserve(events + 1);
  } else {
    out->fixed = allocate(events * column->width());
  }
  if (column->nullable) out->validity = allocate(events);
}

// Into the column's place for events from `at` on.
Status decode_strip(const Column* column, SliceDecoder& decoder, uint64_t at, ColumnResult* out) {
  if (column == nullptr) return decoder.times(reinterpret_cast<int64_t*>(out->fixed.data.get()) + at);
  ColumnSink sink;
  if (is_varlen(column->type)) {
    sink.varlen = &out->varlen;
  } else {
    sink.fixed = out->fixed.data.get() + at * column->width();
  }
  if (out->validity) sink.validity = out->validity->data.get() + at;
  return decoder.column(*column, sink);
}

}  // namespace

Status decode_columns(const Schema& schema, std::span<const int> columns, std::span<const Slice> slices,
                      uint64_t events, std::vector<ColumnResult>* out) {
  const auto column_at = [&](size_t i) {
    return columns[i] < 0 ? nullptr : &schema.columns[static_cast<size_t>(columns[i])];
  };
  out->clear();
  out->resize(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) allocate_column(column_at(i), events, &(*out)[i]);
  uint64_t done = 0;
  SliceDecoder decoder;
  for (size_t begin = 0; begin < slices.size();) {
    size_t end = begin;
    uint64_t strip = 0;
    while (end < slices.size() && strip < kStripEvents) strip += slices[end++].rows.size();
    decoder.start(slices.subspan(begin, end - begin));
    for (size_t i = 0; i < columns.size(); ++i) TSFEAT_TRY(decode_strip(column_at(i), decoder, done, &(*out)[i]));
    done += strip;
    begin = end;
  }
  for (ColumnResult& result : *out) {
    const bool has_null = result.validity && std::memchr(result.validity->data.get(), 0, events) != nullptr;
    if (!has_null) result.validity.reset();
  }
  return {};
}

}  // namespace tsfeat
