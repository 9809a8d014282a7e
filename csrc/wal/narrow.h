// Integers of a batch as distances to its least one, in as few whole bytes as the largest distance takes. What a log
// has time for: well under a nanosecond a value, where bit-packing would cost several.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace tsfeat {

struct Narrow {
  uint64_t base = 0;   // its low `width` bytes count
  uint32_t bytes = 0;  // a value, at least 1; the values' own width if no fewer would do
};

// Of `count` values of `width` (2, 4 or 8) bytes.
Narrow plan_narrow(const uint8_t* values, uint64_t count, uint32_t width, bool is_signed);
// count * bytes, and up to 8 bytes behind them that do not count.
void write_narrow(const uint8_t* values, uint64_t count, uint32_t width, const Narrow& plan, uint8_t* out);
// packed: of count * bytes exactly.
void read_narrow(Bytes packed, uint64_t count, const Narrow& plan, uint32_t width, uint8_t* out);

}  // namespace tsfeat
