// Numbers of few bits, one after the other: number i is in the `bits` bits from bit i * bits on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bench {

inline constexpr uint32_t kMaxBits = 56;    // so that any number is within eight bytes from the byte where it begins
inline constexpr size_t kBitsEndBytes = 8;  // that must be readable behind the numbers

constexpr size_t bits_bytes(size_t count, uint32_t bits) { return (count * bits + 7) / 8; }

// The numbers less `origin`, which fit into the bits. Writes bits_bytes(count, bits) bytes.
void pack_bits(const uint64_t* numbers, size_t count, uint64_t origin, uint32_t bits, uint8_t* to);

// Number i.
inline uint64_t unpack_bits(const uint8_t* from, uint32_t bits, uint64_t i) {
  const uint64_t bit = i * bits;
  uint64_t word;
  std::memcpy(&word, from + bit / 8, sizeof word);
  return word >> bit % 8 & ((uint64_t{1} << bits) - 1);
}

// Numbers begin .. begin + count, plus `origin`, as an unsigned T each.
template <typename T>
void unpack_bits(const uint8_t* from, uint32_t bits, uint64_t begin, uint64_t count, uint64_t origin, uint8_t* to);

}  // namespace bench
