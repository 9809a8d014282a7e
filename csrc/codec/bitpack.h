// Bit packing: value i of width w occupies bits [i * w, (i + 1) * w) of a little-endian bit stream. Every group of 32
// values therefore starts on a byte, at 4 * w * group.
#pragma once

#include <cstdint>

namespace tsfeat::codec {

inline constexpr uint32_t kGroupValues = 32;
// A group kernel may read this far past the last byte of its groups.
inline constexpr uint32_t kUnpackSlackBytes = 16;

inline uint32_t packed_bytes(uint32_t count, uint32_t width) { return (count * width + 7) / 8; }

// Packed values, and the end of the memory that may be read behind them (at or after their last byte).
struct PackedBits {
  const uint8_t* data = nullptr;
  const uint8_t* end = nullptr;
  uint32_t width = 0;
};

// Unpacks values [from, to), adds `base` (modulo 2^bits of T) to each, and writes them to `out` (unaligned), by the
// fastest way that this processor has. T: uint8_t, uint16_t, uint32_t, uint64_t.
template <typename T>
void unpack(const PackedBits& packed, uint32_t from, uint32_t to, T base, uint8_t* out);

// The ways, for the tests: the one that every processor has first, at least one.
template <typename T>
using Unpack = void (*)(const PackedBits& packed, uint32_t from, uint32_t to, T base, uint8_t* out);
template <typename T>
struct UnpackWays {
  Unpack<T> portable = nullptr;
  Unpack<T> avx2 = nullptr;    // null: not on this processor
  Unpack<T> avx512 = nullptr;  // null: not on this processor
};
template <typename T>
UnpackWays<T> unpack_ways();

// Unpacks `groups` groups of 32 values.
template <typename T>
using GroupKernel = void (*)(const uint8_t* packed, uint32_t groups, T base, uint8_t* out);

// Writes packed_bytes(count, width) bytes: the low `width` bits of each value minus `base`.
template <typename T>
void pack(const T* values, uint32_t count, uint32_t width, T base, uint8_t* out);

}  // namespace tsfeat::codec
