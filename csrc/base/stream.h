// Copies into memory that is far larger than the caches and is not looked at soon, as the arrays of a join are.
//
// An ordinary store first fetches the line that it is about to overwrite, and pushes another out of the cache; one past
// the caches does neither. Where a processor has no such store, an ordinary copy does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/processor.h"

#if TSFEAT_FOR(X86_64)
#include <emmintrin.h>
#endif

namespace tsfeat {

// Below this, most of a copy would be the two ends of it, which share their lines with others.
inline constexpr size_t kLeastStreamed = 256;

// As memcpy. Other threads see it after stream_done() of this one.
inline void stream_copy(uint8_t* to, const uint8_t* from, size_t bytes) {
#if TSFEAT_FOR(X86_64)
  constexpr size_t kLine = 64;
  if (bytes >= kLeastStreamed) {
    const size_t head = (kLine - reinterpret_cast<uintptr_t>(to) % kLine) % kLine;
    std::memcpy(to, from, head);
    to += head;
    from += head;
    bytes -= head;
    for (; bytes >= kLine; to += kLine, from += kLine, bytes -= kLine) {
      const auto* const source = reinterpret_cast<const __m128i*>(from);
      auto* const target = reinterpret_cast<__m128i*>(to);
      const __m128i first = _mm_loadu_si128(source);
      const __m128i second = _mm_loadu_si128(source + 1);
      const __m128i third = _mm_loadu_si128(source + 2);
      const __m128i fourth = _mm_loadu_si128(source + 3);
      _mm_stream_si128(target, first);
      _mm_stream_si128(target + 1, second);
      _mm_stream_si128(target + 2, third);
      _mm_stream_si128(target + 3, fourth);
    }
  }
#endif
  std::memcpy(to, from, bytes);
}

// Such stores are not ordered with others: to be called before another thread is told that the copies are there.
inline void stream_done() {
#if TSFEAT_FOR(X86_64)
  _mm_sfence();
#endif
}

}  // namespace tsfeat
