#include "base/key.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

namespace tsfeat {
namespace {

KeyView text(std::string_view value) { return KeyView::from_bytes(as_bytes(value)); }

TEST(Key, OrdersIntegersAsNumbers) {
  const std::vector<int64_t> values = {INT64_MIN, -2, -1, 0, 1, 2, 255, 256, INT64_MAX};
  for (const int64_t a : values) {
    EXPECT_EQ(KeyView::from_int64(a).to_int64(), a);
    for (const int64_t b : values) {
      EXPECT_EQ(KeyView::from_int64(a) <=> KeyView::from_int64(b), a <=> b);
      const auto ua = static_cast<uint64_t>(a);
      const auto ub = static_cast<uint64_t>(b);
      EXPECT_EQ(KeyView::from_uint64(ua) <=> KeyView::from_uint64(ub), ua <=> ub);
    }
  }
}

TEST(Key, OrdersBytesAsStringsDo) {
  std::mt19937 random(1);
  std::vector<std::string> values = {"", std::string(1, '\0'), std::string(8, '\0'), std::string(9, '\0')};
  for (int i = 0; i < 150; ++i) {  // few different bytes, so that long prefixes are shared
    std::string value(random() % 20, '\0');
    for (char& letter : value) letter = "\0a\xff"[random() % 3];
    values.push_back(value);
  }
  for (const std::string& a : values) {
    for (const std::string& b : values) {
      EXPECT_EQ(text(a) == text(b), a == b);
      EXPECT_EQ(text(a) <=> text(b), a.compare(b) <=> 0);
    }
    const OwnedKey owned(text(a));
    EXPECT_EQ(owned.view(), text(a));
    uint8_t room[8];
    const Bytes bytes = owned.view().bytes(room);
    EXPECT_EQ(std::string(bytes.begin(), bytes.end()), a);
  }
}

// The hash is part of the file format. A failure here means that old bloom filters would deny keys that are there.
TEST(KeyHash, NeverChanges) {
  EXPECT_EQ(hash_key(KeyView::from_uint64(0)), 0x48a72cb1086b47fcu);
  EXPECT_EQ(hash_key(KeyView::from_uint64(1)), 0x3cde02cb933ff364u);
  EXPECT_EQ(hash_key(KeyView::from_int64(-1)), 0xd5971a0bbbbf3cb0u);
  EXPECT_EQ(hash_key(text("")), 0x1eb244682e62ca05u);
  EXPECT_EQ(hash_key(text("user")), 0x16f24aa7ef0b7c79u);
  EXPECT_EQ(hash_key(text("user-12345")), 0x17a0af56cef98794u);
  EXPECT_EQ(hash_key(text("0123456789abcdef")), 0x58d6b3a5f4d3b80eu);
  EXPECT_EQ(hash_key(text("0123456789abcdef0123456789abcdef01234")), 0xa8ae14299620eeadu);
}

TEST(KeyHash, ReadsTheBytesOfTheKeyAlone) {
  for (size_t size = 0; size < 70; ++size) {
    const std::vector<uint8_t> exact(size, 7);  // the address sanitizer sees a step outside
    std::vector<uint8_t> padded(size + 16, 9);
    std::fill_n(padded.begin() + 8, size, uint8_t{7});
    const KeyView a = KeyView::from_bytes(exact);
    const KeyView b = KeyView::from_bytes(Bytes(padded).subspan(8, size));
    EXPECT_EQ(hash_key(a), hash_key(b)) << size;
    EXPECT_EQ(hash_key(a), hash_key(OwnedKey(a).view())) << size;
  }
}

TEST(KeyHash, TellsLengthsApart) {
  std::unordered_set<uint64_t> seen;
  for (size_t size = 0; size < 100; ++size) seen.insert(hash_key(text(std::string(size, '\0'))));
  EXPECT_EQ(seen.size(), 100u);
}

// Each bit of the key flips each bit of the hash about half of the time.
void expect_avalanche(size_t size) {
  constexpr int kTrials = 2000;
  std::mt19937_64 random(size);
  std::vector<int> flips(64 * 8 * size);
  std::string key(size, '\0');
  for (int trial = 0; trial < kTrials; ++trial) {
    for (char& byte : key) byte = static_cast<char>(random());
    const uint64_t before = hash_key(text(key));
    for (size_t bit = 0; bit < 8 * size; ++bit) {
      key[bit / 8] = static_cast<char>(key[bit / 8] ^ (1 << (bit % 8)));
      const uint64_t change = before ^ hash_key(text(key));
      key[bit / 8] = static_cast<char>(key[bit / 8] ^ (1 << (bit % 8)));
      for (size_t out = 0; out < 64; ++out) flips[64 * bit + out] += static_cast<int>((change >> out) & 1);
    }
  }
  for (size_t i = 0; i < flips.size(); ++i) {  // 6.5 standard deviations
    ASSERT_NEAR(flips[i], kTrials / 2, 146) << "size " << size << ", key bit " << i / 64 << ", hash bit " << i % 64;
  }
}

TEST(KeyHash, SpreadsEveryBit) {
  for (const size_t size : {size_t{3}, size_t{8}, size_t{9}, size_t{16}, size_t{21}}) expect_avalanche(size);
}

TEST(KeyHash, FillsBucketsEvenlyWithNeighbouringNumbers) {
  constexpr size_t kBuckets = 1024;
  constexpr size_t kKeys = 256 * kBuckets;
  for (const int shift : {0, 10, 32, 40}) {
    for (const int from_bit : {0, 22, 54}) {
      std::vector<double> counts(kBuckets);
      for (uint64_t i = 0; i < kKeys; ++i) {
        counts[(hash_key(KeyView::from_uint64(i << shift)) >> from_bit) % kBuckets] += 1;
      }
      double chi_squared = 0;
      for (const double count : counts) chi_squared += (count - 256) * (count - 256) / 256;
      EXPECT_LT(chi_squared, 1023 + 6 * 45.2) << shift << " " << from_bit;  // mean + 6 standard deviations
    }
  }
}

}  // namespace
}  // namespace tsfeat
