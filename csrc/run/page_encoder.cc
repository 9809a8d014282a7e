#include "run/page_encoder.h"

#include <algorithm>

#include "base/crc32c.h"

namespace tsfeat::run {

PageEncoder::PageEncoder(std::shared_ptr<const Schema> schema, const Layout& layout, const RunOptions& options)
    : schema_(std::move(schema)), layout_(layout), options_(options), histories_(layout.chunks()) {
  for (size_t i = 0; i < options.hot.size(); ++i) histories_[layout.columns()[i].chunk].hot = options.hot[i].get();
}

uint32_t PageEncoder::most_rows(uint32_t page_rows) const {
  uint64_t rows = std::clamp(page_rows, uint32_t{1}, codec::kMaxChunkValues);
  for (const RunColumn& column : layout_.columns()) {
    if (column.width != 0) rows = std::min(rows, std::max<uint64_t>(1, kMaxPlainChunkBytes / column.width));
  }
  return static_cast<uint32_t>(rows);
}

void PageEncoder::note_chunk(uint32_t chunk, const std::string& out) {
  char* at = header_.data() + size_t{chunk} * kChunkEntryBytes;
  store(at, static_cast<uint32_t>(out.size() - page_begin_));
  const Bytes bytes = as_bytes(out).subspan(chunk_begin_);
  store(at + 4, bytes.empty() ? 0 : crc32c(bytes));
  chunk_begin_ = out.size();
}

Status PageEncoder::encode_times(uint32_t rows, std::string* out, EncodedPage* page) {
  values_.resize(size_t{rows} * 8);
  times_.resize(rows);
  int64_t* const times = times_.data();
  TSFEAT_TRY(decoder_.times(times));
  const auto [least, most] = std::minmax_element(times, times + rows);
  page->entry.min_time = page->stats.min_time = *least;
  page->entry.max_time = page->stats.max_time = *most;
  codec::encode_fixed(reinterpret_cast<const uint8_t*>(times), rows, 8, codec::Kind::kSigned, options_.effort, out,
                      &histories_[kTimesChunk]);
  note_chunk(kTimesChunk, *out);

  auto* versions = reinterpret_cast<uint64_t*>(values_.data());
  TSFEAT_TRY(decoder_.versions(versions));
  const auto [oldest, newest] = std::minmax_element(versions, versions + rows);
  page->stats.min_version = *oldest;
  page->stats.max_version = *newest;
  page->stats.events = rows;
  if (options_.arrivals != nullptr) options_.arrivals->subtract_expected(times, rows, versions);
  codec::encode_fixed(values_.data(), rows, 8, codec::Kind::kSigned, options_.effort, out, &histories_[kVersionsChunk]);
  note_chunk(kVersionsChunk, *out);
  return {};
}

Result<bool> PageEncoder::encode_column(size_t position, uint32_t rows, std::string* out, EncodedPage* page) {
  const Column& from = schema_->columns[position];
  const RunColumn& column = layout_.columns()[position];
  ColumnSink sink;
  bool has_null = false;
  if (column.nullable) {
    validity_.resize(rows);
    sink.validity = validity_.data();
  }
  if (column.width == 0) {
    varlen_.offsets.assign(1, 0);
    varlen_.data.clear();
    sink.varlen = &varlen_;
  } else {
    values_.resize(size_t{rows} * column.width);
    sink.fixed = values_.data();
  }
  TSFEAT_TRY(decoder_.column(from, sink));
  if (column.nullable) has_null = std::find(validity_.begin(), validity_.end(), 0) != validity_.end();

  if (column.width == 0) {
    page->varlen_bytes = std::max<uint64_t>(page->varlen_bytes, varlen_.data.size());
    if (varlen_.data.size() > kMaxPlainChunkBytes && rows > 1) return false;
    codec::encode_varlen(varlen_.offsets.data(), reinterpret_cast<const uint8_t*>(varlen_.data.data()), rows,
                         options_.effort, out, &histories_[column.chunk]);
  } else {
    codec::encode_fixed(values_.data(), rows, column.width, codec_kind(column.type), options_.effort, out,
                        &histories_[column.chunk]);
  }
  note_chunk(column.chunk, *out);
  if (column.nullable) {
    if (has_null)
      codec::encode_fixed(validity_.data(), rows, 1, codec::Kind::kUnsigned, options_.effort, out,
                          &histories_[column.validity_chunk]);
    note_chunk(column.validity_chunk, *out);
  }
  ColumnBounds& bounds = page->bounds[position];
  bounds = compute_bounds(column.type, values_.data(), has_null ? validity_.data() : nullptr, rows);
  if (column.bounds_offset == 0) return true;
  char* at = header_.data() + column.bounds_offset;
  *at = static_cast<char>(bounds.flags);
  std::memcpy(at + 1, &bounds.min, column.width);
  std::memcpy(at + 1 + column.width, &bounds.max, column.width);
  return true;
}

Result<bool> PageEncoder::encode(std::span<const Slice> slices, uint32_t rows, std::string* out, EncodedPage* page) {
  *page = {};
  page->bounds.resize(layout_.columns().size());
  page_begin_ = out->size();
  header_.assign(layout_.header_bytes(), '\0');
  out->append(header_);
  chunk_begin_ = out->size();
  decoder_.start(slices);
  Status status = encode_times(rows, out, page);
  bool fits = true;
  for (size_t i = 0; status.ok() && fits && i < layout_.columns().size(); ++i) {
    const Result<bool> encoded = encode_column(i, rows, out, page);
    status = encoded.status();
    fits = encoded.ok() && *encoded && out->size() - page_begin_ <= kMaxBlockBytes;
  }
  if (status.ok() && fits) {
    std::memcpy(out->data() + page_begin_, header_.data(), header_.size());
    page->entry.bytes = static_cast<uint32_t>(out->size() - page_begin_);
    page->entry.header_crc = crc32c(as_bytes(header_));
    return true;
  }
  out->resize(page_begin_);
  if (!status.ok()) return status;
  if (rows == 1) return Status::schema("an event is larger than 4 GiB");
  return false;
}

}  // namespace tsfeat::run
