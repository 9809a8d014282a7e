#include "bits.h"

#ifdef __AVX512VBMI__
#include <immintrin.h>
#endif

namespace bench {

void pack_bits(const uint64_t* numbers, size_t count, uint64_t origin, uint32_t bits, uint8_t* to) {
  uint64_t pending = 0;
  uint32_t filled = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t number = numbers[i] - origin;
    pending |= number << filled;
    filled += bits;
    if (filled < 64) continue;
    std::memcpy(to, &pending, sizeof pending);
    to += sizeof pending;
    filled -= 64;
    pending = number >> (bits - filled);
  }
  std::memcpy(to, &pending, (filled + 7) / 8);
}

#ifdef __AVX512VBMI__

namespace {

typedef uint64_t Words __attribute__((vector_size(64)));
constexpr Words kNumbers = {0, 1, 2, 3, 4, 5, 6, 7};
constexpr uint64_t kEachByte = 0x0101010101010101, kBytes = 0x0706050403020100;

void store(uint8_t* to, __mmask8 which, Words eight, uint8_t) {
  _mm512_mask_cvtepi64_storeu_epi8(to, which, reinterpret_cast<__m512i>(eight));
}
void store(uint8_t* to, __mmask8 which, Words eight, uint16_t) {
  _mm512_mask_cvtepi64_storeu_epi16(to, which, reinterpret_cast<__m512i>(eight));
}
void store(uint8_t* to, __mmask8 which, Words eight, uint32_t) {
  _mm512_mask_cvtepi64_storeu_epi32(to, which, reinterpret_cast<__m512i>(eight));
}
void store(uint8_t* to, __mmask8 which, Words eight, uint64_t) {
  _mm512_mask_storeu_epi64(to, which, reinterpret_cast<__m512i>(eight));
}

}  // namespace

// Eight numbers are as many bytes as each has bits, one more if they do not begin with a byte; the next eight begin at
// the same bit of a byte. So one permutation of bytes, the same for all eights, brings every number to its place.
template <typename T>
void unpack_bits(const uint8_t* from, uint32_t bits, uint64_t begin, uint64_t count, uint64_t origin, uint8_t* to) {
  typedef T Numbers __attribute__((vector_size(8 * sizeof(T))));
  from += begin * bits / 8;
  const Words starts = kNumbers * bits + begin * bits % 8;
  const Words shifts = starts % 8;
  const auto bytes = reinterpret_cast<__m512i>(starts / 8 * kEachByte + kBytes);
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  const auto unpack = [&](uint64_t numbers) {
    const __mmask64 readable = (uint64_t{1} << (begin * bits % 8 + numbers * bits + 7) / 8) - 1;
    const __m512i packed = _mm512_maskz_loadu_epi8(readable, from);
    // All bits of the mask are set: GCC 12 warns of the function that has none.
    const auto words = reinterpret_cast<Words>(_mm512_maskz_permutexvar_epi8(~uint64_t{0}, bytes, packed));
    return (words >> shifts & mask) + origin;
  };
  for (; count >= 8; count -= 8, from += bits, to += 8 * sizeof(T)) {
    const auto eight = __builtin_convertvector(unpack(8), Numbers);
    std::memcpy(to, &eight, sizeof eight);
  }
  if (count > 0) store(to, static_cast<__mmask8>((1u << count) - 1), unpack(count), T{});
}

#else

template <typename T>
void unpack_bits(const uint8_t* from, uint32_t bits, uint64_t begin, uint64_t count, uint64_t origin, uint8_t* to) {
  for (uint64_t i = 0; i < count; ++i) {
    const auto number = static_cast<T>(unpack_bits(from, bits, begin + i) + origin);
    std::memcpy(to + i * sizeof number, &number, sizeof number);
  }
}

#endif

template void unpack_bits<uint8_t>(const uint8_t*, uint32_t, uint64_t, uint64_t, uint64_t, uint8_t*);
template void unpack_bits<uint16_t>(const uint8_t*, uint32_t, uint64_t, uint64_t, uint64_t, uint8_t*);
template void unpack_bits<uint32_t>(const uint8_t*, uint32_t, uint64_t, uint64_t, uint64_t, uint8_t*);
template void unpack_bits<uint64_t>(const uint8_t*, uint32_t, uint64_t, uint64_t, uint64_t, uint8_t*);

}  // namespace bench
