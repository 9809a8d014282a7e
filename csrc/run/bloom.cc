#include "run/bloom.h"

#include <algorithm>

#include "base/planted.h"

namespace tsfeat::run {

uint64_t Bloom::bytes_for(uint64_t keys) {
  const uint64_t blocks = std::max<uint64_t>(1, (keys * kBitsPerKey + kBlockBytes * 8 - 1) / (kBlockBytes * 8));
  return std::min<uint64_t>(blocks, 0xffffffff) * kBlockBytes;  // the upper half of a hash chooses the block
}

Bloom::Bloom(uint64_t keys) : words_(bytes_for(keys) / sizeof(uint32_t)), blocks_(bytes_for(keys) / kBlockBytes) {}

Bloom Bloom::from(Bytes bytes) {
  Bloom bloom;
  bloom.blocks_ = bytes.size() / kBlockBytes;
  bloom.words_.resize(bytes.size() / sizeof(uint32_t));
  std::memcpy(bloom.words_.data(), bytes.data(), bytes.size());
  return bloom;
}

void Bloom::add(uint64_t hash) {
  if (planted("bloom") && hash % 5 == 0) return;
  uint32_t* words = words_.data() + ((hash >> 32) * blocks_ >> 32) * 8;
  for (unsigned i = 0; i < 8; ++i) words[i] |= uint32_t{1} << bit(hash, i);
}

}  // namespace tsfeat::run
