// The bytes of a log segment (docs/format.md, "Log").
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace tsfeat::log_format {

inline constexpr uint64_t kMagic = 0x0a1a'676f'6c66'7374;  // "tsflog", SUB, newline
inline constexpr uint32_t kVersion = 2;

// The header block is one disk sector, so rewriting the seal in it cannot tear the rest.
inline constexpr size_t kHeaderBytes = 512;
inline constexpr size_t kNumberAt = 16;
inline constexpr size_t kPreviousAt = 24;
inline constexpr size_t kHeaderCrcAt = 32;
// Two seals, written in turn: a write that stops half way spoils one, and the other still holds.
inline constexpr size_t kSealAt = 480;
inline constexpr size_t kSeals = 2;
inline constexpr size_t kSealBytes = 16;

inline constexpr size_t kRecordHeaderBytes = 24;
inline constexpr uint64_t kMaxPayloadBytes = UINT32_MAX - 64;

inline constexpr size_t kRecordAlignment = 8;

inline uint64_t padded(uint64_t size) { return (size + 7) & ~uint64_t{7}; }

struct RecordHeader {
  uint32_t crc = 0;  // of the rest of the header, the payload and its padding
  uint32_t payload_bytes = 0;
  uint64_t number = 0;         // of the segment: what an older file left on the disk is not taken for a record
  uint64_t durable_bytes = 0;  // of the segment, when the record was written

  uint64_t record_bytes() const { return kRecordHeaderBytes + padded(payload_bytes); }
  static RecordHeader read(const uint8_t* from) {
    return {load<uint32_t>(from), load<uint32_t>(from + 4), load<uint64_t>(from + 8), load<uint64_t>(from + 16)};
  }
  void write(uint8_t* to) const {
    store(to, crc);
    store(to + 4, payload_bytes);
    store(to + 8, number);
    store(to + 16, durable_bytes);
  }
};

using HeaderBlock = std::array<uint8_t, kHeaderBytes>;
using Seal = std::array<uint8_t, kSealBytes>;

// {durable bytes u64, CRC of it and of the segment's number u32, zero u32}
inline Seal make_seal(uint64_t number, uint64_t durable_bytes) {
  uint8_t covered[16];
  store(covered, durable_bytes);
  store(covered + 8, number);
  Seal seal{};
  store(seal.data(), durable_bytes);
  store(seal.data() + 8, crc32c(covered));
  return seal;
}

// {magic u64, version u32, zero u32, number u64, previous u64, CRC of these u32, zeros ..., seal, seal}; the second
// seal is zeros until it is first written
inline HeaderBlock make_header(uint64_t number, uint64_t previous, uint64_t durable_bytes) {
  HeaderBlock block{};
  store(block.data(), kMagic);
  store(block.data() + 8, kVersion);
  store(block.data() + kNumberAt, number);
  store(block.data() + kPreviousAt, previous);
  store(block.data() + kHeaderCrcAt, crc32c(Bytes(block).first(kHeaderCrcAt)));
  const Seal seal = make_seal(number, durable_bytes);
  std::memcpy(block.data() + kSealAt, seal.data(), seal.size());
  return block;
}

}  // namespace tsfeat::log_format
