// Bit packing: value i of width w occupies bits [i * w, (i + 1) * w) of a little-endian bit stream. Every group of 32
// values therefore starts on a byte, at 4 * w * group.
#pragma once

#include <cstdint>

namespace tsfeat::codec {

inline constexpr uint32_t kGroupValues = 32;
// An unpack kernel may read this far past the last byte of its groups; the caller sees to it that those bytes exist.
inline constexpr uint32_t kUnpackSlackBytes = 16;

inline uint32_t packed_bytes(uint32_t count, uint32_t width) { return (count * width + 7) / 8; }

// Unpacks `groups` groups of 32 values, adds `base` (modulo 2^bits of T) to each, and writes them to `out` (unaligned).
template <typename T>
using UnpackKernel = void (*)(const uint8_t* packed, uint32_t groups, T base, uint8_t* out);

// The fastest kernel that this processor runs, for width in [0, 8 * sizeof(T)]. T: uint8_t, uint16_t, uint32_t,
// uint64_t.
template <typename T>
UnpackKernel<T> unpack_kernel(uint32_t width);

// The kernel that every processor runs (and the tests compare with).
template <typename T>
UnpackKernel<T> portable_unpack_kernel(uint32_t width);

// Writes packed_bytes(count, width) bytes: the low `width` bits of each value minus `base`.
template <typename T>
void pack(const T* values, uint32_t count, uint32_t width, T base, uint8_t* out);

}  // namespace tsfeat::codec
