#include "chunk.h"

#include <algorithm>
#include <new>

namespace bench {
namespace {

// Elements of a width known at compile time, one after the other, from wherever `at` says.
template <typename T, typename At>
void gather(uint8_t* to, uint64_t count, At at) {
  for (uint64_t i = 0; i < count; ++i) std::memcpy(to + i * sizeof(T), at(i), sizeof(T));
}

template <typename At>
void gather_column(uint8_t* to, uint32_t width, uint64_t count, At at) {
  switch (width) {
    case 1:
      gather<uint8_t>(to, count, at);
      break;
    case 2:
      gather<uint16_t>(to, count, at);
      break;
    case 4:
      gather<uint32_t>(to, count, at);
      break;
    case 8:
      gather<uint64_t>(to, count, at);
      break;
    default:
      for (uint64_t i = 0; i < count; ++i) std::memcpy(to + i * width, at(i), width);
  }
}

template <typename At>
void gather_times(uint8_t* to, const Chunk& chunk, uint64_t count, At at) {
  if (chunk.time_width == 8) return gather<int64_t>(to, count, at);
  for (uint64_t i = 0; i < count; ++i) {
    const int64_t time = chunk.time_origin + Chunk::load<uint32_t>(at(i));
    std::memcpy(to + i * 8, &time, 8);
  }
}

// The same where elements touch, so that the compiler sees a plain array.
void widen_times(uint8_t* to, const uint8_t* from, int64_t origin, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    const int64_t time = origin + Chunk::load<uint32_t>(from + i * 4);
    std::memcpy(to + i * 8, &time, 8);
  }
}

}  // namespace

void Arrays::begin(const std::vector<int>& columns, const std::vector<uint32_t>& widths) {
  if (columns == columns_) return;
  for (uint8_t* room : data_) std::free(room);
  columns_ = columns;
  widths_.clear();
  for (const int column : columns) widths_.push_back(column < 0 ? 8 : widths[static_cast<size_t>(column)]);
  data_.assign(columns.size(), nullptr);
  capacity_ = 0;
}

void Arrays::grow(uint64_t count) {
  capacity_ = std::max(count, capacity_ + capacity_ / 2);
  for (size_t i = 0; i < data_.size(); ++i) {
    auto* room = static_cast<uint8_t*>(std::realloc(data_[i], capacity_ * widths_[i]));
    if (room == nullptr) throw std::bad_alloc();
    data_[i] = room;
  }
}

void Arrays::put(const Chunk& chunk, uint64_t begin, uint64_t end, uint64_t to) {
  const uint64_t count = end - begin;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Strided from = columns_[i] < 0 ? chunk.times : chunk.columns[columns_[i]];
    const uint8_t* base = from.base + static_cast<ptrdiff_t>(begin) * from.stride;
    const auto at = [&](uint64_t row) { return base + static_cast<ptrdiff_t>(row) * from.stride; };
    if (columns_[i] < 0 && chunk.time_width == 4) {
      if (from.stride == 4)
        widen_times(this->at(i, to), base, chunk.time_origin, count);
      else
        gather_times(this->at(i, to), chunk, count, at);
    } else if (from.stride == static_cast<ptrdiff_t>(widths_[i])) {
      std::memcpy(this->at(i, to), base, count * widths_[i]);
    } else {
      gather_column(this->at(i, to), widths_[i], count, at);
    }
  }
}

void Arrays::put_selected(const Chunk& chunk, const uint32_t* rows, uint64_t count, uint64_t end) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Strided from = columns_[i] < 0 ? chunk.times : chunk.columns[columns_[i]];
    const auto at = [&](uint64_t j) { return from.base + static_cast<ptrdiff_t>(rows[count - 1 - j]) * from.stride; };
    uint8_t* to = this->at(i, end - count);
    if (columns_[i] < 0)
      gather_times(to, chunk, count, at);
    else
      gather_column(to, widths_[i], count, at);
  }
}

void Arrays::copy(const Arrays& other, uint64_t from, uint64_t count, uint64_t to) {
  for (size_t i = 0; i < columns_.size(); ++i) std::memcpy(at(i, to), other.at(i, from), count * widths_[i]);
}

void Arrays::move(uint64_t from, uint64_t count, uint64_t to) {
  for (size_t i = 0; i < columns_.size(); ++i) std::memmove(at(i, to), at(i, from), count * widths_[i]);
}

}  // namespace bench
