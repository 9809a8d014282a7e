// The first byte of a chunk. Numbers are part of the file format: never reuse one.
#pragma once

#include <cstdint>

namespace tsfeat::codec {

enum class Encoding : uint8_t {
  kRaw = 0,               // the values
  kConstant = 1,          // one value
  kBlocks = 2,            // bit-packed blocks (blocks.h)
  kSteps = 3,             // base + step * integer (steps.h)
  kDictionary = 4,        // distinct values, codes (dictionary.h)
  kRuns = 5,              // run ends, run values (runs.h)
  kDecimal = 6,           // integer / 10^exponent (decimal.h)
  kSignLast = 7,          // blocks of the bits rotated left by one
  kPackedDictionary = 8,  // a dictionary whose values are blocks too: not plain, inflate it (dictionary.h)
  kZstd = 9,              // a frame that holds another chunk: not plain, inflate it
  kHot = 10,              // codes of the values that are hot all over the run, the others as they are (hot.h)
};

inline constexpr uint32_t kEncodingBytes = 1;

}  // namespace tsfeat::codec
