// The two ways to compute a CRC-32C, apart, so that a test can hold them against each other. Everybody else: crc32c.h.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace tsfeat::crc32c_internal {

// Both take and give the raw register, that is, the checksum with all bits flipped.
uint32_t portable(Bytes data, uint32_t state);  // eight tables, eight bytes a step

bool has_hardware();                            // does this processor have the instruction?
uint32_t hardware(Bytes data, uint32_t state);  // only where has_hardware()

}  // namespace tsfeat::crc32c_internal
