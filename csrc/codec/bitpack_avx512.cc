#include "codec/bitpack_avx512.h"

#include "base/bytes.h"
#include "base/processor.h"

#if TSFEAT_FOR(X86_64)
#include <immintrin.h>
// g++ 12 takes the undefined vectors inside its own intrinsics for ours (its bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#define TSFEAT_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")))
#define TSFEAT_AVX512_INLINE TSFEAT_AVX512 __attribute__((always_inline)) inline
#endif

namespace tsfeat::codec {

#if TSFEAT_FOR(X86_64)

namespace {

// One load holds the bits of a whole vector of values. A byte permutation brings each value into its lane, and a
// shift by its 0 to 7 odd bits brings it down; so width + 7 bits must fit the lane. Permutation and shifts follow from
// the width and the first bit, and are the same for every vector, since a vector of values takes whole bytes. Masked
// loads and stores keep to the memory that is ours.
template <unsigned LaneBytes>
struct Lanes;

template <>
struct Lanes<8> {
  static constexpr unsigned kValues = 8;
  static constexpr unsigned kWidest = 57;
  TSFEAT_AVX512_INLINE static __m512i bit_positions(uint32_t width, uint32_t phase) {
    const __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_add_epi64(_mm512_mul_epu32(lane, _mm512_set1_epi64(width)), _mm512_set1_epi64(phase));
  }
  TSFEAT_AVX512_INLINE static __m512i bytes_from(__m512i positions) {
    const __m512i spread = _mm512_set4_epi32(0x08080808, 0x08080808, 0, 0);
    const __m512i each = _mm512_set1_epi64(0x0706050403020100);
    return _mm512_add_epi8(_mm512_shuffle_epi8(_mm512_srli_epi64(positions, 3), spread), each);
  }
  TSFEAT_AVX512_INLINE static __m512i odd_bits(__m512i positions) {
    return _mm512_and_si512(positions, _mm512_set1_epi64(7));
  }
  TSFEAT_AVX512_INLINE static __m512i all(uint64_t value) { return _mm512_set1_epi64(static_cast<int64_t>(value)); }
  TSFEAT_AVX512_INLINE static __m512i down(__m512i bits, __m512i by) { return _mm512_srlv_epi64(bits, by); }
  TSFEAT_AVX512_INLINE static __m512i add(__m512i a, __m512i b) { return _mm512_add_epi64(a, b); }
  TSFEAT_AVX512_INLINE static void put(uint64_t*, uint8_t* out, uint32_t some, __m512i values) {
    _mm512_mask_storeu_epi64(out, static_cast<__mmask8>(some), values);
  }
  TSFEAT_AVX512_INLINE static void put(uint32_t*, uint8_t* out, uint32_t some, __m512i values) {
    _mm512_mask_cvtepi64_storeu_epi32(out, static_cast<__mmask8>(some), values);
  }
};

template <>
struct Lanes<4> {
  static constexpr unsigned kValues = 16;
  static constexpr unsigned kWidest = 25;
  TSFEAT_AVX512_INLINE static __m512i bit_positions(uint32_t width, uint32_t phase) {
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_add_epi32(_mm512_mullo_epi32(lane, _mm512_set1_epi32(static_cast<int>(width))),
                            _mm512_set1_epi32(static_cast<int>(phase)));
  }
  TSFEAT_AVX512_INLINE static __m512i bytes_from(__m512i positions) {
    const __m512i spread = _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
    const __m512i each = _mm512_set1_epi32(0x03020100);
    return _mm512_add_epi8(_mm512_shuffle_epi8(_mm512_srli_epi32(positions, 3), spread), each);
  }
  TSFEAT_AVX512_INLINE static __m512i odd_bits(__m512i positions) {
    return _mm512_and_si512(positions, _mm512_set1_epi32(7));
  }
  TSFEAT_AVX512_INLINE static __m512i all(uint64_t value) { return _mm512_set1_epi32(static_cast<int>(value)); }
  TSFEAT_AVX512_INLINE static __m512i down(__m512i bits, __m512i by) { return _mm512_srlv_epi32(bits, by); }
  TSFEAT_AVX512_INLINE static __m512i add(__m512i a, __m512i b) { return _mm512_add_epi32(a, b); }
  TSFEAT_AVX512_INLINE static void put(uint32_t*, uint8_t* out, uint32_t some, __m512i values) {
    _mm512_mask_storeu_epi32(out, static_cast<__mmask16>(some), values);
  }
  TSFEAT_AVX512_INLINE static void put(uint16_t*, uint8_t* out, uint32_t some, __m512i values) {
    _mm512_mask_cvtepi32_storeu_epi16(out, static_cast<__mmask16>(some), values);
  }
};

template <>
struct Lanes<2> {
  static constexpr unsigned kValues = 32;
  static constexpr unsigned kWidest = 9;
  TSFEAT_AVX512_INLINE static __m512i bit_positions(uint32_t width, uint32_t phase) {
    const __m512i lane =
        _mm512_cvtepu8_epi16(_mm256_set_epi8(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13,
                                             12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    return _mm512_add_epi16(_mm512_mullo_epi16(lane, _mm512_set1_epi16(static_cast<short>(width))),
                            _mm512_set1_epi16(static_cast<short>(phase)));
  }
  TSFEAT_AVX512_INLINE static __m512i bytes_from(__m512i positions) {
    const __m512i spread = _mm512_set4_epi32(0x0e0e0c0c, 0x0a0a0808, 0x06060404, 0x02020000);
    const __m512i each = _mm512_set1_epi16(0x0100);
    return _mm512_add_epi8(_mm512_shuffle_epi8(_mm512_srli_epi16(positions, 3), spread), each);
  }
  TSFEAT_AVX512_INLINE static __m512i odd_bits(__m512i positions) {
    return _mm512_and_si512(positions, _mm512_set1_epi16(7));
  }
  TSFEAT_AVX512_INLINE static __m512i all(uint64_t value) { return _mm512_set1_epi16(static_cast<short>(value)); }
  TSFEAT_AVX512_INLINE static __m512i down(__m512i bits, __m512i by) { return _mm512_srlv_epi16(bits, by); }
  TSFEAT_AVX512_INLINE static __m512i add(__m512i a, __m512i b) { return _mm512_add_epi16(a, b); }
  TSFEAT_AVX512_INLINE static void put(uint16_t*, uint8_t* out, uint32_t some, __m512i values) {
    _mm512_mask_storeu_epi16(out, some, values);
  }
  TSFEAT_AVX512_INLINE static void put(uint8_t*, uint8_t* out, uint32_t some, __m512i values) {
    _mm512_mask_cvtepi16_storeu_epi8(out, some, values);
  }
};

TSFEAT_AVX512_INLINE __m512i load_up_to(const uint8_t* from, const uint8_t* end) {
  const auto left = static_cast<uint64_t>(end - from);
  if (left >= 64) return _mm512_loadu_si512(from);
  return _mm512_maskz_loadu_epi8((uint64_t{1} << left) - 1, from);
}

template <unsigned LaneBytes, typename T>
TSFEAT_AVX512_INLINE void unpack_lanes(const PackedBits& packed, uint32_t from, uint32_t to, T base, uint8_t* out) {
  using Lane = Lanes<LaneBytes>;
  constexpr uint32_t kValues = Lane::kValues;
  const uint32_t width = packed.width;
  const uint64_t first_bit = uint64_t{from} * width;
  const uint8_t* at = packed.data + first_bit / 8;
  const __m512i positions = Lane::bit_positions(width, static_cast<uint32_t>(first_bit % 8));
  const __m512i bytes = Lane::bytes_from(positions);
  const __m512i shifts = Lane::odd_bits(positions);
  const __m512i mask = Lane::all(~uint64_t{0} >> (64 - width));
  const __m512i add = Lane::all(base);
  T* const lane = nullptr;
  for (uint32_t left = to - from; left != 0;) {
    const __m512i bits = _mm512_permutexvar_epi8(bytes, load_up_to(at, packed.end));
    const __m512i values = Lane::add(_mm512_and_si512(Lane::down(bits, shifts), mask), add);
    if (left < kValues) return Lane::put(lane, out, (uint32_t{1} << left) - 1, values);
    Lane::put(lane, out, static_cast<uint32_t>(~uint64_t{0} >> (64 - kValues)), values);
    at += kValues / 8 * width;
    out += kValues * sizeof(T);
    left -= kValues;
  }
}

// The few widths that straddle nine bytes, and whole words.
TSFEAT_AVX512 void unpack_wide(const PackedBits& packed, uint32_t from, uint32_t to, uint64_t base, uint8_t* out) {
  for (uint32_t i = from; i < to; ++i, out += 8) {
    const uint64_t bit = uint64_t{i} * packed.width;
    const uint8_t* const at = packed.data + bit / 8;
    alignas(16) uint8_t bytes[16];
    const uint32_t reach = static_cast<uint32_t>((bit % 8 + packed.width + 7) / 8);
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes),
                    _mm_maskz_loadu_epi8(static_cast<__mmask16>((1u << reach) - 1), at));
    const auto shift = static_cast<unsigned>(bit % 8);
    uint64_t value = load<uint64_t>(bytes) >> shift;
    if (shift != 0) value |= load<uint64_t>(bytes + 8) << (64 - shift);
    store<uint64_t>(out, base + (value & (~uint64_t{0} >> (64 - packed.width))));
  }
}

template <typename T>
TSFEAT_AVX512 void fill(uint32_t count, T base, uint8_t* out) {
  for (uint32_t i = 0; i < count; ++i) store<T>(out + i * sizeof(T), base);
}

template <typename T>
TSFEAT_AVX512 void unpack_512(const PackedBits& packed, uint32_t from, uint32_t to, T base, uint8_t* out) {
  if (packed.width == 0) return fill<T>(to - from, base, out);
  if constexpr (sizeof(T) == 8) {
    if (packed.width > Lanes<8>::kWidest) return unpack_wide(packed, from, to, base, out);
    unpack_lanes<8>(packed, from, to, base, out);
  } else if constexpr (sizeof(T) == 4) {
    if (packed.width > Lanes<4>::kWidest) return unpack_lanes<8>(packed, from, to, base, out);
    unpack_lanes<4>(packed, from, to, base, out);
  } else if constexpr (sizeof(T) == 2) {
    if (packed.width > Lanes<2>::kWidest) return unpack_lanes<4>(packed, from, to, base, out);
    unpack_lanes<2>(packed, from, to, base, out);
  } else {
    unpack_lanes<2>(packed, from, to, base, out);
  }
}

}  // namespace

template <typename T>
Unpack<T> avx512_unpack() {
  const bool runs = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                    __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
                    __builtin_cpu_supports("avx512vbmi") != 0;
  return runs ? static_cast<Unpack<T>>(unpack_512<T>) : nullptr;
}

#else

template <typename T>
Unpack<T> avx512_unpack() {
  return nullptr;
}

#endif

template Unpack<uint8_t> avx512_unpack<uint8_t>();
template Unpack<uint16_t> avx512_unpack<uint16_t>();
template Unpack<uint32_t> avx512_unpack<uint32_t>();
template Unpack<uint64_t> avx512_unpack<uint64_t>();

}  // namespace tsfeat::codec
