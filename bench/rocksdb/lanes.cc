#include "lanes.h"

#include <array>
#include <utility>

namespace bench {
namespace {

typedef uint32_t Words __attribute__((vector_size(16)));

Words load(const uint8_t* from, size_t word) {
  Words out;
  std::memcpy(&out, from + word * sizeof out, sizeof out);
  return out;
}

template <uint32_t kBits, size_t kGroup>
inline void unpack_group(const uint8_t* from, Words origin, uint32_t* to) {
  constexpr size_t kWord = kGroup * kBits / 32;
  constexpr uint32_t kShift = kGroup * kBits % 32;
  Words four = {};
  if constexpr (kBits > 0) four = load(from, kWord) >> kShift;
  if constexpr (kShift + kBits > 32) four |= load(from, kWord + 1) << (32 - kShift);
  if constexpr (kBits < 32) four &= (uint32_t{1} << kBits) - 1;
  four += origin;
  std::memcpy(to + kGroup * 4, &four, sizeof four);
}

// A whole block: all shifts are constants.
template <uint32_t kBits, size_t... kGroups>
void unpack_block(const uint8_t* from, uint32_t origin, uint32_t* to, std::index_sequence<kGroups...>) {
  const Words origins = {origin, origin, origin, origin};
  (unpack_group<kBits, kGroups>(from, origins, to), ...);
}
template <uint32_t kBits>
void unpack_block(const uint8_t* from, uint32_t origin, uint32_t* to) {
  unpack_block<kBits>(from, origin, to, std::make_index_sequence<kLaneBlock / 4>());
}

using UnpackBlock = void (*)(const uint8_t*, uint32_t, uint32_t*);
template <size_t... kBits>
constexpr std::array<UnpackBlock, sizeof...(kBits)> blocks_of(std::index_sequence<kBits...>) {
  return {unpack_block<kBits>...};
}
constexpr std::array<UnpackBlock, 33> kUnpackBlock = blocks_of(std::make_index_sequence<33>());

}  // namespace

void pack_lanes(const uint32_t* numbers, uint32_t count, uint32_t bits, uint8_t* to) {
  typedef uint64_t Accumulators __attribute__((vector_size(32)));
  Accumulators pending = {};
  uint32_t filled = 0;
  const auto flush = [&] {
    const Words word = __builtin_convertvector(pending, Words);
    std::memcpy(to, &word, sizeof word);
    to += sizeof word;
  };
  for (uint32_t i = 0; i < count; i += 4) {
    Words four = {};
    std::memcpy(&four, numbers + i, sizeof(uint32_t) * (count - i < 4 ? count - i : 4));
    pending |= __builtin_convertvector(four, Accumulators) << filled;
    filled += bits;
    if (filled < 32) continue;
    flush();
    pending >>= 32;
    filled -= 32;
  }
  if (filled > 0) flush();
}

void unpack_lanes(const uint8_t* from, uint32_t count, uint32_t bits, uint32_t origin, uint32_t* numbers) {
  if (count == kLaneBlock) return kUnpackBlock[bits](from, origin, numbers);
  const auto mask = static_cast<uint32_t>((uint64_t{1} << bits) - 1);
  for (uint32_t i = 0, shift = 0; i < count; i += 4) {
    const Words four = ((load(from, 0) >> shift | load(from, 1) << 1 << (31 - shift)) & mask) + origin;
    std::memcpy(numbers + i, &four, sizeof four);
    shift += bits;
    from += shift / 32 * 16;
    shift %= 32;
  }
}

}  // namespace bench
