#include "codec/prefix_sum.h"

#include "base/bytes.h"
#include "base/processor.h"
#include "codec/prefix_sum_avx512.h"

#if TSFEAT_FOR(X86_64)
#include <immintrin.h>
#endif

namespace tsfeat::codec {

namespace {

template <typename T>
void portable_prefix_sum(const T* differences, uint32_t count, T start, uint8_t* out) {
  for (uint32_t i = 0; i < count; ++i, out += sizeof(T)) store<T>(out, start = static_cast<T>(start + differences[i]));
}

#if TSFEAT_FOR(X86_64)

// Sums of four are independent of each other: from one four to the next only one addition waits.
__attribute__((target("avx2"))) void avx2_prefix_sum(const uint64_t* differences, uint32_t count, uint64_t start,
                                                     uint8_t* out) {
  const __m256i zero = _mm256_setzero_si256();
  __m256i before = _mm256_set1_epi64x(static_cast<int64_t>(start));
  uint32_t i = 0;
  for (; i + 4 <= count; i += 4, out += 32) {
    __m256i sums = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(differences + i));
    sums = _mm256_add_epi64(sums, _mm256_slli_si256(sums, 8));  // within each half
    const __m256i low_total = _mm256_blend_epi32(zero, _mm256_permute4x64_epi64(sums, 0x55), 0xf0);
    sums = _mm256_add_epi64(sums, low_total);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_add_epi64(sums, before));
    before = _mm256_add_epi64(before, _mm256_permute4x64_epi64(sums, 0xff));
  }
  portable_prefix_sum(differences + i, count - i, static_cast<uint64_t>(_mm256_extract_epi64(before, 0)), out);
}

#endif

PrefixSum64 fastest_prefix_sum() {
  const PrefixSumWays ways = prefix_sum_ways();
  if (ways.avx512 != nullptr) return ways.avx512;
  return ways.avx2 != nullptr ? ways.avx2 : ways.portable;
}

}  // namespace

PrefixSumWays prefix_sum_ways() {
  PrefixSumWays ways{.portable = portable_prefix_sum<uint64_t>};
#if TSFEAT_FOR(X86_64)
  if (__builtin_cpu_supports("avx2") != 0) ways.avx2 = avx2_prefix_sum;
  if (__builtin_cpu_supports("avx512f") != 0) ways.avx512 = avx512_prefix_sum;
#endif
  return ways;
}

template <typename T>
void prefix_sum(const T* differences, uint32_t count, T start, uint8_t* out) {
  if constexpr (sizeof(T) == 8) {
    static const PrefixSum64 way = fastest_prefix_sum();
    return way(differences, count, start, out);
  }
  portable_prefix_sum(differences, count, start, out);
}

template void prefix_sum<uint8_t>(const uint8_t*, uint32_t, uint8_t, uint8_t*);
template void prefix_sum<uint16_t>(const uint16_t*, uint32_t, uint16_t, uint8_t*);
template void prefix_sum<uint32_t>(const uint32_t*, uint32_t, uint32_t, uint8_t*);
template void prefix_sum<uint64_t>(const uint64_t*, uint32_t, uint64_t, uint8_t*);

}  // namespace tsfeat::codec
