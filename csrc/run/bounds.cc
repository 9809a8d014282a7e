#include "run/bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace tsfeat::run {
namespace {

template <typename T>
uint64_t to_bits(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

// Loops without branches, so that they vectorize: a value that does not count takes the place of one that cannot win.
template <typename T>
ColumnBounds bounds_of(const uint8_t* values, const uint8_t* validity, uint64_t count) {
  T low = std::numeric_limits<T>::max();
  T high = std::numeric_limits<T>::lowest();
  if constexpr (std::is_floating_point_v<T>) {
    low = std::numeric_limits<T>::infinity();
    high = -low;
  }
  uint64_t nulls = 0;
  uint64_t nans = 0;
  if (validity != nullptr) {
    for (uint64_t i = 0; i < count; ++i) nulls += validity[i] == 0;
  }
  for (uint64_t i = 0; i < count; ++i) {
    const T value = load<T>(values + i * sizeof(T));
    if (nulls != 0 && validity[i] == 0) continue;
    if constexpr (std::is_floating_point_v<T>) nans += value != value;
    low = value < low ? value : low;  // false for a NaN
    high = value > high ? value : high;
  }
  ColumnBounds bounds;
  bounds.flags = static_cast<uint8_t>((nulls != 0 ? kHasNull : 0) | (nans != 0 ? kHasNan : 0));
  if (nulls + nans == count) return bounds;
  bounds.flags |= kHasValue;
  if constexpr (std::is_floating_point_v<T>) {
    if (low == T{0}) low = -T{0};
    if (high == T{0}) high = T{0};
  }
  bounds.min = to_bits(low);
  bounds.max = to_bits(high);
  return bounds;
}

uint64_t order(Type type, uint64_t bits) { return order_bits(type, reinterpret_cast<const uint8_t*>(&bits)); }

}  // namespace

ColumnBounds compute_bounds(Type type, const uint8_t* values, const uint8_t* validity, uint64_t count) {
  switch (type) {
    case Type::kBool:
    case Type::kUint8:
      return bounds_of<uint8_t>(values, validity, count);
    case Type::kUint16:
      return bounds_of<uint16_t>(values, validity, count);
    case Type::kUint32:
      return bounds_of<uint32_t>(values, validity, count);
    case Type::kUint64:
      return bounds_of<uint64_t>(values, validity, count);
    case Type::kInt8:
      return bounds_of<int8_t>(values, validity, count);
    case Type::kInt16:
      return bounds_of<int16_t>(values, validity, count);
    case Type::kInt32:
    case Type::kCategory:
      return bounds_of<int32_t>(values, validity, count);
    case Type::kInt64:
      return bounds_of<int64_t>(values, validity, count);
    case Type::kFloat32:
      return bounds_of<float>(values, validity, count);
    case Type::kFloat64:
      return bounds_of<double>(values, validity, count);
    default:
      return {};
  }
}

void widen(Type type, const ColumnBounds& by, ColumnBounds* bounds) {
  if ((by.flags & kHasValue) != 0) {
    const bool first = (bounds->flags & kHasValue) == 0;
    if (first || order(type, by.min) < order(type, bounds->min)) bounds->min = by.min;
    if (first || order(type, by.max) > order(type, bounds->max)) bounds->max = by.max;
  }
  bounds->flags |= by.flags;
}

bool is_sane(Type type, const ColumnBounds& bounds) {
  if ((bounds.flags & ~kKnownFlags) != 0) return false;
  if ((bounds.flags & kHasValue) == 0) return bounds.min == 0 && bounds.max == 0;
  const uint32_t width = element_bytes(type);
  if (width < 8 && ((bounds.min | bounds.max) >> (8 * width)) != 0) return false;
  return order(type, bounds.min) <= order(type, bounds.max);
}

}  // namespace tsfeat::run
