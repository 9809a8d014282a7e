// Bit packing in blocks of 128 numbers of up to 32 bits, in four interleaved lanes, so that four are decoded at a time
// (Lemire and Boytsov, "Decoding billions of integers per second through vectorization"). Number i is in lane i % 4, in
// the `bits` bits from i / 4 * bits on; word k of lane l is the 32-bit word k * 4 + l. A short last block is cut short.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bench {

inline constexpr uint32_t kLaneBlock = 128;

constexpr size_t lanes_bytes(size_t count, uint32_t bits) { return ((count + 3) / 4 * bits + 31) / 32 * 16; }

// Up to kLaneBlock numbers; the bits above `bits` are zero. Writes lanes_bytes(count, bits) bytes.
void pack_lanes(const uint32_t* numbers, uint32_t count, uint32_t bits, uint8_t* to);

// The block's numbers, plus `origin`, rounded up to a multiple of 4. Up to 16 bytes after the block are read.
void unpack_lanes(const uint8_t* from, uint32_t count, uint32_t bits, uint32_t origin, uint32_t* numbers);

// One of them.
inline uint32_t unpack_lane(const uint8_t* from, uint32_t i, uint32_t bits) {
  const uint32_t bit = i / 4 * bits;
  const uint8_t* at = from + (bit / 32 * 4 + i % 4) * 4;
  uint32_t word = 0, next = 0;
  std::memcpy(&word, at, 4);
  std::memcpy(&next, at + 16, 4);
  return static_cast<uint32_t>((word | uint64_t{next} << 32) >> bit % 32 & ((uint64_t{1} << bits) - 1));
}

}  // namespace bench
