#include "codec/bitpack.h"

#include <array>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "codec/bitpack_avx2.h"

namespace tsfeat::codec {

namespace {

// Value I of a group: one unaligned 64-bit load, unless the value straddles nine bytes.
template <typename T, unsigned Width, unsigned I>
inline T extract(const uint8_t* packed) {
  if constexpr (Width == 0) {
    return 0;
  } else {
    constexpr unsigned byte = Width * I / 8;
    constexpr unsigned shift = Width * I % 8;
    constexpr uint64_t mask = ~uint64_t{0} >> (64 - Width);
    uint64_t bits = load<uint64_t>(packed + byte) >> shift;
    if constexpr (shift + Width > 64) bits |= static_cast<uint64_t>(packed[byte + 8]) << (64 - shift);
    return static_cast<T>(bits & mask);
  }
}

template <typename T, unsigned Width, unsigned... I>
inline void unpack_group(const uint8_t* packed, T base, uint8_t* out, std::integer_sequence<unsigned, I...>) {
  (store<T>(out + I * sizeof(T), static_cast<T>(base + extract<T, Width, I>(packed))), ...);
}

template <typename T, unsigned Width>
void unpack(const uint8_t* __restrict packed, uint32_t groups, T base, uint8_t* __restrict out) {
  for (; groups != 0; --groups, packed += Width * 4, out += kGroupValues * sizeof(T)) {
    unpack_group<T, Width>(packed, base, out, std::make_integer_sequence<unsigned, kGroupValues>());
  }
}

template <typename T>
using Kernels = std::array<UnpackKernel<T>, 8 * sizeof(T) + 1>;

template <typename T, unsigned... Width>
constexpr Kernels<T> portable_kernels(std::integer_sequence<unsigned, Width...>) {
  return {unpack<T, Width>...};
}

template <typename T>
constexpr Kernels<T> kPortable = portable_kernels<T>(std::make_integer_sequence<unsigned, 8 * sizeof(T) + 1>());

template <typename T>
Kernels<T> fastest_kernels() {
  Kernels<T> table = kPortable<T>;
  for (uint32_t width = 0; width < table.size(); ++width) {
    if (const auto faster = avx2_unpack_kernel<T>(width); faster != nullptr) table[width] = faster;
  }
  return table;
}

}  // namespace

template <typename T>
UnpackKernel<T> portable_unpack_kernel(uint32_t width) {
  return kPortable<T>[width];
}

template <typename T>
UnpackKernel<T> unpack_kernel(uint32_t width) {
  static const Kernels<T> table = fastest_kernels<T>();
  return table[width];
}

template <typename T>
void pack(const T* values, uint32_t count, uint32_t width, T base, uint8_t* out) {
  if (width == 0) return;
  const uint64_t mask = ~uint64_t{0} >> (64 - width);
  uint64_t pending = 0;  // bits not yet written, low first
  uint32_t filled = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t value = static_cast<T>(values[i] - base) & mask;
    pending |= value << filled;
    filled += width;
    if (filled >= 64) {
      store(out, pending);
      out += 8;
      filled -= 64;
      // A shift by 64 is undefined: when the value ended on the word, nothing of it is left.
      pending = filled == 0 ? 0 : value >> (width - filled);
    }
  }
  std::memcpy(out, &pending, (filled + 7) / 8);
}

#define TSFEAT_LANE(T)                                          \
  template UnpackKernel<T> unpack_kernel<T>(uint32_t);          \
  template UnpackKernel<T> portable_unpack_kernel<T>(uint32_t); \
  template void pack<T>(const T*, uint32_t, uint32_t, T, uint8_t*)
TSFEAT_LANE(uint8_t);
TSFEAT_LANE(uint16_t);
TSFEAT_LANE(uint32_t);
TSFEAT_LANE(uint64_t);
#undef TSFEAT_LANE

}  // namespace tsfeat::codec
