#include "codec/hot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <unordered_set>

#include "codec/encoding.h"
#include "codec/fixed.h"

namespace tsfeat::codec {
namespace {

template <typename T>
class Hot : public testing::Test {
 public:
  std::vector<uint64_t> distinct(size_t count) {
    std::unordered_set<uint64_t> seen;
    std::vector<uint64_t> out;
    while (out.size() < count) {
      const uint64_t value = static_cast<T>(random());
      if (seen.insert(value).second) out.push_back(value);
    }
    return out;
  }
  // As a run keeps it: one value more than there are.
  static std::vector<T> list(const HotCodes& hot) {
    std::vector<T> out;
    for (const uint64_t value : hot.values()) out.push_back(static_cast<T>(value));
    out.push_back(0);
    return out;
  }
  // `escaped` of ten are not in the list.
  std::vector<T> values(const HotCodes& hot, uint32_t count, uint64_t escaped) {
    std::vector<T> out(count);
    for (T& value : out) {
      value = static_cast<T>(random() % 10 < escaped ? random() : hot.values()[random() % hot.size()]);
    }
    return out;
  }
  std::string encode(const HotCodes& hot, const std::vector<T>& values) {
    std::string chunk;
    ColumnHistory history;
    history.hot = &hot;
    encode_fixed(reinterpret_cast<const uint8_t*>(values.data()), static_cast<uint32_t>(values.size()), sizeof(T),
                 Kind::kUnsigned, Effort::kFast, &chunk, &history);
    return chunk;
  }

  std::mt19937_64 random{7};
};
using HotLanes = testing::Types<uint32_t, uint64_t>;
TYPED_TEST_SUITE(Hot, HotLanes);

TYPED_TEST(Hot, CodesAreThePlacesInTheList) {
  for (const size_t size : {size_t{1}, size_t{3}, size_t{1'000}, size_t{kMostHotValues}}) {
    const HotCodes hot(this->distinct(size), sizeof(TypeParam));
    ASSERT_EQ(hot.size(), size);
    for (size_t i = 0; i < size; ++i) ASSERT_EQ(hot.code(hot.values()[i]), i);
    std::unordered_set<uint64_t> known(hot.values().begin(), hot.values().end());
    for (int i = 0; i < 1'000; ++i) {
      const uint64_t value = static_cast<TypeParam>(this->random());
      ASSERT_TRUE(known.contains(value) || hot.code(value) == size);
    }
  }
}

TYPED_TEST(Hot, EveryRangeAndPickComesBack) {
  using T = TypeParam;
  uint32_t used = 0;
  for (int round = 0; round < 60; ++round) {
    const HotCodes hot(this->distinct(1 + this->random() % 3'000), sizeof(T));
    const std::vector<T> list = this->list(hot);
    const HotValues view{reinterpret_cast<const uint8_t*>(list.data()), hot.size()};
    const auto count = static_cast<uint32_t>(1 + this->random() % 1'500);
    const std::vector<T> values = this->values(hot, count, this->random() % 4);
    const std::string chunk = this->encode(hot, values);
    used += chunk[0] == static_cast<char>(Encoding::kHot);
    // Exactly as large as the chunk, so that asan sees a read past its end.
    const std::unique_ptr<uint8_t[]> exact(new uint8_t[chunk.size()]);
    std::copy(chunk.begin(), chunk.end(), exact.get());
    const Bytes bytes(exact.get(), chunk.size());
    ASSERT_TRUE(check_fixed(bytes, count, sizeof(T), hot.size()).ok());
    for (int i = 0; i < 20; ++i) {
      const auto begin = static_cast<uint32_t>(this->random() % count);
      const auto end = begin + static_cast<uint32_t>(this->random() % (count - begin + 1));
      std::vector<T> out(end - begin);
      decode_fixed(bytes, count, sizeof(T), begin, end, reinterpret_cast<uint8_t*>(out.data()), view);
      ASSERT_TRUE(std::equal(out.begin(), out.end(), values.begin() + begin)) << begin << " to " << end;
      std::vector<uint32_t> rows;
      for (uint32_t row = begin; row < end; row += 1 + static_cast<uint32_t>(this->random() % 40)) rows.push_back(row);
      if (rows.empty()) continue;
      out.resize(rows.size());
      pick_fixed(bytes, count, sizeof(T), rows, reinterpret_cast<uint8_t*>(out.data()), view);
      for (size_t at = 0; at < rows.size(); ++at) ASSERT_EQ(out[at], values[rows[at]]);
    }
  }
  EXPECT_GT(used, 20u);
}

TYPED_TEST(Hot, WhatWasChangedIsRefusedOrStaysWithinTheList) {
  using T = TypeParam;
  const HotCodes hot(this->distinct(500), sizeof(T));
  const std::vector<T> list = this->list(hot);
  const HotValues view{reinterpret_cast<const uint8_t*>(list.data()), hot.size()};
  const uint32_t count = 700;
  const std::string chunk = this->encode(hot, this->values(hot, count, 2));
  ASSERT_EQ(chunk[0], static_cast<char>(Encoding::kHot));
  EXPECT_FALSE(check_fixed(as_bytes(chunk), count, sizeof(T), 0).ok()) << "a column without a list";
  EXPECT_FALSE(check_fixed(as_bytes(chunk), count, sizeof(T), 100).ok()) << "another column's list";
  std::vector<T> out(count);
  for (int round = 0; round < 20'000; ++round) {
    std::string changed = chunk.substr(0, round % 3 == 0 ? this->random() % chunk.size() + 1 : chunk.size());
    changed[1 + this->random() % std::max<size_t>(1, changed.size() - 1)] = static_cast<char>(this->random());
    const std::unique_ptr<uint8_t[]> exact(new uint8_t[changed.size()]);
    std::copy(changed.begin(), changed.end(), exact.get());
    const Bytes bytes(exact.get(), changed.size());
    if (!check_fixed(bytes, count, sizeof(T), hot.size()).ok()) continue;
    decode_fixed(bytes, count, sizeof(T), 0, count, reinterpret_cast<uint8_t*>(out.data()), view);
  }
}

}  // namespace
}  // namespace tsfeat::codec
