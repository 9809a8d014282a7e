#include "wal/narrow.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

namespace tsfeat {
namespace {

// Enough to see that a column of hashes will not do with less.
constexpr uint64_t kSampleValues = 64;

template <typename V>
Narrow plan(const uint8_t* values, uint64_t count) {
  using U = std::make_unsigned_t<V>;
  V least = std::numeric_limits<V>::max();
  V most = std::numeric_limits<V>::min();
  const auto bytes = [&] {
    const auto distance = static_cast<U>(static_cast<U>(most) - static_cast<U>(least));
    return std::max(1U, (static_cast<uint32_t>(std::bit_width(distance)) + 7) / 8);
  };
  for (uint64_t first = 0, end = std::min(count, kSampleValues); first < count; first = end, end = count) {
    for (uint64_t i = first; i < end; ++i) {
      const V value = load<V>(values + i * sizeof(V));
      least = std::min(least, value);
      most = std::max(most, value);
    }
    if (bytes() == sizeof(V)) return {0, sizeof(V)};
  }
  if (count == 0) return {0, sizeof(V)};
  return {static_cast<U>(least), bytes()};
}

template <typename T>
void write(const uint8_t* values, uint64_t count, const Narrow& plan, uint8_t* out) {
  const T base = static_cast<T>(plan.base);
  for (uint64_t i = 0; i < count; ++i, out += plan.bytes) {
    store<uint64_t>(out, static_cast<T>(load<T>(values + i * sizeof(T)) - base));
  }
}

template <typename T>
void read(Bytes packed, uint64_t count, const Narrow& plan, uint8_t* out) {
  const T base = static_cast<T>(plan.base);
  const uint64_t mask = ~uint64_t{0} >> (64 - 8 * plan.bytes);
  const uint8_t* from = packed.data();
  const uint64_t whole = packed.size() < 8 ? 0 : std::min(count, (packed.size() - 8) / plan.bytes + 1);
  for (uint64_t i = 0; i < whole; ++i, from += plan.bytes) {
    store(out + i * sizeof(T), static_cast<T>(base + (load<uint64_t>(from) & mask)));
  }
  for (uint64_t i = whole; i < count; ++i, from += plan.bytes) {
    uint64_t value = 0;
    std::memcpy(&value, from, plan.bytes);
    store(out + i * sizeof(T), static_cast<T>(base + value));
  }
}

}  // namespace

Narrow plan_narrow(const uint8_t* values, uint64_t count, uint32_t width, bool is_signed) {
  switch (width) {
    case 2:
      return is_signed ? plan<int16_t>(values, count) : plan<uint16_t>(values, count);
    case 4:
      return is_signed ? plan<int32_t>(values, count) : plan<uint32_t>(values, count);
    default:
      return is_signed ? plan<int64_t>(values, count) : plan<uint64_t>(values, count);
  }
}

void write_narrow(const uint8_t* values, uint64_t count, uint32_t width, const Narrow& plan, uint8_t* out) {
  if (width == 2) return write<uint16_t>(values, count, plan, out);
  if (width == 4) return write<uint32_t>(values, count, plan, out);
  write<uint64_t>(values, count, plan, out);
}

void read_narrow(Bytes packed, uint64_t count, const Narrow& plan, uint32_t width, uint8_t* out) {
  if (width == 2) return read<uint16_t>(packed, count, plan, out);
  if (width == 4) return read<uint32_t>(packed, count, plan, out);
  read<uint64_t>(packed, count, plan, out);
}

}  // namespace tsfeat
