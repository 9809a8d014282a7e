#include "run/plain_page.h"

#include <algorithm>

#include "codec/encoding.h"

namespace tsfeat::run {

PageGatherer::PageGatherer(std::shared_ptr<const Schema> schema, const Layout& layout)
    : schema_(std::move(schema)), layout_(layout) {
  for (const RunColumn& column : layout_.columns()) {
    row_bytes_ += column.width + (column.nullable ? 1 : 0);
    varlen_columns_ += column.width == 0 ? 1 : 0;
  }
}

uint32_t PageGatherer::most_rows(uint32_t page_rows) const {
  uint64_t rows = std::clamp(page_rows, uint32_t{1}, codec::kMaxChunkValues);
  rows = std::min(rows, std::max<uint64_t>(1, kMaxPlainPageBytes / row_bytes_));
  for (const RunColumn& column : layout_.columns()) {
    if (column.width != 0) rows = std::min(rows, std::max<uint64_t>(1, kMaxPlainChunkBytes / column.width));
  }
  return static_cast<uint32_t>(rows);
}

Result<bool> PageGatherer::gather(std::span<const Slice> slices, uint32_t rows, PlainPage* page) {
  page->rows = rows;
  page->varlen_bytes = page->most_varlen_bytes = 0;
  page->times.resize(rows);
  page->versions.resize(rows);
  page->columns.resize(layout_.columns().size());
  decoder_.start(slices);
  TSFEAT_TRY(decoder_.times(page->times.data()));
  TSFEAT_TRY(decoder_.versions(page->versions.data()));
  for (size_t position = 0; position < page->columns.size(); ++position) {
    TSFEAT_TRY(gather_column(position, page));
    if (page->too_large()) return false;
  }
  return true;
}

Status PageGatherer::gather_column(size_t position, PlainPage* page) {
  const RunColumn& column = layout_.columns()[position];
  PlainColumn& plain = page->columns[position];
  ColumnSink sink;
  if (column.nullable) {
    plain.validity.resize(page->rows);
    sink.validity = plain.validity.data();
  }
  if (column.width == 0) {
    plain.varlen.offsets.assign(1, 0);
    plain.varlen.data.clear();
    sink.varlen = &plain.varlen;
  } else {
    plain.values.resize(size_t{page->rows} * column.width);
    sink.fixed = plain.values.data();
  }
  TSFEAT_TRY(decoder_.column(schema_->columns[position], sink));
  page->varlen_bytes += plain.varlen.data.size();
  page->most_varlen_bytes = std::max<uint64_t>(page->most_varlen_bytes, plain.varlen.data.size());
  return {};
}

}  // namespace tsfeat::run
