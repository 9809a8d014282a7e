#include "codec/prefix_sum_avx512.h"

#if TSFEAT_FOR(X86_64)
#include <immintrin.h>
// g++ 12 takes the undefined vectors inside its own intrinsics for ours (its bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

namespace tsfeat::codec {

// As with AVX2 (prefix_sum.cc), but eight at a time; the last ones are masked.
__attribute__((target("avx512f"))) void avx512_prefix_sum(const uint64_t* differences, uint32_t count, uint64_t start,
                                                          uint8_t* out) {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i last = _mm512_set1_epi64(7);
  __m512i before = _mm512_set1_epi64(static_cast<int64_t>(start));
  for (uint32_t i = 0; i < count; i += 8, out += 64) {
    const auto some = static_cast<__mmask8>(count - i >= 8 ? 0xff : (1u << (count - i)) - 1);
    __m512i sums = _mm512_maskz_loadu_epi64(some, differences + i);
    sums = _mm512_add_epi64(sums, _mm512_alignr_epi64(sums, zero, 7));
    sums = _mm512_add_epi64(sums, _mm512_alignr_epi64(sums, zero, 6));
    sums = _mm512_add_epi64(sums, _mm512_alignr_epi64(sums, zero, 4));
    _mm512_mask_storeu_epi64(out, some, _mm512_add_epi64(sums, before));
    before = _mm512_add_epi64(before, _mm512_permutexvar_epi64(last, sums));
  }
}

}  // namespace tsfeat::codec

#endif
