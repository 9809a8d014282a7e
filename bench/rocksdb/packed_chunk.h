// A3's value: some events of one user as columns. What gets much smaller by it is packed, into as few bits as the
// chunk's range of it needs: times, durations. The rest (random numbers, floats, and all single bytes) are plain
// arrays, of which a read copies what it wants.
//
//   rows u16, bytes up to the arrays u16
//   for the time and each column: bits u8 (255: plain) and, if packed, its smallest value (the time's is in the key)
//   for each in the same order: its array, packed (bits.h) or plain
//   8 zero bytes, so that unpacking may read on
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "chunk.h"

namespace bench {

class PackedChunk {
 public:
  explicit PackedChunk(const std::vector<uint32_t>& widths);

  // `count` packed rows (rows.h), in order of time; up to 65,535.
  const std::string& encode(const uint8_t* rows, size_t count);
  // Valid as long as the value and this, and until the next call.
  void view(int64_t first_time, const char* value, Chunk* chunk);

 private:
  std::vector<Field> fields_;  // of the view: the time, then the columns
  uint32_t row_bytes_ = 0;
  std::string value_, body_;
  std::vector<uint64_t> values_;  // of a column that is being encoded
};

}  // namespace bench
