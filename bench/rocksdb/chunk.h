// What all three layouts share on the way from stored bytes to columns: a view of some events of one user, as they lie
// in memory, and growing column arrays that such views are decoded into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "bits.h"

namespace bench {

// A column of some events: in any regular places (element i is the `width` bytes at base + i * stride), or packed.
// `origin` is added to what is stored, if that is packed or narrower than the column.
struct Field {
  const uint8_t* base = nullptr;
  ptrdiff_t stride = 0;
  uint64_t origin = 0;
  uint32_t width = 0;
  bool packed = false;  // with `bits` bits to an element, see bits.h
  uint32_t bits = 0;

  template <typename T>
  static T load(const uint8_t* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
  const uint8_t* at(uint64_t row) const { return base + static_cast<ptrdiff_t>(row) * stride; }

  // An element of a packed one.
  uint64_t unpack(uint64_t row) const { return origin + unpack_bits(base, bits, row); }
  // Elements begin .. begin + count, one after the other, each of the column's width in bytes.
  void decode(uint64_t begin, uint64_t count, uint32_t width, uint8_t* to) const;
};

// Some consecutive events of one user, oldest first. Owns nothing.
struct Chunk {
  uint64_t rows = 0;
  Field time;
  const Field* columns = nullptr;  // one for each column of the workload; those of single bytes are not packed

  int64_t time_of(uint64_t row) const {
    if (time.packed) return static_cast<int64_t>(time.unpack(row));
    if (time.width == 8) return Field::load<int64_t>(time.at(row));
    return static_cast<int64_t>(time.origin + Field::load<uint32_t>(time.at(row)));
  }
  // The number of events with a time < before.
  uint64_t rows_before(int64_t before) const {
    uint64_t low = 0, high = rows;
    while (low < high) {
      const uint64_t middle = (low + high) / 2;
      if (time_of(middle) < before)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }
};

// Arrays of some columns of the workload (-1: the time) that grow together. Memory is kept from one use to the next.
class Arrays {
 public:
  Arrays() = default;
  Arrays(const Arrays&) = delete;
  ~Arrays() {
    for (uint8_t* room : data_) std::free(room);
  }

  // Which columns; forgets what was there. widths: of all columns of the workload.
  void begin(const std::vector<int>& columns, const std::vector<uint32_t>& widths);
  // Room for elements 0 .. count; keeps what is there.
  void reserve(uint64_t count) {
    if (count > capacity_) grow(count);
  }
  uint64_t capacity() const { return capacity_; }

  size_t count() const { return columns_.size(); }
  uint32_t width(size_t i) const { return widths_[i]; }
  uint8_t* at(size_t i, uint64_t element) const { return data_[i] + element * widths_[i]; }

  // Rows begin .. end of the chunk to elements `to`...
  void put(const Chunk& chunk, uint64_t begin, uint64_t end, uint64_t to);
  // The rows of the chunk at these positions, newest first, to the elements that end at `end`, oldest first.
  void put_selected(const Chunk& chunk, const uint32_t* rows, uint64_t count, uint64_t end);
  // Elements from .. from + count of other arrays of the same columns.
  void copy(const Arrays& other, uint64_t from, uint64_t count, uint64_t to);
  void move(uint64_t from, uint64_t count, uint64_t to);

 private:
  void grow(uint64_t count);

  std::vector<int> columns_;
  std::vector<uint32_t> widths_;
  std::vector<uint8_t*> data_;
  uint64_t capacity_ = 0;
};

}  // namespace bench
