#include "bind/arrow_layout.h"

#include <charconv>
#include <string_view>

#include "base/bytes.h"

namespace tsfeat::bind {
namespace {

using enum ArrowBuffer;

// Bits of the types that are one value after another.
uint64_t primitive_bits(std::string_view format) {
  if (format.size() == 1) {
    switch (format[0]) {
      case 'b':
        return 1;
      case 'c':
      case 'C':
        return 8;
      case 's':
      case 'S':
      case 'e':
        return 16;
      case 'i':
      case 'I':
      case 'f':
        return 32;
      case 'l':
      case 'L':
      case 'g':
        return 64;
      default:
        return 0;
    }
  }
  if (format == "tdD" || format == "tts" || format == "ttm") return 32;
  if (format == "tdm" || format == "ttu" || format == "ttn") return 64;
  const std::string_view head = format.substr(0, 4);
  if (head == "tss:" || head == "tsm:" || head == "tsu:" || head == "tsn:") return 64;
  if (format == "tDs" || format == "tDm" || format == "tDu" || format == "tDn") return 64;
  return 0;
}

// The N of "w:N" and "+w:N".
std::optional<uint64_t> parse_width(std::string_view digits) {
  int32_t width = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), width);
  if (error != std::errc() || end != digits.data() + digits.size() || width < 0) return std::nullopt;
  return static_cast<uint64_t>(width);
}

}  // namespace

std::optional<ArrowLayout> arrow_layout(std::string_view format) {
  if (const uint64_t bits = primitive_bits(format); bits != 0) return ArrowLayout{{kValidity, kFixed}, bits, 0};
  if (format == "n") return ArrowLayout{{}, 0, 0};
  if (format == "u" || format == "z") return ArrowLayout{{kValidity, kOffsets32, kBytes32}, 0, 0};
  if (format == "U" || format == "Z") return ArrowLayout{{kValidity, kOffsets64, kBytes64}, 0, 0};
  if (format == "vu" || format == "vz") return ArrowLayout{{kValidity, kViews}, 0, 0};
  if (format == "+s") return ArrowLayout{{kValidity}, 0, std::nullopt};
  if (format == "+l") return ArrowLayout{{kValidity, kOffsets32}, 0, 1};
  if (format == "+L") return ArrowLayout{{kValidity, kOffsets64}, 0, 1};
  if (format.starts_with("+w:") && parse_width(format.substr(3))) return ArrowLayout{{kValidity}, 0, 1};
  if (format.starts_with("w:")) {
    if (const auto width = parse_width(format.substr(2))) return ArrowLayout{{kValidity, kFixed}, *width * 8, 0};
  }
  return std::nullopt;
}

std::optional<uint64_t> arrow_buffer_bytes(ArrowBuffer buffer, uint64_t bits, uint64_t rows) {
  if (buffer == kOffsets32 || buffer == kOffsets64) ++rows;
  switch (buffer) {
    case kValidity:
      bits = 1;
      break;
    case kFixed:
      break;
    case kOffsets32:
      bits = 32;
      break;
    case kOffsets64:
      bits = 64;
      break;
    case kViews:
      bits = 128;
      break;
    case kBytes32:
    case kBytes64:
      return std::nullopt;
  }
  uint64_t total = 0;
  // Half of the address space is more than any buffer, and leaves room to add.
  if (__builtin_mul_overflow(rows, bits, &total) || total > uint64_t{1} << 62) return std::nullopt;
  return (total + 7) / 8;
}

std::optional<uint64_t> arrow_data_bytes(ArrowBuffer buffer, const void* offsets, uint64_t rows) {
  const auto* const at = static_cast<const uint8_t*>(offsets);
  const int64_t last = buffer == kBytes32 ? load<int32_t>(at + rows * 4) : load<int64_t>(at + rows * 8);
  if (last < 0) return std::nullopt;
  return static_cast<uint64_t>(last);
}

}  // namespace tsfeat::bind
