#include "codec/varlen.h"

#include <gtest/gtest.h>

#include "codec/shapes.h"

namespace tsfeat::codec {
namespace {

using test::Random;

struct Strings {
  std::vector<int64_t> offsets{0};
  std::string data;
  uint32_t count() const { return static_cast<uint32_t>(offsets.size() - 1); }
};

// shape 0: distinct, 1: few distinct, 2: all empty, 3: constant, 4: some empty, 5: long
Strings make_strings(int shape, uint32_t count, Random* random) {
  Strings made;
  made.data = std::string((*random)() % 3, '?');  // values need not begin where the data does
  made.offsets[0] = static_cast<int64_t>(made.data.size());
  for (uint32_t i = 0; i < count; ++i) {
    switch (shape) {
      case 0:
        made.data += "user-" + std::to_string((*random)());
        break;
      case 1:
        made.data += "category " + std::to_string((*random)() % 9);
        break;
      case 3:
        made.data += "same";
        break;
      case 4:
        if ((*random)() % 2 == 0) made.data += std::to_string((*random)() % 1000);
        break;
      case 5:
        made.data += std::string((*random)() % 3000, static_cast<char>((*random)()));
        break;
      default:
        break;
    }
    made.offsets.push_back(static_cast<int64_t>(made.data.size()));
  }
  return made;
}

std::string encode(const Strings& strings, Effort effort) {
  std::string chunk;
  encode_varlen(strings.offsets.data(), reinterpret_cast<const uint8_t*>(strings.data.data()), strings.count(), effort,
                &chunk);
  return chunk;
}

void expect_range(const Strings& strings, const std::string& plain, uint32_t begin, uint32_t end) {
  const std::vector<uint8_t> exact(plain.begin(), plain.end());
  VarlenBuffer out;
  out.data = "kept";
  out.offsets = {4};
  decode_varlen(exact, strings.count(), begin, end, &out);
  ASSERT_EQ(out.offsets.size(), end - begin + size_t{1});
  ASSERT_EQ(out.data.substr(0, 4), "kept");
  for (uint32_t i = begin; i < end; ++i) {
    const auto expected = strings.data.substr(static_cast<size_t>(strings.offsets[i]),
                                              static_cast<size_t>(strings.offsets[i + 1] - strings.offsets[i]));
    const auto at = static_cast<size_t>(out.offsets[i - begin]);
    ASSERT_EQ(out.data.substr(at, static_cast<size_t>(out.offsets[i - begin + 1]) - at), expected);
  }
}

TEST(Varlen, RoundTripsEveryShapeCountAndRange) {
  Random random(3);
  for (int shape = 0; shape < 6; ++shape) {
    for (const uint32_t count : {0u, 1u, 2u, 129u, 300u, 1024u}) {
      for (const Effort effort : {Effort::kFast, Effort::kSmall}) {
        const Strings strings = make_strings(shape, count, &random);
        const std::string chunk = encode(strings, effort);
        auto inflated = inflate_varlen(as_bytes(chunk), count);
        ASSERT_TRUE(inflated.ok());
        const std::string plain = inflated->empty() ? chunk : *inflated;
        const Status checked = check_varlen(as_bytes(plain), count);
        ASSERT_TRUE(checked.ok()) << checked.message();
        expect_range(strings, plain, 0, count);
        for (int i = 0; i < 5 && count != 0; ++i) {
          const auto begin = static_cast<uint32_t>(random() % count);
          expect_range(strings, plain, begin, begin + static_cast<uint32_t>(random() % (count - begin + 1)));
        }
        if (HasFatalFailure()) FAIL() << "shape " << shape << " count " << count;
      }
    }
  }
}

TEST(Varlen, RepeatedValuesAreStoredOnce) {
  Random random(4);
  const Strings strings = make_strings(1, 1024, &random);
  EXPECT_LT(encode(strings, Effort::kFast).size(), 1024u);  // of 10 KiB
}

TEST(Varlen, HostileBytesAreRefusedOrDecodeInBounds) {
  Random random(5);
  uint64_t passed = 0;
  for (int round = 0; round < 2000; ++round) {
    const Strings strings = make_strings(round % 5, static_cast<uint32_t>(random() % 300), &random);
    const std::string good = encode(strings, static_cast<Effort>(random() % 2));
    for (int mutation = 0; mutation < 8; ++mutation) {
      std::string bad = good;
      for (uint64_t i = random() % 4; i-- > 0;) bad[random() % bad.size()] = static_cast<char>(random());
      if (random() % 4 == 0) bad.resize(random() % (bad.size() + 8));
      auto inflated = inflate_varlen(as_bytes(bad), strings.count());
      if (!inflated.ok()) continue;
      const std::string& plain = inflated->empty() ? bad : *inflated;
      const std::vector<uint8_t> exact(plain.begin(), plain.end());
      if (!check_varlen(exact, strings.count()).ok()) continue;
      ++passed;
      VarlenBuffer out;
      decode_varlen(exact, strings.count(), 0, strings.count(), &out);
      EXPECT_EQ(out.offsets.size(), strings.offsets.size());
    }
  }
  EXPECT_GT(passed, 500u);
}

}  // namespace
}  // namespace tsfeat::codec
