#include "schema/utf8.h"

#include <cstdint>

#include "base/bytes.h"

namespace tsfeat {
namespace {

// Length of the sequence that starts here, or 0. Bounds per RFC 3629, section 4.
size_t sequence_length(const uint8_t* at, size_t left) {
  const auto tail = [&](size_t i) { return (at[i] & 0xC0) == 0x80; };
  const uint8_t lead = at[0];
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return left >= 2 && tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (left < 3 || !tail(1) || !tail(2)) return 0;
    if (lead == 0xE0 && at[1] < 0xA0) return 0;
    if (lead == 0xED && at[1] > 0x9F) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (left < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xF0 && at[1] < 0x90) return 0;
    if (lead == 0xF4 && at[1] > 0x8F) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* const end = at + text.size();
  while (at < end) {
    // Eight ASCII bytes at a time: nearly all text is.
    while (end - at >= 8 && (load<uint64_t>(at) & 0x8080808080808080U) == 0) at += 8;
    if (at == end) return true;
    const size_t length = sequence_length(at, static_cast<size_t>(end - at));
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace tsfeat
