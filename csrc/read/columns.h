// The last step of a read and of a chunk of a scan: arrays of the exact size, filled column by column.
#pragma once

#include "read/read.h"

namespace tsfeat {

// columns: -1 is the time, else the position in the schema. `events` is the slices' total.
Status decode_columns(const Schema& schema, std::span<const int> columns, std::span<const Slice> slices,
                      uint64_t events, std::vector<ColumnResult>* out);

}  // namespace tsfeat
