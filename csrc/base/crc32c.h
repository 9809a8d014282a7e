// CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected; RFC 3720, appendix B.4): the checksum of every byte on disk.
// Finds every error of up to 3 bits and every burst of up to 32 in a block. Uses the processor's instruction where
// there is one, chosen at run time; the table version gives the same answers.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace tsfeat {

// The checksum of `data`; or, with the checksum of what precedes it, of both together.
uint32_t crc32c(Bytes data, uint32_t preceding = 0);

}  // namespace tsfeat
