// Packed rows: the time in 8 bytes, then each column's bytes. How A1 and A2 store events, and A3 keeps its tails.
#pragma once

#include <cstdint>
#include <vector>

#include "chunk.h"
#include "workload.h"

namespace bench {

class RowFormat {
 public:
  static constexpr uint32_t kTimeBytes = 8;

  explicit RowFormat(const Workload& workload);
  uint32_t bytes() const { return bytes_; }
  // Where the column `type` is in a row; 0 if there is none.
  uint32_t type_offset() const { return type_offset_; }

  // All events, one row after the other.
  void pack(const Events& events, std::vector<uint8_t>* rows) const;

  // `rows` rows, the oldest at `oldest`, `stride` bytes apart (negative: newest first in memory). A row's time is
  // `time_width` bytes that end where its columns begin. The chunk is valid as long as the rows and this format, and
  // until the next view.
  void view(const uint8_t* oldest, ptrdiff_t stride, uint64_t rows, uint32_t time_width, int64_t origin, Chunk* chunk);

 private:
  std::vector<uint32_t> widths_;
  std::vector<Field> columns_;
  uint32_t bytes_ = kTimeBytes;
  uint32_t type_offset_ = 0;
};

}  // namespace bench
