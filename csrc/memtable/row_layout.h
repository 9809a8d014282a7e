// How a row of the memtable lies in memory:
//
//   time (8) | version (8) | one field a column, in the schema's order | null bits
//
// A field of fixed width is the value; of variable width: pointer (8), length (4). A set null bit means null. Nothing
// is aligned or padded: memory is what limits how much a flush brings together.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "memtable/arena.h"
#include "schema/batch.h"

namespace tsfeat {

struct RowLayout {
  struct Field {
    uint32_t width = 0;  // 0: variable
    uint32_t offset = 0;
  };
  static constexpr size_t kVersionOffset = 8;

  explicit RowLayout(const Schema& schema);

  // Writes rows [first, first + count) of the batch; targets[i] is for row first + i.
  void write(const Batch& batch, uint64_t first, size_t count, uint64_t version, uint8_t* const* targets,
             Arena* arena) const;

  static int64_t time(const uint8_t* row) { return load<int64_t>(row); }
  static uint64_t version(const uint8_t* row) { return load<uint64_t>(row + kVersionOffset); }
  bool is_null(const uint8_t* row, size_t column) const {
    return (row[nulls_offset + column / 8] >> (column % 8) & 1) != 0;
  }

  std::vector<Field> fields;
  size_t nulls_offset = 0;
  size_t stride = 0;
};

}  // namespace tsfeat
