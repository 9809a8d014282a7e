// A bloom filter of keys in blocks of 32 bytes: a key sets one bit in each of the block's eight words, so a question
// costs one cache line. About ten bits a key give one false positive in a hundred questions.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace tsfeat::run {

class Bloom {
 public:
  static constexpr size_t kBlockBytes = 32;
  static constexpr uint64_t kBitsPerKey = 10;

  Bloom() = default;
  explicit Bloom(uint64_t keys);  // empty, with room for so many
  static uint64_t bytes_for(uint64_t keys);
  // `bytes` is a whole number of blocks, at least one.
  static Bloom from(Bytes bytes);

  void add(uint64_t hash);
  bool may_contain(uint64_t hash) const {
    const uint32_t* words = block(hash);
    for (unsigned i = 0; i < 8; ++i) {
      if ((words[i] >> bit(hash, i) & 1) == 0) return false;
    }
    return true;
  }
  void prefetch(uint64_t hash) const { __builtin_prefetch(block(hash)); }
  Bytes bytes() const { return {reinterpret_cast<const uint8_t*>(words_.data()), words_.size() * sizeof(uint32_t)}; }

 private:
  // Odd multipliers, fractional parts of cube roots of primes: each word looks at other bits of the hash's low half.
  static constexpr uint32_t kFactors[8] = {0x428a2f99, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
                                           0x3956c25b, 0x59f111f1, 0x923f82a5, 0xab1c5ed5};
  static unsigned bit(uint64_t hash, unsigned word) { return static_cast<uint32_t>(hash) * kFactors[word] >> 27; }
  const uint32_t* block(uint64_t hash) const { return words_.data() + ((hash >> 32) * blocks_ >> 32) * 8; }

  std::vector<uint32_t> words_;
  uint64_t blocks_ = 0;
};

}  // namespace tsfeat::run
