// The first key of every directory block, in memory: which block may hold a key?
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/key.h"

namespace tsfeat::run {

class Fences {
 public:
  Fences() = default;
  // `first_keys` ascend.
  Fences(const std::vector<std::string>& first_keys, bool varlen);

  size_t size() const { return prefixes_.size(); }
  uint64_t memory_bytes() const { return prefixes_.size() * 8 + ends_.size() * 8 + bytes_.size(); }
  KeyView key(size_t i) const;
  // What share of the block's keys are probably less than the key, in 256ths: as if they were spread evenly up to the
  // next block's.
  uint32_t guess(size_t block, const KeyView& key) const {
    if (block + 1 == prefixes_.size()) return 128;
    const uint64_t width = (prefixes_[block + 1] - prefixes_[block]) / 256 + 1;
    return static_cast<uint32_t>(std::min<uint64_t>((key.prefix - prefixes_[block]) / width, 255));
  }
  // For each key the last block whose first key is not greater; block 0 if there is none. At least one block, and at
  // most 2^32.
  void find(const KeyView* keys, size_t count, uint32_t* blocks) const;

 private:
  bool varlen_ = false;
  std::vector<uint64_t> prefixes_;
  std::vector<uint64_t> ends_;  // of varlen keys in bytes_
  std::string bytes_;
};

}  // namespace tsfeat::run
