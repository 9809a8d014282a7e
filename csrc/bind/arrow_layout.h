// Which buffers an Arrow type has, and how many bytes of each an array may be read.
// Source: the Arrow columnar format, https://arrow.apache.org/docs/format/Columnar.html.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tsfeat::bind {

enum class ArrowBuffer : uint8_t {
  kValidity,   // a bit a row; may be absent
  kFixed,      // `bits` a row
  kOffsets32,  // one more than rows
  kOffsets64,
  kBytes32,  // up to the last of the 32-bit offsets before it
  kBytes64,
  kViews,  // 16 bytes a row; then any number of data buffers, and an int64 size of each
};

struct ArrowLayout {
  std::vector<ArrowBuffer> buffers;
  uint64_t bits = 0;                // of a value in kFixed
  std::optional<int64_t> children;  // how many; absent: any number
};

// Nothing for a format that tsfeat does not look into (unions, run-end encoding, decimals, ...).
std::optional<ArrowLayout> arrow_layout(std::string_view format);

// Bytes that `rows` rows (offset included) take in a buffer of a size that depends on nothing else; absent on overflow.
std::optional<uint64_t> arrow_buffer_bytes(ArrowBuffer buffer, uint64_t bits, uint64_t rows);

// The bytes of a kBytes32 or kBytes64 buffer, by its offsets; absent if the last one is negative.
std::optional<uint64_t> arrow_data_bytes(ArrowBuffer buffer, const void* offsets, uint64_t rows);

}  // namespace tsfeat::bind
