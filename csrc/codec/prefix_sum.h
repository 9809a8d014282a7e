// Running sums, modulo 2^bits of T.
#pragma once

#include <cstdint>

namespace tsfeat::codec {

// out[i] (unaligned) = start + differences[0] + ... + differences[i]
template <typename T>
void prefix_sum(const T* differences, uint32_t count, T start, uint8_t* out);

}  // namespace tsfeat::codec
