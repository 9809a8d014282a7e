// Checksums of what a read returned: 64 bits a row, over the values of all columns.
//
// A row's checksum begins as its number of events; each column in turn hashes the row's values (XXH64) with it as the
// seed: the bytes of fixed-width values at once, those of variable width one value after the other. Where the row has a
// null, its validity is hashed too; so whether some other row of the answer has one does not matter.
#pragma once

#include <cstdint>
#include <span>

namespace tsfeat {

struct ChecksumColumn {
  const uint8_t* data = nullptr;
  uint64_t width = 0;                // of a value; or
  const int64_t* offsets = nullptr;  // where values of variable width begin and end
  const uint8_t* validity = nullptr;
};

// offsets: where rows begin and end, one more than there are checksums.
void checksum_rows(std::span<const int64_t> offsets, std::span<const ChecksumColumn> columns, uint64_t* checksums);

}  // namespace tsfeat
