// Running sums of 64-bit values with AVX-512: same contract as `prefix_sum`, same bits.
#pragma once

#include <cstdint>

#include "base/processor.h"

namespace tsfeat::codec {

#if TSFEAT_FOR(X86_64)
// Where the processor has AVX-512 F.
void avx512_prefix_sum(const uint64_t* differences, uint32_t count, uint64_t start, uint8_t* out);
#endif

}  // namespace tsfeat::codec
