#include "codec/bitpack_avx2.h"

#include <array>
#include <utility>

#include "base/processor.h"

#if TSFEAT_FOR(X86_64)
#include <immintrin.h>
#define TSFEAT_AVX2 __attribute__((target("avx2")))
#endif

namespace tsfeat::codec {

#if TSFEAT_FOR(X86_64)

namespace {

// A value is brought into its lane by a byte shuffle within 16 loaded bytes, then shifted down by its 0 to 7 odd bits;
// so width + 7 bits must fit the lane.
constexpr unsigned kWidest32 = 25;
constexpr unsigned kWidest64 = 57;

template <typename Lane, unsigned Width>
struct Moves {
  static constexpr unsigned kLanes = 32 / sizeof(Lane);
  alignas(32) uint8_t bytes[32];
  alignas(32) Lane shifts[kLanes];
  unsigned low;   // where the 16 bytes of the low half of the lanes are loaded from
  unsigned high;  // and those of the high half
  // For kLanes consecutive values of which the first begins at bit `first`.
  constexpr explicit Moves(unsigned first) : bytes{}, shifts{}, low(first / 8), high((first + kLanes / 2 * Width) / 8) {
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      const unsigned bit = first + lane * Width;
      const unsigned from = bit / 8 - (lane < kLanes / 2 ? low : high);
      shifts[lane] = bit % 8;
      for (unsigned i = 0; i < sizeof(Lane); ++i) {
        bytes[lane * sizeof(Lane) + i] = static_cast<uint8_t>(from + i < 16 ? from + i : 0x80);
      }
    }
  }
};

template <typename Lane, unsigned Width>
TSFEAT_AVX2 inline __m256i move(const uint8_t* packed, const Moves<Lane, Width>& moves) {
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(packed + moves.low));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(packed + moves.high));
  const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
  return _mm256_shuffle_epi8(both, _mm256_load_si256(reinterpret_cast<const __m256i*>(moves.bytes)));
}

// Eight values from byte `packed` on.
template <unsigned Width>
TSFEAT_AVX2 inline __m256i eight(const uint8_t* packed) {
  static constexpr Moves<uint32_t, Width> kMoves(0);
  const __m256i shifts = _mm256_load_si256(reinterpret_cast<const __m256i*>(kMoves.shifts));
  return _mm256_and_si256(_mm256_srlv_epi32(move(packed, kMoves), shifts), _mm256_set1_epi32((1 << Width) - 1));
}

// Values 4 * Half to 4 * Half + 3 of eight from byte `packed` on.
template <unsigned Width, unsigned Half>
TSFEAT_AVX2 inline __m256i four(const uint8_t* packed) {
  static constexpr Moves<uint64_t, Width> kMoves(Half * 4 * Width);
  const __m256i shifts = _mm256_load_si256(reinterpret_cast<const __m256i*>(kMoves.shifts));
  const __m256i mask = _mm256_set1_epi64x((int64_t{1} << Width) - 1);
  return _mm256_and_si256(_mm256_srlv_epi64(move(packed, kMoves), shifts), mask);
}

TSFEAT_AVX2 inline void put(uint8_t* out, __m256i values) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), values);
}

template <unsigned Width>
TSFEAT_AVX2 void unpack(const uint8_t* packed, uint32_t groups, uint64_t base, uint8_t* out) {
  const __m256i add = _mm256_set1_epi64x(static_cast<int64_t>(base));
  for (uint32_t i = 0; i < groups * 4; ++i, packed += Width, out += 64) {
    put(out, _mm256_add_epi64(four<Width, 0>(packed), add));
    put(out + 32, _mm256_add_epi64(four<Width, 1>(packed), add));
  }
}

template <unsigned Width>
TSFEAT_AVX2 void unpack(const uint8_t* packed, uint32_t groups, uint32_t base, uint8_t* out) {
  const __m256i add = _mm256_set1_epi32(static_cast<int32_t>(base));
  for (uint32_t i = 0; i < groups * 4; ++i, packed += Width, out += 32)
    put(out, _mm256_add_epi32(eight<Width>(packed), add));
}

// Narrow lanes go through 32-bit ones. Packing interleaves the halves: the permutations put them in order again.
template <unsigned Width>
TSFEAT_AVX2 void unpack(const uint8_t* packed, uint32_t groups, uint16_t base, uint8_t* out) {
  const __m256i add = _mm256_set1_epi16(static_cast<int16_t>(base));
  for (uint32_t i = 0; i < groups * 2; ++i, packed += 2 * Width, out += 32) {
    const __m256i pairs = _mm256_packus_epi32(eight<Width>(packed), eight<Width>(packed + Width));
    put(out, _mm256_add_epi16(_mm256_permute4x64_epi64(pairs, 0xd8), add));
  }
}

template <unsigned Width>
TSFEAT_AVX2 void unpack(const uint8_t* packed, uint32_t groups, uint8_t base, uint8_t* out) {
  const __m256i add = _mm256_set1_epi8(static_cast<char>(base));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  for (; groups != 0; --groups, packed += 4 * Width, out += 32) {
    const __m256i low = _mm256_packus_epi32(eight<Width>(packed), eight<Width>(packed + Width));
    const __m256i high = _mm256_packus_epi32(eight<Width>(packed + 2 * Width), eight<Width>(packed + 3 * Width));
    put(out, _mm256_add_epi8(_mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order), add));
  }
}

template <typename T>
inline constexpr unsigned kWidest = sizeof(T) == 8   ? kWidest64
                                    : sizeof(T) == 4 ? kWidest32
                                                     : 8 * sizeof(T);

// Width zero is left to the portable kernel, which only fills.
template <typename T, unsigned... Less>
constexpr auto kernels(std::integer_sequence<unsigned, Less...>) {
  return std::array<GroupKernel<T>, sizeof...(Less)>{static_cast<GroupKernel<T>>(unpack<Less + 1>)...};
}

}  // namespace

template <typename T>
GroupKernel<T> avx2_group_kernel(uint32_t width) {
  static constexpr auto table = kernels<T>(std::make_integer_sequence<unsigned, kWidest<T>>());
  if (width == 0 || width > table.size() || __builtin_cpu_supports("avx2") == 0) return nullptr;
  return table[width - 1];
}

#else

template <typename T>
GroupKernel<T> avx2_group_kernel(uint32_t) {
  return nullptr;
}

#endif

template GroupKernel<uint8_t> avx2_group_kernel<uint8_t>(uint32_t);
template GroupKernel<uint16_t> avx2_group_kernel<uint16_t>(uint32_t);
template GroupKernel<uint32_t> avx2_group_kernel<uint32_t>(uint32_t);
template GroupKernel<uint64_t> avx2_group_kernel<uint64_t>(uint32_t);

}  // namespace tsfeat::codec
