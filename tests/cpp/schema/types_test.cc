#include "schema/types.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/bytes.h"
#include "schema/utf8.h"

namespace tsfeat {
namespace {

template <typename T>
void expect_order_kept(Type type, const std::vector<T>& values) {
  for (const T a : values) {
    for (const T b : values) {
      const uint64_t order_a = order_bits(type, reinterpret_cast<const uint8_t*>(&a));
      const uint64_t order_b = order_bits(type, reinterpret_cast<const uint8_t*>(&b));
      EXPECT_EQ(a < b, order_a < order_b) << type_name(type) << " " << +a << " " << +b;
      EXPECT_EQ(a == b, order_a == order_b) << type_name(type) << " " << +a << " " << +b;
    }
  }
}

template <typename T>
std::vector<T> edges() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> values = {Limits::lowest(), Limits::max(), Limits::min(), T{0}, T{1}, T{100}};
  if constexpr (std::is_signed_v<T>) values.push_back(T{-1});
  if constexpr (std::is_floating_point_v<T>) {
    const std::vector<T> more = {
        T{-0.0}, Limits::infinity(), -Limits::infinity(), Limits::denorm_min(), -Limits::denorm_min(), T{-1.5}};
    values.insert(values.end(), more.begin(), more.end());
  }
  return values;
}

TEST(Types, OrderBitsSortAsTheValuesDo) {
  expect_order_kept<uint8_t>(Type::kBool, {0, 1});
  expect_order_kept(Type::kInt8, edges<int8_t>());
  expect_order_kept(Type::kInt16, edges<int16_t>());
  expect_order_kept(Type::kInt32, edges<int32_t>());
  expect_order_kept(Type::kCategory, edges<int32_t>());
  expect_order_kept(Type::kInt64, edges<int64_t>());
  expect_order_kept(Type::kUint8, edges<uint8_t>());
  expect_order_kept(Type::kUint16, edges<uint16_t>());
  expect_order_kept(Type::kUint32, edges<uint32_t>());
  expect_order_kept(Type::kUint64, edges<uint64_t>());
  expect_order_kept(Type::kFloat32, edges<float>());
  expect_order_kept(Type::kFloat64, edges<double>());
}

TEST(Types, OnlyFloatsAreNaN) {
  const float narrow = std::nanf("");
  const double wide = std::nan("");
  EXPECT_TRUE(is_nan(Type::kFloat32, reinterpret_cast<const uint8_t*>(&narrow)));
  EXPECT_TRUE(is_nan(Type::kFloat64, reinterpret_cast<const uint8_t*>(&wide)));
  EXPECT_FALSE(is_nan(Type::kInt64, reinterpret_cast<const uint8_t*>(&wide)));
}

TEST(Types, ArithmeticStopsAtTheEnds) {
  EXPECT_EQ(saturating_sub(kMinTime, 1), kMinTime);
  EXPECT_EQ(saturating_sub(kMaxTime, -1), kMaxTime);
  EXPECT_EQ(saturating_sub(5, 7), -2);
  EXPECT_EQ(saturating_sub(0, kMinTime), kMaxTime);
}

TEST(Types, EveryTypeHasAName) {
  for (uint8_t type = 1; type <= 16; ++type) EXPECT_NE(type_name(static_cast<Type>(type)), "unknown");
  EXPECT_EQ(type_name(static_cast<Type>(77)), "unknown");
  EXPECT_EQ(key_type_name(KeyType::kBinary), "binary");
  EXPECT_EQ(key_type_name(static_cast<KeyType>(77)), "unknown");
  EXPECT_EQ(unit_name(TimeUnit::kNanosecond), "ns");
  EXPECT_EQ(unit_name(static_cast<TimeUnit>(77)), "unknown");
}

TEST(Utf8, FollowsRfc3629) {
  const std::string_view good[] = {"",
                                   "plain",
                                   "\xC2\x80",
                                   "\xDF\xBF",
                                   "\xE0\xA0\x80",
                                   "\xED\x9F\xBF",
                                   "\xEE\x80\x80",
                                   "\xEF\xBF\xBF",
                                   "\xF0\x90\x80\x80",
                                   "\xF4\x8F\xBF\xBF",
                                   "12345678\xC3\xA4"
                                   "12345678"};
  const std::string_view bad[] = {"\x80",
                                  "\xBF",
                                  "\xC0\x80",
                                  "\xC1\xBF",
                                  "\xC2",
                                  "\xC2\x41",
                                  "\xE0\x9F\xBF",
                                  "\xE0\xA0",
                                  "\xED\xA0\x80",
                                  "\xED\xBF\xBF",
                                  "\xE1\x80\xC0",
                                  "\xF0\x8F\xBF\xBF",
                                  "\xF4\x90\x80\x80",
                                  "\xF5\x80\x80\x80",
                                  "\xF0\x90\x80",
                                  "\xF0\x90\x80\xC0",
                                  "\xFE",
                                  "\xFF",
                                  "1234567\xC3",
                                  "12345678\x80"};
  for (const std::string_view text : good) EXPECT_TRUE(is_utf8(text)) << testing::PrintToString(text);
  for (const std::string_view text : bad) EXPECT_FALSE(is_utf8(text)) << testing::PrintToString(text);
}

// Every code point, by the definition: exactly the scalar values have exactly one encoding.
TEST(Utf8, TakesEveryScalarValueAndNoSurrogate) {
  for (uint32_t point = 0x80; point <= 0x110FFF; point += point < 0x3000 ? 1 : 37) {
    std::string text;
    const auto push = [&](uint32_t byte) { text += static_cast<char>(byte); };
    if (point < 0x800) {
      push(0xC0 | point >> 6);
    } else if (point < 0x10000) {
      push(0xE0 | point >> 12);
      push(0x80 | (point >> 6 & 0x3F));
    } else {
      push(0xF0 | point >> 18);
      push(0x80 | (point >> 12 & 0x3F));
      push(0x80 | (point >> 6 & 0x3F));
    }
    push(0x80 | (point & 0x3F));
    EXPECT_EQ(is_utf8(text), point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF)) << point;
  }
}

}  // namespace
}  // namespace tsfeat
