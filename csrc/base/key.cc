// Multiply-fold hashing: a 64 x 64 -> 128 bit product, its halves added by xor, spreads every bit of both factors over
// the result; two rounds leave no visible pattern. The constants are fractional parts of square roots of primes, made
// odd.
//
// The values are part of the file format (bloom filters). They never change; key_test.cc pins them.
#include "base/key.h"

namespace tsfeat {
namespace {

__extension__ typedef unsigned __int128 Product;

constexpr uint64_t kFirst = 0x6a09e667f3bcc909;
constexpr uint64_t kSecond = 0xbb67ae8584caa73b;
constexpr uint64_t kThird = 0x3c6ef372fe94f82b;

inline uint64_t fold(uint64_t a, uint64_t b) {
  const Product product = static_cast<Product>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Sixteen bytes a step; the last step overlaps the one before, so that no tail is padded. size > 8.
uint64_t fold_long(const uint8_t* data, size_t size) {
  const uint8_t* const last = data + size - 8;
  if (size <= 16) return fold(load<uint64_t>(data) ^ kFirst, load<uint64_t>(last) ^ kSecond) ^ kThird;
  uint64_t state = kThird;
  for (; last - data > 8; data += 16) {
    state = fold(load<uint64_t>(data) ^ kFirst ^ state, load<uint64_t>(data + 8) ^ kSecond) ^ state;
  }
  return fold(load<uint64_t>(last - 8) ^ kFirst ^ state, load<uint64_t>(last) ^ kSecond) ^ state;
}

}  // namespace

uint64_t hash_key(const KeyView& key) {
  const uint64_t word = key.size <= 8 ? key.prefix : fold_long(key.data, key.size);
  return fold(fold(word ^ kFirst, kSecond ^ key.size) ^ word, kThird);
}

}  // namespace tsfeat
