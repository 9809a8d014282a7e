// Running sums, modulo 2^bits of T.
#pragma once

#include <cstdint>

namespace tsfeat::codec {

// out[i] (unaligned) = start + differences[0] + ... + differences[i]
template <typename T>
void prefix_sum(const T* differences, uint32_t count, T start, uint8_t* out);

// The ways for 64 bits, for the tests: the one that every processor has first.
using PrefixSum64 = void (*)(const uint64_t* differences, uint32_t count, uint64_t start, uint8_t* out);
struct PrefixSumWays {
  PrefixSum64 portable = nullptr;
  PrefixSum64 avx2 = nullptr;    // null: not on this processor
  PrefixSum64 avx512 = nullptr;  // null: not on this processor
};
PrefixSumWays prefix_sum_ways();

}  // namespace tsfeat::codec
