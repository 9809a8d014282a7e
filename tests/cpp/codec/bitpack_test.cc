#include "codec/bitpack.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "base/bytes.h"
#include "codec/prefix_sum.h"

namespace tsfeat::codec {
namespace {

template <typename T>
class BitPack : public testing::Test {};
using Lanes = testing::Types<uint8_t, uint16_t, uint32_t, uint64_t>;
TYPED_TEST_SUITE(BitPack, Lanes);

// The obvious definition, bit by bit.
template <typename T>
T read_bits(const uint8_t* packed, uint32_t index, uint32_t width) {
  uint64_t value = 0;
  for (uint32_t i = 0; i < width; ++i) {
    const uint32_t bit = index * width + i;
    value |= static_cast<uint64_t>(packed[bit / 8] >> (bit % 8) & 1) << i;
  }
  return static_cast<T>(value);
}

TYPED_TEST(BitPack, EveryWayEqualsTheDefinition) {
  using T = TypeParam;
  std::mt19937_64 random(1);
  const UnpackWays<T> ways = unpack_ways<T>();
  for (uint32_t width = 0; width <= 8 * sizeof(T); ++width) {
    for (uint32_t round = 0; round < 40; ++round) {
      const auto count = static_cast<uint32_t>(1 + random() % 128);
      const auto from = static_cast<uint32_t>(random() % count);
      const auto to = static_cast<uint32_t>(from + 1 + random() % (count - from));
      // Of exactly the size that the contract asks for, so that asan sees a read past it.
      const size_t size = packed_bytes(count, width) + (round % 2 == 0 ? 0 : random() % 80);
      const std::unique_ptr<uint8_t[]> bytes(new uint8_t[size]);
      for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(random());
      const PackedBits packed{bytes.get(), bytes.get() + size, width};
      const T base = static_cast<T>(random());
      for (const auto way : {&unpack<T>, ways.portable, ways.avx2, ways.avx512}) {
        if (way == nullptr) continue;
        const std::unique_ptr<uint8_t[]> out(new uint8_t[(to - from) * sizeof(T) + 1]);  // unaligned by one
        way(packed, from, to, base, out.get() + 1);
        for (uint32_t i = from; i < to; ++i) {
          const T expected = static_cast<T>(base + read_bits<T>(bytes.get(), i, width));
          ASSERT_EQ(load<T>(out.get() + 1 + (i - from) * sizeof(T)), expected) << "width " << width << " value " << i;
        }
      }
    }
  }
}

TYPED_TEST(BitPack, PackWritesTheDefinition) {
  using T = TypeParam;
  std::mt19937_64 random(2);
  for (uint32_t width = 0; width <= 8 * sizeof(T); ++width) {
    for (const uint32_t count : {1u, 5u, 64u, 128u}) {
      const T base = static_cast<T>(random());
      const T mask = width == 0 ? T{0} : static_cast<T>(~uint64_t{0} >> (64 - width));
      std::vector<T> values(count);
      for (T& value : values) value = static_cast<T>(random());
      const std::unique_ptr<uint8_t[]> packed(new uint8_t[packed_bytes(count, width) + 1]);
      pack<T>(values.data(), count, width, base, packed.get());
      for (uint32_t i = 0; i < count; ++i) {
        ASSERT_EQ(read_bits<T>(packed.get(), i, width), static_cast<T>(values[i] - base) & mask) << "width " << width;
      }
    }
  }
}

TYPED_TEST(BitPack, PrefixSumWrapsAround) {
  using T = TypeParam;
  std::mt19937_64 random(3);
  for (uint32_t count = 0; count < 40; ++count) {
    std::vector<T> differences(count);
    for (T& each : differences) each = static_cast<T>(random());
    const T start = static_cast<T>(random());
    std::vector<void (*)(const T*, uint32_t, T, uint8_t*)> ways{prefix_sum<T>};
    if constexpr (sizeof(T) == 8) {
      const PrefixSumWays all = prefix_sum_ways();
      ways.insert(ways.end(), {all.portable, all.avx2, all.avx512});
    }
    for (const auto way : ways) {
      if (way == nullptr) continue;
      std::vector<uint8_t> out(count * sizeof(T) + 1);
      way(differences.data(), count, start, out.data() + 1);
      T sum = start;
      for (uint32_t i = 0; i < count; ++i) {
        sum = static_cast<T>(sum + differences[i]);
        ASSERT_EQ(load<T>(out.data() + 1 + i * sizeof(T)), sum);
      }
    }
  }
}

}  // namespace
}  // namespace tsfeat::codec
