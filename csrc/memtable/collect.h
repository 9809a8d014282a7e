// From a tail to the rows that a reader wants: pointers, in (time, arrival) order.
#pragma once

#include <cstdint>
#include <vector>

#include "memtable/row_layout.h"
#include "memtable/tail.h"

namespace tsfeat {

using RowPointers = std::vector<const uint8_t*>;

struct Wanted {
  uint64_t version = 0;           // rows of later batches are not seen
  int64_t until = kMaxTime;       // the last time
  uint64_t limit = ~uint64_t{0};  // of the newest
};

// Appends the newest `limit` rows of the tail that are wanted, oldest first.
void collect_rows(const Tail& tail, size_t stride, const Wanted& wanted, RowPointers* out);

}  // namespace tsfeat
