// How the body of a blocks chunk is laid out; shared by its writer and its reader.
//
//   base_bytes u8 | delta_bytes u8 | base T | entries | skip offsets u32[] | payloads
//
//   entry:
//   form u8 (width | delta << 7) | patch u8 (exceptions << 3 | bytes - 1) | base | delta base [delta_bytes]
//
//   payload:
//   packed values | exception positions u8[] | exception high parts [bytes each]
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"
#include "codec/bitpack.h"
#include "codec/blocks.h"

namespace tsfeat::codec {

inline constexpr uint8_t kDeltaForm = 0x80;
inline constexpr uint32_t kEntryHeadBytes = 2;

inline uint32_t skip_count(uint32_t blocks) { return blocks == 0 ? 0 : (blocks - 1) / kSkipBlocks; }

// A little-endian number of `size` <= 8 bytes that may stand within 8 bytes of `end`.
inline uint64_t load_partial(const uint8_t* from, uint32_t size, const uint8_t* end) {
  if (size == 0) return 0;
  if (end - from >= 8) return load<uint64_t>(from) & (~uint64_t{0} >> (64 - 8 * size));
  uint64_t value = 0;
  for (uint32_t i = 0; i < size; ++i) value |= static_cast<uint64_t>(from[i]) << (8 * i);
  return value;
}

inline uint64_t sign_extend(uint64_t value, uint32_t size) {
  if (size == 0) return 0;
  const unsigned shift = 64 - 8 * size;
  return static_cast<uint64_t>(static_cast<int64_t>(value << shift) >> shift);
}

// The two bytes that begin a block's entry.
struct BlockForm {
  uint8_t form;
  uint8_t patch;
  bool delta() const { return (form & kDeltaForm) != 0; }
  uint32_t width() const { return form & 0x7fu; }
  uint32_t exceptions() const { return patch >> 3; }
  uint32_t exception_bytes() const { return (patch & 7u) + 1; }
  uint32_t payload_bytes(uint32_t values) const {
    return packed_bytes(values, width()) + exceptions() * (1 + exception_bytes());
  }
};

// Where things are in a body of `count` values. Meaningful once `fits`.
template <typename T>
struct BlocksLayout {
  uint32_t count = 0;
  uint32_t blocks = 0;
  uint32_t base_bytes = 0;
  uint32_t delta_bytes = 0;
  uint32_t stride = 0;
  T base = 0;
  const uint8_t* entries = nullptr;
  const uint8_t* skips = nullptr;
  const uint8_t* payloads = nullptr;
  const uint8_t* end = nullptr;

  static constexpr size_t kHeadBytes = 2 + sizeof(T);

  BlocksLayout(Bytes body, uint32_t values) : count(values), blocks(block_count(values)) {
    base_bytes = body[0];
    delta_bytes = body[1];
    base = load<T>(body.data() + 2);
    stride = kEntryHeadBytes + base_bytes + delta_bytes;
    entries = body.data() + kHeadBytes;
    skips = entries + size_t{blocks} * stride;
    payloads = skips + size_t{skip_count(blocks)} * sizeof(uint32_t);
    end = body.data() + body.size();
  }
  uint32_t values_in(uint32_t block) const { return std::min(kBlockValues, count - block * kBlockValues); }
  const uint8_t* entry(uint32_t block) const { return entries + size_t{block} * stride; }
  // The block's first value if it holds differences, else the least.
  T base_of(uint32_t block) const {
    return static_cast<T>(base + load_partial(entry(block) + kEntryHeadBytes, base_bytes, end));
  }
  BlockForm form(uint32_t block) const { return {entry(block)[0], entry(block)[1]}; }
  // Starts from the nearest stored offset, so it looks at fewer than kSkipBlocks entries.
  const uint8_t* payload(uint32_t block) const {
    const uint32_t skip = block / kSkipBlocks;
    size_t offset = skip == 0 ? 0 : load<uint32_t>(skips + (skip - 1) * sizeof(uint32_t));
    for (uint32_t b = skip * kSkipBlocks; b < block; ++b) offset += form(b).payload_bytes(kBlockValues);
    return payloads + offset;
  }
};

}  // namespace tsfeat::codec
