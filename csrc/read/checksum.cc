#include "read/checksum.h"

#include <cstring>

#include "base/xxh64.h"

namespace tsfeat {
namespace {

uint64_t hash_values(const ChecksumColumn& column, uint64_t begin, uint64_t end, uint64_t seed) {
  if (column.offsets == nullptr) {
    return xxh64({column.data + begin * column.width, (end - begin) * column.width}, seed);
  }
  for (uint64_t value = begin; value < end; ++value) {
    const auto from = static_cast<uint64_t>(column.offsets[value]);
    seed = xxh64({column.data + from, static_cast<uint64_t>(column.offsets[value + 1]) - from}, seed);
  }
  return seed;
}

}  // namespace

// Column by column: each is walked through once, from its first byte to its last.
void checksum_rows(std::span<const int64_t> offsets, std::span<const ChecksumColumn> columns, uint64_t* checksums) {
  const size_t rows = offsets.size() - 1;
  for (size_t row = 0; row < rows; ++row) checksums[row] = static_cast<uint64_t>(offsets[row + 1] - offsets[row]);
  for (const ChecksumColumn& column : columns) {
    for (size_t row = 0; row < rows; ++row) {
      const auto begin = static_cast<uint64_t>(offsets[row]);
      const auto end = static_cast<uint64_t>(offsets[row + 1]);
      if (begin == end) continue;
      checksums[row] = hash_values(column, begin, end, checksums[row]);
      if (column.validity == nullptr || std::memchr(column.validity + begin, 0, end - begin) == nullptr) continue;
      checksums[row] = xxh64({column.validity + begin, end - begin}, checksums[row]);
    }
  }
}

}  // namespace tsfeat
