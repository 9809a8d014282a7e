#include "read/columns.h"

#include <algorithm>
#include <cstring>

#include "base/lent.h"
#include "source/decode.h"

namespace tsfeat {
namespace {

// Events decoded together, all columns of them, before going on: what a source keeps row by row (the memtable), or page
// by page, is still in the cache when the next column is taken from it.
constexpr uint64_t kStripEvents = 8192;

const Column* column_at(const Schema& schema, int column) {
  return column < 0 ? nullptr : &schema.columns[static_cast<size_t>(column)];
}

}  // namespace

// Those of a small answer are one allocation.
void allocate_columns(const Schema& schema, std::span<const int> columns, uint64_t events,
                      std::vector<ColumnResult>* out) {
  struct Sizes {
    size_t fixed = 0;
    size_t validity = 0;
  };
  const auto sizes_of = [&](const Column* column) -> Sizes {
    if (column == nullptr) return {events * sizeof(int64_t), 0};
    return {events * column->width(), column->nullable ? events : 0};
  };
  size_t bytes = 0;
  for (const int column : columns) {
    const Sizes sizes = sizes_of(column_at(schema, column));
    bytes += sizes.fixed + sizes.validity;
  }
  BufferGroup group(bytes, 2 * columns.size());
  const auto take = [&](size_t size) { return Array{group.take(size), size}; };
  out->clear();
  out->resize(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    const Column* const column = column_at(schema, columns[i]);
    const Sizes sizes = sizes_of(column);
    ColumnResult& result = (*out)[i];
    if (column != nullptr && is_varlen(column->type)) {
      result.varlen.emplace().offsets.reserve(events + 1);
    } else {
      result.fixed = take(sizes.fixed);
    }
    if (column != nullptr && column->nullable) result.validity = take(sizes.validity);
  }
}

namespace {

Status decode_strip(const Column* column, SliceDecoder& decoder, ColumnResult* out, codec::VarlenBuffer* text) {
  if (column == nullptr) return decoder.times(reinterpret_cast<int64_t*>(out->fixed.data.get()));
  ColumnSink sink;
  if (is_varlen(column->type)) {
    sink.varlen = text == nullptr ? &*out->varlen : text;
  } else {
    sink.fixed = out->fixed.data.get();
  }
  if (out->validity) sink.validity = out->validity->data.get();
  return decoder.column(*column, sink);
}

}  // namespace

Status decode_columns(const Schema& schema, std::span<const int> columns, std::span<const Slice> slices, uint64_t first,
                      std::span<const uint64_t> places, std::vector<ColumnResult>* out,
                      std::span<codec::VarlenBuffer> texts) {
  const Lent<SliceDecoder> lent;
  SliceDecoder& decoder = *lent;
  for (size_t begin = 0; begin < slices.size();) {
    size_t end = begin;
    uint64_t strip = 0;
    while (end < slices.size() && strip < kStripEvents) strip += slices[end++].rows.size();
    decoder.start(slices.subspan(begin, end - begin), first,
                  places.empty() ? places : places.subspan(begin, end - begin));
    for (size_t i = 0; i < columns.size(); ++i) {
      TSFEAT_TRY(decode_strip(column_at(schema, columns[i]), decoder, &(*out)[i], texts.empty() ? nullptr : &texts[i]));
    }
    first += strip;
    begin = end;
  }
  return {};
}

void append_texts(std::span<const codec::VarlenBuffer> texts, std::vector<ColumnResult>* out) {
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!(*out)[i].varlen) continue;
    codec::VarlenBuffer& to = *(*out)[i].varlen;
    const auto shift = static_cast<int64_t>(to.data.size());
    to.data += texts[i].data;
    for (size_t value = 1; value < texts[i].offsets.size(); ++value)
      to.offsets.push_back(texts[i].offsets[value] + shift);
  }
}

void finish_columns(uint64_t events, std::vector<ColumnResult>* out) {
  for (ColumnResult& result : *out) {
    const bool has_null = result.validity && std::memchr(result.validity->data.get(), 0, events) != nullptr;
    if (!has_null) result.validity.reset();
  }
}

bool has_varlen(const Schema& schema, std::span<const int> columns) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](int column) { return column >= 0 && is_varlen(column_at(schema, column)->type); });
}

}  // namespace tsfeat
