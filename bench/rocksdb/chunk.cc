#include "chunk.h"

#include <algorithm>
#include <new>

namespace bench {
namespace {

// Calls act with a value of the unsigned type of that many bytes; false if there is none.
template <typename Act>
bool with_width(uint32_t width, Act act) {
  switch (width) {
    case 1:
      act(uint8_t{});
      return true;
    case 2:
      act(uint16_t{});
      return true;
    case 4:
      act(uint32_t{});
      return true;
    case 8:
      act(uint64_t{});
      return true;
    default:
      return false;
  }
}

// Elements get(0) .. get(count - 1), as a T each.
template <typename T, typename Get>
void write(uint8_t* to, uint64_t count, Get get) {
  for (uint64_t i = 0; i < count; ++i) {
    const auto value = static_cast<T>(get(i));
    std::memcpy(to + i * sizeof(T), &value, sizeof(T));
  }
}

// Elements row(0) .. row(count - 1) of a field that is not packed. Fields are passed as copies, so that the compiler
// knows that what is written does not change them.
template <typename T, typename Row>
void gather(const Field from, uint64_t count, Row row, uint8_t* to) {
  if (from.width == sizeof(T)) return write<T>(to, count, [&](uint64_t i) { return Field::load<T>(from.at(row(i))); });
  // Only times are stored in fewer bytes than they are returned in.
  write<T>(to, count, [&](uint64_t i) { return from.origin + Field::load<uint32_t>(from.at(row(i))); });
}

const Field& field(const Chunk& chunk, int column) { return column < 0 ? chunk.time : chunk.columns[column]; }

}  // namespace

void Field::decode(uint64_t begin, uint64_t count, uint32_t width, uint8_t* to) const {
  if (!packed && this->width == width && stride == static_cast<ptrdiff_t>(width)) {
    std::memcpy(to, at(begin), count * width);
    return;
  }
  const bool known = with_width(width, [&]<typename T>(T) {
    if (packed)
      unpack_bits<T>(base, bits, begin, count, origin, to);
    else
      gather<T>(*this, count, [begin](uint64_t row) { return begin + row; }, to);
  });
  for (uint64_t i = 0; !known && i < count; ++i) std::memcpy(to + i * width, at(begin + i), width);
}

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
  for (size_t i = 0; i < columns_.size(); ++i) {
    field(chunk, columns_[i]).decode(begin, end - begin, widths_[i], at(i, to));
  }
}

void Arrays::put_selected(const Chunk& chunk, const uint32_t* rows, uint64_t count, uint64_t end) {
  const auto nth = [rows, count](uint64_t i) -> uint64_t { return rows[count - 1 - i]; };
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Field from = field(chunk, columns_[i]);
    uint8_t* to = at(i, end - count);
    const bool known = with_width(widths_[i], [&]<typename T>(T) {
      if (from.packed)
        write<T>(to, count, [&](uint64_t j) { return from.unpack(nth(j)); });
      else
        gather<T>(from, count, nth, to);
    });
    for (uint64_t j = 0; !known && j < count; ++j) std::memcpy(to + j * from.width, from.at(nth(j)), from.width);
  }
}

void Arrays::copy(const Arrays& other, uint64_t from, uint64_t count, uint64_t to) {
  for (size_t i = 0; i < columns_.size(); ++i) std::memcpy(at(i, to), other.at(i, from), count * widths_[i]);
}

void Arrays::move(uint64_t from, uint64_t count, uint64_t to) {
  for (size_t i = 0; i < columns_.size(); ++i) std::memmove(at(i, to), at(i, from), count * widths_[i]);
}

}  // namespace bench
