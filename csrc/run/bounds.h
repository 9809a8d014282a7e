// Smallest and largest value of a column in a page, and whether it has nulls or NaNs there.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "schema/types.h"

namespace tsfeat::run {

inline constexpr uint8_t kHasValue = 1;  // some value is neither null nor NaN: min and max hold
inline constexpr uint8_t kHasNull = 2;
inline constexpr uint8_t kHasNan = 4;
inline constexpr uint8_t kKnownFlags = 7;

// min and max: the bytes of values of the column's type, little-endian in the low `width` bytes; zero without
// kHasValue. A zero of a float column counts as -0.0 for min and as 0.0 for max, since the two compare equal.
struct ColumnBounds {
  uint8_t flags = 0;
  uint64_t min = 0;
  uint64_t max = 0;
  bool operator==(const ColumnBounds&) const = default;
};

// Types that are compared as numbers: no strings, no vectors.
constexpr bool is_bounded(Type type) { return !is_varlen(type) && !is_vector(type); }

// validity: one byte a value, or null when all are valid.
ColumnBounds compute_bounds(Type type, const uint8_t* values, const uint8_t* validity, uint64_t count);
void widen(Type type, const ColumnBounds& by, ColumnBounds* bounds);
// Whether min <= max and unused bits are zero.
bool is_sane(Type type, const ColumnBounds& bounds);

}  // namespace tsfeat::run
