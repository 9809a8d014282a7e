// What the encodings should achieve on shapes of real columns, in bits a value of a 1,024-value chunk. The bounds leave
// a little room above what is reached, so that a change for the worse is seen.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "codec/encoding.h"
#include "codec/fixed.h"
#include "codec/shapes.h"

namespace tsfeat::codec {
namespace {

constexpr uint32_t kCount = 1024;

template <typename T>
std::string encode(const std::vector<T>& values, Kind kind, Effort effort = Effort::kFast) {
  std::string chunk;
  encode_fixed(reinterpret_cast<const uint8_t*>(values.data()), static_cast<uint32_t>(values.size()), sizeof(T), kind,
               effort, &chunk);
  return chunk;
}

double bits(const std::string& chunk) { return static_cast<double>(chunk.size()) * 8 / kCount; }

template <typename T, typename Draw>
std::vector<T> generate(Draw draw) {
  std::vector<T> values(kCount);
  for (uint32_t i = 0; i < kCount; ++i) values[i] = static_cast<T>(draw(i));
  return values;
}

std::vector<int64_t> times(uint32_t events_per_key, double gap_ms, int64_t unit_ms) {
  test::Random random(1);
  std::exponential_distribution<double> gap(1 / gap_ms);
  int64_t now = 0;
  return generate<int64_t>([&](uint32_t i) {
    if (i % events_per_key == 0) now = 1'700'000'000'000;
    return now += static_cast<int64_t>(gap(random)) / unit_ms * unit_ms;
  });
}

TEST(Size, TimesOfOneHeavyUser) { EXPECT_LT(bits(encode(times(kCount, 260'000, 1), Kind::kSigned)), 21.2); }
TEST(Size, TimesOfManyLightUsers) { EXPECT_LT(bits(encode(times(50, 155e6, 1), Kind::kSigned)), 32.0); }
TEST(Size, TimesInWholeSecondsShareAStep) {
  EXPECT_LT(bits(encode(times(kCount, 260'000, 1000), Kind::kSigned)), 11.5);
}

TEST(Size, RegularTimesTakeHardlyAnything) {
  EXPECT_LT(encode(generate<int64_t>([](uint32_t i) { return 1'700'000'000'000 + int64_t{i} * 60'000; }), Kind::kSigned)
                .size(),
            100u);
}

TEST(Size, LogNormalIntegersPatchTheirTail) {
  test::Random random(2);
  std::lognormal_distribution<double> dwell(std::log(8000.0), 1.2);
  EXPECT_LT(bits(encode(generate<uint32_t>([&](uint32_t) { return dwell(random); }), Kind::kUnsigned)), 17.3);
}

TEST(Size, SigmoidScoresSaveTheirExponents) {
  test::Random random(3);
  std::normal_distribution<double> normal;
  EXPECT_LT(bits(encode(generate<float>([&](uint32_t) { return 1 / (1 + std::exp(-normal(random))); }), Kind::kFloat)),
            26.0);
}

TEST(Size, PricesAreStoredAsIntegers) {
  test::Random random(4);
  const auto cents = [&](uint32_t) { return static_cast<double>(random() % 20'000) / 100; };
  EXPECT_LT(bits(encode(generate<double>(cents), Kind::kFloat)), 15.6);
  EXPECT_LT(bits(encode(generate<float>(cents), Kind::kFloat)), 15.6);
}

TEST(Size, FewMissingPricesAreExceptions) {
  test::Random random(5);
  const auto price = [&](uint32_t i) {
    return i % 50 == 7 ? std::nan("") : static_cast<double>(random() % 20'000) / 100;
  };
  const std::string chunk = encode(generate<double>(price), Kind::kFloat);
  EXPECT_EQ(static_cast<Encoding>(chunk[0]), Encoding::kDecimal);
  EXPECT_LT(bits(chunk), 17.5);
}

TEST(Size, SkewedCodesAreEntropyCodedWhereEffortAllows) {
  test::Random random(6);
  std::discrete_distribution<int> type({.55, .2, .1, .06, .04, .03, .015, .005});
  const auto bytes = generate<uint8_t>([&](uint32_t) { return type(random); });
  const auto codes = std::vector<int32_t>(bytes.begin(), bytes.end());
  EXPECT_LT(bits(encode(bytes, Kind::kUnsigned)), 3.25);
  EXPECT_LT(bits(encode(bytes, Kind::kUnsigned, Effort::kSmall)), 2.9);
  EXPECT_LT(bits(encode(codes, Kind::kUnsigned)), 3.3);
  EXPECT_LT(bits(encode(codes, Kind::kUnsigned, Effort::kSmall)), 3.0);
}

TEST(Size, RepeatedHashesShareADictionary) {
  test::Random random(7);
  const auto hashes = generate<uint64_t>([&](uint32_t) { return (random() % 300) * 0x9e3779b97f4a7c15u; });
  EXPECT_LT(bits(encode(hashes, Kind::kUnsigned)), 29.0);
  EXPECT_LT(bits(encode(hashes, Kind::kUnsigned, Effort::kSmall)), 27.5);
}

TEST(Size, LongRunsAndConstants) {
  EXPECT_LT(encode(generate<uint64_t>([](uint32_t i) { return (i / 200 + 1) * 0x9e3779b97f4a7c15u; }), Kind::kUnsigned)
                .size(),
            80u);
  EXPECT_EQ(encode(std::vector<uint32_t>(kCount, 7), Kind::kUnsigned).size(), 5u);
}

TEST(Size, NoiseCostsOneByte) {
  test::Random random(8);
  const auto noise = generate<uint64_t>([&](uint32_t) { return random(); });
  EXPECT_EQ(encode(noise, Kind::kUnsigned, Effort::kSmall).size(), 8u * kCount + 1);
}

TEST(Size, SameValuesSameBytes) {
  const auto values = times(50, 155e6, 1);
  EXPECT_EQ(encode(values, Kind::kSigned, Effort::kSmall), encode(values, Kind::kSigned, Effort::kSmall));
}

}  // namespace
}  // namespace tsfeat::codec
