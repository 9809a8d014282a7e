#include "codec/bitpack.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "codec/bitpack_avx2.h"
#include "codec/bitpack_avx512.h"

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
void unpack_groups(const uint8_t* __restrict packed, uint32_t groups, T base, uint8_t* __restrict out) {
  for (; groups != 0; --groups, packed += Width * 4, out += kGroupValues * sizeof(T)) {
    unpack_group<T, Width>(packed, base, out, std::make_integer_sequence<unsigned, kGroupValues>());
  }
}

template <typename T>
using Kernels = std::array<GroupKernel<T>, 8 * sizeof(T) + 1>;

template <typename T, unsigned... Width>
constexpr Kernels<T> portable_kernels(std::integer_sequence<unsigned, Width...>) {
  return {unpack_groups<T, Width>...};
}

template <typename T>
constexpr Kernels<T> kPortable = portable_kernels<T>(std::make_integer_sequence<unsigned, 8 * sizeof(T) + 1>());

template <typename T>
Kernels<T> kernels_with_avx2() {
  Kernels<T> table = kPortable<T>;
  for (uint32_t width = 0; width < table.size(); ++width) {
    if (const auto faster = avx2_group_kernel<T>(width); faster != nullptr) table[width] = faster;
  }
  return table;
}

// Unpacks any range with a kernel for whole groups of one width.
template <typename T>
class GroupReader {
 public:
  GroupReader(GroupKernel<T> kernel, const PackedBits& packed, T base)
      : kernel_(kernel), packed_(packed), base_(base) {}

  void read(uint32_t from, uint32_t to, uint8_t* out) const {
    uint32_t group = from / kGroupValues;
    if (const uint32_t skip = from % kGroupValues; skip != 0) {
      const uint32_t take = std::min(kGroupValues - skip, to - from);
      piece(group++, skip, take, out);
      out += take * sizeof(T);
      from += take;
    }
    uint32_t whole = (to - from) / kGroupValues;
    while (whole != 0 && !reaches(group + whole)) --whole;
    if (whole != 0) {
      kernel_(at(group), whole, base_, out);
      group += whole;
      out += whole * kGroupValues * sizeof(T);
      from += whole * kGroupValues;
    }
    for (; from < to; ++group) {
      const uint32_t take = std::min(kGroupValues, to - from);
      piece(group, 0, take, out);
      out += take * sizeof(T);
      from += take;
    }
  }

 private:
  const uint8_t* at(uint32_t group) const { return packed_.data + size_t{group} * 4 * packed_.width; }
  // Whether a kernel may read the groups before `group`.
  bool reaches(uint32_t group) const {
    return static_cast<size_t>(packed_.end - packed_.data) >= size_t{group} * 4 * packed_.width + kUnpackSlackBytes;
  }
  // Values [skip, skip + take) of a group, which may end where nothing more may be read.
  void piece(uint32_t group, uint32_t skip, uint32_t take, uint8_t* out) const {
    uint8_t values[kGroupValues * sizeof(T)];
    uint8_t copy[kGroupValues * sizeof(T) + kUnpackSlackBytes];
    const uint8_t* from = at(group);
    const auto left = static_cast<size_t>(packed_.end - from);
    if (left < size_t{4} * packed_.width + kUnpackSlackBytes) {
      std::memcpy(copy, from, std::min(left, sizeof copy));
      from = copy;
    }
    kernel_(from, 1, base_, values);
    std::memcpy(out, values + skip * sizeof(T), take * sizeof(T));
  }

  const GroupKernel<T> kernel_;
  const PackedBits& packed_;
  const T base_;
};

template <typename T>
void unpack_portable(const PackedBits& packed, uint32_t from, uint32_t to, T base, uint8_t* out) {
  GroupReader<T>(kPortable<T>[packed.width], packed, base).read(from, to, out);
}

template <typename T>
void unpack_avx2(const PackedBits& packed, uint32_t from, uint32_t to, T base, uint8_t* out) {
  static const Kernels<T> table = kernels_with_avx2<T>();
  GroupReader<T>(table[packed.width], packed, base).read(from, to, out);
}

template <typename T>
Unpack<T> fastest() {
  const UnpackWays<T> ways = unpack_ways<T>();
  if (ways.avx512 != nullptr) return ways.avx512;
  return ways.avx2 != nullptr ? ways.avx2 : ways.portable;
}

}  // namespace

template <typename T>
UnpackWays<T> unpack_ways() {
  return {unpack_portable<T>, avx2_group_kernel<T>(1) == nullptr ? nullptr : unpack_avx2<T>, avx512_unpack<T>()};
}

template <typename T>
void unpack(const PackedBits& packed, uint32_t from, uint32_t to, T base, uint8_t* out) {
  static const Unpack<T> way = fastest<T>();
  way(packed, from, to, base, out);
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

#define TSFEAT_LANE(T)                                                         \
  template UnpackWays<T> unpack_ways<T>();                                     \
  template void unpack<T>(const PackedBits&, uint32_t, uint32_t, T, uint8_t*); \
  template void pack<T>(const T*, uint32_t, uint32_t, T, uint8_t*)
TSFEAT_LANE(uint8_t);
TSFEAT_LANE(uint16_t);
TSFEAT_LANE(uint32_t);
TSFEAT_LANE(uint64_t);
#undef TSFEAT_LANE

}  // namespace tsfeat::codec
