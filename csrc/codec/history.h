// What the chunks of a column have shown so far, so that searches which do not pay on its data are not made for every
// chunk of a run. It counts chunks, not time: the same chunks in the same order are encoded to the same bytes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tsfeat::codec {

// After some tries in vain it is silent for some chunks, then tries again: if that is in vain too, for twice as many.
class Backoff {
 public:
  bool due() {
    if (silent_ == 0) return true;
    --silent_;
    return false;
  }
  // Of a try that was due.
  void note(bool paid) {
    if (paid) {
      in_vain_ = 0;
    } else if (++in_vain_ >= kPatience) {
      silent_ = std::min(kLongestSilence, kFirstSilence << std::min(in_vain_ - kPatience, kPatience));
    }
  }

 private:
  static constexpr uint32_t kPatience = 4;
  static constexpr uint32_t kFirstSilence = 4;
  static constexpr uint32_t kLongestSilence = 64;

  uint32_t in_vain_ = 0;  // tries, one after the other
  uint32_t silent_ = 0;   // chunks to come
};

class HotCodes;

// Of one column of one run.
struct ColumnHistory {
  const HotCodes* hot = nullptr;  // its hot values, if it has any; not owned
  Backoff blocks;
  Backoff decimal;
  Backoff dictionary;
  Backoff packed_dictionary;
  Backoff frame;          // zstd over the chunk as it is
  Backoff symbols_frame;  // zstd over the chunk with a byte for each symbol
};

}  // namespace tsfeat::codec
