#include "codec/blocks.h"

#include <gtest/gtest.h>

#include "codec/shapes.h"

namespace tsfeat::codec {
namespace {

template <typename T>
class Blocks : public testing::Test {};
using Lanes = testing::Types<uint8_t, uint16_t, uint32_t, uint64_t>;
TYPED_TEST_SUITE(Blocks, Lanes);

TYPED_TEST(Blocks, EveryWayChoosesTheSameForm) {
  using T = TypeParam;
  const PlanWays<T> ways = plan_ways<T>();
  if (ways.avx2 == nullptr) GTEST_SKIP() << "this processor has one way only";
  test::Random random(1);
  for (int shape = 0; shape < test::kShapes; ++shape) {
    for (const uint32_t count : {1u, 7u, 8u, 100u, kBlockValues}) {
      const std::vector<uint64_t> wide = test::make_shape(shape, count, &random);
      const std::vector<T> values(wide.begin(), wide.end());
      for (const Order order : {Order::kUnsigned, Order::kSigned, Order::kCodes}) {
        EXPECT_EQ(ways.portable(values.data(), count, order), ways.avx2(values.data(), count, order))
            << "shape " << shape << ", " << count << " values";
      }
    }
  }
}

// As a page of many rows is read: blocks are entered through the offsets that are stored for every 32nd.
TYPED_TEST(Blocks, RowsFarApartArePicked) {
  using T = TypeParam;
  test::Random random(2);
  constexpr uint32_t kCount = 100 * kBlockValues;
  const std::vector<uint64_t> wide = test::make_shape(1, kCount, &random);
  const std::vector<T> values(wide.begin(), wide.end());
  BlocksPlan<T> plan;
  plan_blocks(values.data(), kCount, Order::kUnsigned, &plan);
  std::string body;
  write_blocks(values.data(), kCount, plan, &body);
  ASSERT_TRUE(check_blocks<T>(as_bytes(body), kCount).ok());
  for (int round = 0; round < 50; ++round) {
    std::vector<uint32_t> rows;
    for (uint64_t row = random() % 9'000; row < kCount; row += 1 + random() % 9'000)
      rows.push_back(static_cast<uint32_t>(row));
    std::vector<uint8_t> out(rows.size() * sizeof(T));
    pick_blocks<T>(as_bytes(body), kCount, rows, out.data());
    for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(load<T>(out.data() + i * sizeof(T)), values[rows[i]]);
  }
}

}  // namespace
}  // namespace tsfeat::codec
