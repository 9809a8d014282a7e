// Chunks of fixed-width values: up to 65,535 values of one column of one page, encoded in the smallest of several ways,
// chosen by measured size. Any row range can be decoded without touching the rest (but for the start of its 128-value
// block).
//
// A chunk is self-describing: one encoding byte, parameters, payload (docs/format.md, "Chunks"). Integrity is not its
// task: the page's CRC is checked before a chunk is opened. But a chunk from a hostile file that passes `check_fixed`
// must never make `decode_fixed` read or write out of bounds.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/history.h"
#include "codec/hot.h"

namespace tsfeat::codec {

// How values compare and what structure to look for; the bits are what is stored and come back exactly.
enum class Kind : uint8_t {
  kUnsigned,  // bool, unsigned integers, category codes (int32 >= 0), versions
  kSigned,    // signed integers and times
  kFloat,     // float32, float64: decimals (as integers over a power of ten), sortable bits, or raw
};

enum class Effort : uint8_t {
  kFast,   // flush: no general-purpose compression
  kSmall,  // compaction: also try zstd, and keep it where it saves at least an eighth
};

inline constexpr uint32_t kMaxChunkValues = 65'535;

// Appends the encoding of `count` values of `width` bytes each (1, 2, 4 or 8; any width for kUnsigned bytes such as
// vectors, which are then stored raw or zstd). history: of the column whose chunks these are, one after the other;
// none: everything is tried.
void encode_fixed(const uint8_t* values, uint32_t count, uint32_t width, Kind kind, Effort effort, std::string* out,
                  ColumnHistory* history = nullptr);

// If the chunk is not plain (zstd, or a dictionary whose values are packed): its plain form, which decode_fixed reads;
// else empty. For the cache, once. check_fixed refuses chunks that are not plain.
Result<std::string> inflate_fixed(Bytes chunk, uint32_t count, uint32_t width);

// Whether decode_fixed may trust this (plain) chunk: lengths, widths and dictionary codes are in range. hot_size: how
// many hot values the column has.
Status check_fixed(Bytes chunk, uint32_t count, uint32_t width, uint32_t hot_size = 0);

// Decodes values [begin, end) of a checked, plain chunk into out[(end - begin) * width].
void decode_fixed(Bytes chunk, uint32_t count, uint32_t width, uint32_t begin, uint32_t end, uint8_t* out,
                  const HotValues& hot = {});
// Of a checked, plain chunk of 64-bit values that ascend in `within`, as signed numbers: a part of it where the first
// that is not less than `least` is to be looked for (it is there, or the part's end). All of it, where the encoding
// does not tell.
Places narrow_fixed(Bytes chunk, uint32_t count, Places within, int64_t least);
// Decodes the values of rows that ascend: for few among many, where decode_fixed would decode what is between.
void pick_fixed(Bytes chunk, uint32_t count, uint32_t width, std::span<const uint32_t> rows, uint8_t* out,
                const HotValues& hot = {});

}  // namespace tsfeat::codec
