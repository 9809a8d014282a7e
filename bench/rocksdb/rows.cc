#include "rows.h"

#include <cstring>

namespace bench {
namespace {

template <typename T>
void scatter(const uint8_t* from, uint64_t rows, uint8_t* to, uint32_t stride) {
  for (uint64_t i = 0; i < rows; ++i) std::memcpy(to + i * stride, from + i * sizeof(T), sizeof(T));
}

void scatter_column(const uint8_t* from, uint32_t width, uint64_t rows, uint8_t* to, uint32_t stride) {
  switch (width) {
    case 1:
      return scatter<uint8_t>(from, rows, to, stride);
    case 2:
      return scatter<uint16_t>(from, rows, to, stride);
    case 4:
      return scatter<uint32_t>(from, rows, to, stride);
    case 8:
      return scatter<uint64_t>(from, rows, to, stride);
    default:
      for (uint64_t i = 0; i < rows; ++i) std::memcpy(to + i * stride, from + i * width, width);
  }
}

}  // namespace

RowFormat::RowFormat(const Workload& workload) {
  for (const ColumnInfo& column : workload.columns()) {
    if (column.name == "type") type_offset_ = bytes_;
    widths_.push_back(column.width);
    bytes_ += column.width;
  }
  columns_.resize(widths_.size());
}

void RowFormat::pack(const Events& events, std::vector<uint8_t>* rows) const {
  rows->resize(events.rows * bytes_);
  uint8_t* to = rows->data();
  scatter<int64_t>(reinterpret_cast<const uint8_t*>(events.times), events.rows, to, bytes_);
  to += kTimeBytes;
  for (size_t i = 0; i < widths_.size(); to += widths_[i++]) {
    scatter_column(events.columns[i], widths_[i], events.rows, to, bytes_);
  }
}

void RowFormat::view(const uint8_t* oldest, ptrdiff_t stride, uint64_t rows, uint32_t time_width, int64_t origin,
                     Chunk* chunk) {
  chunk->rows = rows;
  chunk->time = {.base = oldest, .stride = stride, .origin = static_cast<uint64_t>(origin), .width = time_width};
  const uint8_t* column = oldest + time_width;
  for (size_t i = 0; i < widths_.size(); column += widths_[i++]) {
    columns_[i] = {.base = column, .stride = stride, .width = widths_[i]};
  }
  chunk->columns = columns_.data();
}

}  // namespace bench
