#include "run/fences.h"

#include <algorithm>

namespace tsfeat::run {

Fences::Fences(const std::vector<std::string>& first_keys, bool varlen) : varlen_(varlen) {
  prefixes_.reserve(first_keys.size());
  for (const std::string& key : first_keys) {
    prefixes_.push_back(KeyView::from_bytes(as_bytes(key)).prefix);
    if (!varlen) continue;
    bytes_ += key;
    ends_.push_back(bytes_.size());
  }
}

KeyView Fences::key(size_t i) const {
  if (!varlen_) return {prefixes_[i], nullptr, 8};
  const uint64_t begin = i == 0 ? 0 : ends_[i - 1];
  return {prefixes_[i], reinterpret_cast<const uint8_t*>(bytes_.data()) + begin,
          static_cast<uint32_t>(ends_[i] - begin)};
}

// All keys take each step together: their misses overlap, and no branch depends on a comparison.
void Fences::find(const KeyView* keys, size_t count, uint32_t* blocks) const {
  std::fill_n(blocks, count, 0);
  for (auto left = static_cast<uint32_t>(prefixes_.size()); left > 1;) {
    const uint32_t half = left / 2;
    for (size_t i = 0; i < count; ++i) {
      const uint32_t middle = blocks[i] + half;
      const bool right = varlen_ ? !(keys[i] < key(middle)) : prefixes_[middle] <= keys[i].prefix;
      blocks[i] += right ? half : 0;
    }
    left -= half;
  }
}

}  // namespace tsfeat::run
