// What all three layouts share on the way from stored bytes to columns: a view of some events of one user that lie in
// memory in any regular way, and growing column arrays that such views are copied into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace bench {

// Element i of a column is at base + i * stride.
struct Strided {
  const uint8_t* base = nullptr;
  ptrdiff_t stride = 0;
};

// Some consecutive events of one user, oldest first. Owns nothing.
struct Chunk {
  uint64_t user = 0;
  uint64_t rows = 0;
  Strided times;
  uint32_t time_width = 8;  // 4: unsigned distances from time_origin; 8: times
  int64_t time_origin = 0;
  const Strided* columns = nullptr;  // one for each column of the workload

  int64_t time(uint64_t row) const {
    const uint8_t* at = times.base + static_cast<ptrdiff_t>(row) * times.stride;
    if (time_width == 8) return load<int64_t>(at);
    return time_origin + load<uint32_t>(at);
  }
  // The number of events with a time < before.
  uint64_t rows_before(int64_t before) const {
    uint64_t low = 0, high = rows;
    while (low < high) {
      const uint64_t middle = (low + high) / 2;
      if (time(middle) < before)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  template <typename T>
  static T load(const uint8_t* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
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
