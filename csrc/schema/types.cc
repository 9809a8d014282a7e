#include "schema/types.h"

#include <cmath>

#include "base/bytes.h"

namespace tsfeat {
namespace {

template <typename Unsigned>
uint64_t float_order(Unsigned bits) {
  constexpr Unsigned kSign = Unsigned{1} << (sizeof(Unsigned) * 8 - 1);
  // -0.0 equals 0.0, so they must sort as one.
  if (bits == kSign) bits = 0;
  return (bits & kSign) != 0 ? static_cast<Unsigned>(~bits) : static_cast<Unsigned>(bits | kSign);
}

template <typename Signed>
uint64_t signed_order(const uint8_t* value) {
  return static_cast<uint64_t>(static_cast<int64_t>(load<Signed>(value))) ^ (uint64_t{1} << 63);
}

}  // namespace

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kBool:
      return "bool";
    case Type::kInt8:
      return "int8";
    case Type::kInt16:
      return "int16";
    case Type::kInt32:
      return "int32";
    case Type::kInt64:
      return "int64";
    case Type::kUint8:
      return "uint8";
    case Type::kUint16:
      return "uint16";
    case Type::kUint32:
      return "uint32";
    case Type::kUint64:
      return "uint64";
    case Type::kFloat32:
      return "float32";
    case Type::kFloat64:
      return "float64";
    case Type::kCategory:
      return "category";
    case Type::kString:
      return "string";
    case Type::kBinary:
      return "binary";
    case Type::kVectorFloat32:
      return "vector[float32]";
    case Type::kVectorFloat64:
      return "vector[float64]";
  }
  return "unknown";
}

std::string_view key_type_name(KeyType type) {
  switch (type) {
    case KeyType::kInt64:
      return "int64";
    case KeyType::kUint64:
      return "uint64";
    case KeyType::kString:
      return "string";
    case KeyType::kBinary:
      return "binary";
  }
  return "unknown";
}

std::string_view unit_name(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kSecond:
      return "s";
    case TimeUnit::kMillisecond:
      return "ms";
    case TimeUnit::kMicrosecond:
      return "us";
    case TimeUnit::kNanosecond:
      return "ns";
  }
  return "unknown";
}

uint64_t order_bits(Type type, const uint8_t* value) {
  switch (type) {
    case Type::kBool:
    case Type::kUint8:
      return *value;
    case Type::kUint16:
      return load<uint16_t>(value);
    case Type::kUint32:
      return load<uint32_t>(value);
    case Type::kUint64:
      return load<uint64_t>(value);
    case Type::kInt8:
      return signed_order<int8_t>(value);
    case Type::kInt16:
      return signed_order<int16_t>(value);
    case Type::kInt32:
    case Type::kCategory:
      return signed_order<int32_t>(value);
    case Type::kInt64:
      return signed_order<int64_t>(value);
    case Type::kFloat32:
      return float_order(load<uint32_t>(value));
    default:  // kFloat64: the others have no order
      return float_order(load<uint64_t>(value));
  }
}

bool is_nan(Type type, const uint8_t* value) {
  if (type == Type::kFloat32) return std::isnan(load<float>(value));
  if (type == Type::kFloat64) return std::isnan(load<double>(value));
  return false;
}

}  // namespace tsfeat
