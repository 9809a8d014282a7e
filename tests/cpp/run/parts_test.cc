// The small parts: bloom filter, fences, directory blocks, bounds.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "run/bloom.h"
#include "run/bounds.h"
#include "run/directory.h"
#include "run/fences.h"

namespace tsfeat::run {
namespace {

TEST(Bloom, NoFalseNegativesAndFewFalsePositives) {
  for (const uint64_t keys : {uint64_t{1}, uint64_t{25}, uint64_t{20'000}}) {
    Bloom bloom(keys);
    for (uint64_t key = 0; key < keys; ++key) bloom.add(hash_key(KeyView::from_uint64(key)));
    const Bloom copy = Bloom::from(bloom.bytes());
    for (uint64_t key = 0; key < keys; ++key) EXPECT_TRUE(copy.may_contain(hash_key(KeyView::from_uint64(key))));
    int wrong = 0;
    for (uint64_t key = keys; key < keys + 20'000; ++key)
      wrong += copy.may_contain(hash_key(KeyView::from_uint64(key)));
    EXPECT_LT(wrong, 400);
  }
}

TEST(Fences, FindsTheBlockOfEveryKey) {
  for (const bool varlen : {false, true}) {
    std::vector<std::string> first_keys;
    for (uint64_t i = 0; i < 37; ++i) {
      std::string key(8, '\0');
      store(key.data(), __builtin_bswap64(i * 10 + 5));
      first_keys.push_back(varlen ? "same prefix " + key : key);
    }
    const Fences fences(first_keys, varlen);
    for (uint64_t wanted = 0; wanted < 400; ++wanted) {
      std::string text(8, '\0');
      store(text.data(), __builtin_bswap64(wanted));
      text = varlen ? "same prefix " + text : text;
      const KeyView key = varlen ? KeyView::from_bytes(as_bytes(text)) : KeyView::from_uint64(wanted);
      uint32_t block = 99;
      fences.find(&key, 1, &block);
      EXPECT_EQ(block, wanted < 5 ? 0 : std::min<uint64_t>(36, (wanted - 5) / 10));
    }
  }
}

TEST(Directory, BlocksHoldWhatWasAdded) {
  std::mt19937_64 random(4);
  for (const KeyType type : {KeyType::kUint64, KeyType::kBinary}) {
    for (uint32_t count = 1; count <= kMaxKeysPerBlock; count += 51) {
      DirectoryBuilder builder(type, codec::Effort::kSmall);
      std::vector<std::string> keys;
      std::vector<uint32_t> rows;
      for (uint32_t i = 0; i < count; ++i) {
        EXPECT_FALSE(builder.full(1));
        std::string key(8, '\0');
        store(key.data(), __builtin_bswap64(uint64_t{i} << random() % 3 << 20 * (i > 100)));
        if (is_varlen(type)) key = "k" + key + std::string(i % 3, 'x');
        if (!keys.empty() && key <= keys.back()) continue;
        keys.push_back(key);
        rows.push_back(1 + static_cast<uint32_t>(random() % 100'000));
        builder.add(KeyView::from_bytes(as_bytes(keys.back())), rows.back());
      }
      DirectoryEntry entry;
      entry.keys = builder.keys();
      entry.first_row = 1'000;
      std::string block;
      builder.finish(&block);
      EXPECT_TRUE(builder.empty());
      uint64_t end = 1'000;
      for (const uint32_t n : rows) end += n;
      const auto expanded = expand_directory(as_bytes(block), entry, end, is_varlen(type));
      ASSERT_TRUE(expanded.ok()) << expanded.status().message();
      const DirectoryView view(as_bytes(*expanded), is_varlen(type));
      uint64_t row = 1'000;
      for (uint32_t i = 0; i < view.keys(); ++i) {
        KeyView key = KeyView::from_bytes(as_bytes(keys[i]));
        EXPECT_TRUE(view.key(i) == key);
        EXPECT_EQ(view.find(key), i);
        EXPECT_EQ(view.rows(i).begin, row);
        row += rows[i];
        EXPECT_EQ(view.rows(i).end, row);
      }
      EXPECT_FALSE(expand_directory(as_bytes(block), entry, end + 1, is_varlen(type)).ok());
    }
  }
}

TEST(Bounds, NullsNansAndZeros) {
  const double values[] = {1.5, std::nan(""), -0.0, 7, 100};
  const uint8_t validity[] = {1, 1, 1, 1, 0};
  const auto* bytes = reinterpret_cast<const uint8_t*>(values);
  const ColumnBounds bounds = compute_bounds(Type::kFloat64, bytes, validity, 5);
  EXPECT_EQ(bounds.flags, kHasValue | kHasNull | kHasNan);
  EXPECT_EQ(load<double>(&bounds.min), 0.0);
  EXPECT_TRUE(std::signbit(load<double>(&bounds.min)));
  EXPECT_EQ(load<double>(&bounds.max), 7.0);
  EXPECT_TRUE(is_sane(Type::kFloat64, bounds));
  EXPECT_EQ(compute_bounds(Type::kFloat64, bytes + 8, nullptr, 1), (ColumnBounds{kHasNan, 0, 0}));
  EXPECT_EQ(compute_bounds(Type::kFloat64, bytes + 32, validity + 4, 1), (ColumnBounds{kHasNull, 0, 0}));

  const int8_t small[] = {3, -2};
  const ColumnBounds signed_bounds = compute_bounds(Type::kInt8, reinterpret_cast<const uint8_t*>(small), nullptr, 2);
  EXPECT_EQ(signed_bounds, (ColumnBounds{kHasValue, 0xfe, 3}));
  EXPECT_TRUE(is_sane(Type::kInt8, signed_bounds));
  EXPECT_FALSE(is_sane(Type::kInt8, {kHasValue, 3, 0xfe}));
  EXPECT_FALSE(is_sane(Type::kInt8, {kHasValue, 3, 0x100}));
  EXPECT_FALSE(is_sane(Type::kInt8, {8, 0, 0}));
  ColumnBounds all;
  widen(Type::kInt8, {kHasNull, 0, 0}, &all);
  widen(Type::kInt8, {kHasValue, 1, 2}, &all);
  widen(Type::kInt8, signed_bounds, &all);
  EXPECT_EQ(all, (ColumnBounds{kHasValue | kHasNull, 0xfe, 3}));
}

}  // namespace
}  // namespace tsfeat::run
