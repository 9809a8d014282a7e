#include "run/page_encoder.h"

#include <algorithm>

#include "base/crc32c.h"

namespace tsfeat::run {

PageEncoder::PageEncoder(const Layout& layout, const RunOptions& options)
    : layout_(layout), options_(options), histories_(layout.chunks()) {
  for (size_t i = 0; i < options.hot.size(); ++i) histories_[layout.columns()[i].chunk].hot = options.hot[i].get();
}

void PageEncoder::note_chunk(uint32_t chunk, const std::string& out) {
  char* at = header_.data() + size_t{chunk} * kChunkEntryBytes;
  store(at, static_cast<uint32_t>(out.size() - page_begin_));
  const Bytes bytes = as_bytes(out).subspan(chunk_begin_);
  store(at + 4, bytes.empty() ? 0 : crc32c(bytes));
  chunk_begin_ = out.size();
}

void PageEncoder::encode_times(PlainPage* plain, std::string* out, EncodedPage* page) {
  const uint32_t rows = plain->rows;
  const int64_t* const times = plain->times.data();
  const auto [least, most] = std::minmax_element(times, times + rows);
  page->entry.min_time = page->stats.min_time = *least;
  page->entry.max_time = page->stats.max_time = *most;
  codec::encode_fixed(reinterpret_cast<const uint8_t*>(times), rows, 8, codec::Kind::kSigned, options_.effort, out,
                      &histories_[kTimesChunk]);
  note_chunk(kTimesChunk, *out);

  uint64_t* const versions = plain->versions.data();
  const auto [oldest, newest] = std::minmax_element(versions, versions + rows);
  page->stats.min_version = *oldest;
  page->stats.max_version = *newest;
  page->stats.events = rows;
  if (options_.arrivals != nullptr) options_.arrivals->subtract_expected(times, rows, versions);
  codec::encode_fixed(reinterpret_cast<const uint8_t*>(versions), rows, 8, codec::Kind::kSigned, options_.effort, out,
                      &histories_[kVersionsChunk]);
  note_chunk(kVersionsChunk, *out);
}

void PageEncoder::encode_column(size_t position, const PlainPage& plain, std::string* out, EncodedPage* page) {
  const RunColumn& column = layout_.columns()[position];
  const PlainColumn& from = plain.columns[position];
  if (column.width == 0) {
    codec::encode_varlen(from.varlen.offsets.data(), reinterpret_cast<const uint8_t*>(from.varlen.data.data()),
                         plain.rows, options_.effort, out, &histories_[column.chunk]);
  } else {
    codec::encode_fixed(from.values.data(), plain.rows, column.width, codec_kind(column.type), options_.effort, out,
                        &histories_[column.chunk]);
  }
  note_chunk(column.chunk, *out);
  const bool has_null =
      column.nullable && std::find(from.validity.begin(), from.validity.end(), 0) != from.validity.end();
  if (has_null) {
    codec::encode_fixed(from.validity.data(), plain.rows, 1, codec::Kind::kUnsigned, options_.effort, out,
                        &histories_[column.validity_chunk]);
  }
  if (column.nullable) note_chunk(column.validity_chunk, *out);
  ColumnBounds& bounds = page->bounds[position];
  bounds = compute_bounds(column.type, from.values.data(), has_null ? from.validity.data() : nullptr, plain.rows);
  if (column.bounds_offset == 0) return;
  char* at = header_.data() + column.bounds_offset;
  *at = static_cast<char>(bounds.flags);
  std::memcpy(at + 1, &bounds.min, column.width);
  std::memcpy(at + 1 + column.width, &bounds.max, column.width);
}

Status PageEncoder::encode(PlainPage* plain, std::string* out, EncodedPage* page) {
  *page = {};
  page->bounds.resize(layout_.columns().size());
  page_begin_ = out->size();
  header_.assign(layout_.header_bytes(), '\0');
  out->append(header_);
  chunk_begin_ = out->size();
  encode_times(plain, out, page);
  for (size_t i = 0; i < layout_.columns().size(); ++i) {
    encode_column(i, *plain, out, page);
    if (out->size() - page_begin_ > kMaxBlockBytes) return Status::schema("an event is larger than 4 GiB");
  }
  std::memcpy(out->data() + page_begin_, header_.data(), header_.size());
  page->entry.bytes = static_cast<uint32_t>(out->size() - page_begin_);
  page->entry.header_crc = crc32c(as_bytes(header_));
  return {};
}

}  // namespace tsfeat::run
