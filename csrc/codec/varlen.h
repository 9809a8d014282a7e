// Chunks of variable-width values (strings, binary): where each ends, as a fixed chunk of uint32 (ascending, so coded
// as lengths that can be entered anywhere), then the bytes end to end; or a dictionary of the chunk's distinct values
// with codes; zstd where effort allows and it pays. Same contract as fixed.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/fixed.h"

namespace tsfeat::codec {

// Value i is data[offsets[i] .. offsets[i + 1]), for i in [0, count). Bytes of one chunk: < 4 GiB.
void encode_varlen(const int64_t* offsets, const uint8_t* data, uint32_t count, Effort effort, std::string* out,
                   ColumnHistory* history = nullptr);
Result<std::string> inflate_varlen(Bytes chunk, uint32_t count);
Status check_varlen(Bytes chunk, uint32_t count);

// Grows by appending: data holds the bytes, offsets one more entry than values (starts as {0}).
struct VarlenBuffer {
  std::vector<int64_t> offsets{0};
  std::string data;
};
// Appends values [begin, end) of a checked, plain chunk.
void decode_varlen(Bytes chunk, uint32_t count, uint32_t begin, uint32_t end, VarlenBuffer* out);

}  // namespace tsfeat::codec
