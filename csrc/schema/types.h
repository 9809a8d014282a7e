// Types of keys, times and columns, and how their values lie in memory.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "codec/fixed.h"

namespace tsfeat {

enum class Type : uint8_t {
  kBool = 1,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kFloat32,
  kFloat64,
  kCategory,  // int32 code into the column's dictionary
  kString,    // UTF-8
  kBinary,
  kVectorFloat32,  // `dimension` floats, end to end
  kVectorFloat64,
};

enum class KeyType : uint8_t { kInt64 = 1, kUint64, kString, kBinary };
enum class TimeUnit : uint8_t { kSecond = 1, kMillisecond, kMicrosecond, kNanosecond };

constexpr bool is_varlen(Type type) { return type == Type::kString || type == Type::kBinary; }
constexpr bool is_varlen(KeyType type) { return type == KeyType::kString || type == KeyType::kBinary; }
constexpr bool is_vector(Type type) { return type == Type::kVectorFloat32 || type == Type::kVectorFloat64; }

// Bytes of one element: of a number, or of one component of a vector; 0 if variable.
constexpr uint32_t element_bytes(Type type) {
  switch (type) {
    case Type::kBool:
    case Type::kInt8:
    case Type::kUint8:
      return 1;
    case Type::kInt16:
    case Type::kUint16:
      return 2;
    case Type::kInt32:
    case Type::kUint32:
    case Type::kFloat32:
    case Type::kCategory:
    case Type::kVectorFloat32:
      return 4;
    case Type::kInt64:
    case Type::kUint64:
    case Type::kFloat64:
    case Type::kVectorFloat64:
      return 8;
    case Type::kString:
    case Type::kBinary:
      break;
  }
  return 0;
}

constexpr codec::Kind codec_kind(Type type) {
  switch (type) {
    case Type::kInt8:
    case Type::kInt16:
    case Type::kInt32:
    case Type::kInt64:
      return codec::Kind::kSigned;
    case Type::kFloat32:
    case Type::kFloat64:
      return codec::Kind::kFloat;
    default:
      return codec::Kind::kUnsigned;
  }
}

constexpr int64_t unit_ns(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kSecond:
      return 1'000'000'000;
    case TimeUnit::kMillisecond:
      return 1'000'000;
    case TimeUnit::kMicrosecond:
      return 1'000;
    case TimeUnit::kNanosecond:
      break;
  }
  return 1;
}

// The public names ("uint64", "category", ...; "vector" for both vector types).
std::string_view type_name(Type type);
std::string_view key_type_name(KeyType type);
std::string_view unit_name(TimeUnit unit);  // "s", "ms", "us", "ns"

// A value as an unsigned number that sorts as the value does, for minima, maxima and comparisons. Fixed-width numbers
// and categories only. Floats sort by their sign-folded bits; whoever compares must set NaN apart first.
uint64_t order_bits(Type type, const uint8_t* value);
bool is_nan(Type type, const uint8_t* value);

inline constexpr int64_t kMinTime = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kMaxTime = std::numeric_limits<int64_t>::max();
// a - b, at the ends of the range instead of past them.
constexpr int64_t saturating_sub(int64_t a, int64_t b) {
  int64_t out = 0;
  return __builtin_sub_overflow(a, b, &out) ? (b > 0 ? kMinTime : kMaxTime) : out;
}

}  // namespace tsfeat
