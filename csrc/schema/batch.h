// A batch of events as columns: what append takes, the log holds and the memtable copies. Views only: the arrays
// outlive it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/key.h"
#include "schema/schema.h"

namespace tsfeat {

// A column's values: `fixed` (rows * width bytes), or `offsets` (rows + 1) into `data`. validity: one byte a row, 0 =
// null, or null pointer when all are valid. Null rows hold zeros (or empty strings).
struct ColumnView {
  const uint8_t* fixed = nullptr;
  const int64_t* offsets = nullptr;
  const uint8_t* data = nullptr;
  const uint8_t* validity = nullptr;

  bool valid(uint64_t row) const { return validity == nullptr || validity[row] != 0; }
  Bytes varlen(uint64_t row) const {
    return {data + offsets[row], static_cast<size_t>(offsets[row + 1] - offsets[row])};
  }
};

struct Batch {
  uint64_t rows = 0;
  KeyType key_type = KeyType::kUint64;
  ColumnView keys;
  const int64_t* times = nullptr;
  std::vector<ColumnView> columns;  // in the order of the schema it is for; none absent (defaults were filled in)

  KeyView key(uint64_t row) const {
    switch (key_type) {
      case KeyType::kUint64:
        return KeyView::from_uint64(load<uint64_t>(keys.fixed + row * 8));
      case KeyType::kInt64:
        return KeyView::from_int64(load<int64_t>(keys.fixed + row * 8));
      default:
        return KeyView::from_bytes(keys.varlen(row));
    }
  }
};

}  // namespace tsfeat
