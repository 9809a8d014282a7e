// Codes of values that are hot all over a run, such as the ids of popular items: the run keeps one list of the values
// that occur most often in a column, and its chunks refer to them by their place in it. What is not in the list is
// escaped. Unlike a dictionary of one chunk, the list is paid once a run, and stays in the processor's cache while
// many chunks are decoded.
//   escapes u16 | escapes before each block of 128 codes u16[blocks] | values T[escapes] | codes: blocks of uint16_t
// A code below the list's size is a place in it; the code that equals the size is an escape.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/blocks.h"

namespace tsfeat::codec {

inline constexpr uint32_t kMostHotValues = 65'535;

// The list of a column: `size` values of the column's width, and behind them one more that no code means, so that an
// escape may be looked up like the others. Not owned.
struct HotValues {
  const uint8_t* values = nullptr;
  uint32_t size = 0;
};

// The list, and the way from a value to its code; for the writer. Immutable, so that threads may share it.
class HotCodes {
 public:
  // width: 4 or 8. The most frequent value first: small codes pack well. Values differ; 1 to kMostHotValues of them.
  HotCodes(std::vector<uint64_t> values, uint32_t width);

  uint32_t size() const { return static_cast<uint32_t>(values_.size()); }
  uint32_t width() const { return width_; }
  const std::vector<uint64_t>& values() const { return values_; }
  // size() if the value is not in the list.
  uint16_t code(uint64_t value) const {
    for (size_t slot = (value * kFactor) >> shift_;; slot = (slot + 1) & (slots_.size() - 1)) {
      const uint16_t code = slots_[slot];
      if (code == kEmpty || values_[code] == value) return code == kEmpty ? static_cast<uint16_t>(size()) : code;
    }
  }

 private:
  static constexpr uint16_t kEmpty = 0xffff;  // not a code: there are at most 65,535
  static constexpr uint64_t kFactor = 0x9e3779b97f4a7c15u;
  std::vector<uint64_t> values_;
  uint32_t width_;
  unsigned shift_;
  std::vector<uint16_t> slots_;
};

// T: uint32_t or uint64_t.
template <typename T>
struct HotPlan {
  std::vector<uint16_t> codes;
  std::vector<uint16_t> escapes_before;  // each block
  std::vector<T> escapes;
  BlocksPlan<uint16_t> code_blocks;
  size_t size = 0;
};

// False if a body would reach `limit` bytes.
template <typename T>
bool plan_hot(const T* values, uint32_t count, const HotCodes& hot, size_t limit, HotPlan<T>* plan);
template <typename T>
void write_hot(const HotPlan<T>& plan, std::string* out);

// hot_size: of the column's list.
template <typename T>
Status check_hot(Bytes body, uint32_t count, uint32_t hot_size);
template <typename T>
void decode_hot(Bytes body, uint32_t count, const HotValues& hot, uint32_t begin, uint32_t end, uint8_t* out);
// The values of rows that ascend.
template <typename T>
void pick_hot(Bytes body, uint32_t count, const HotValues& hot, std::span<const uint32_t> rows, uint8_t* out);

}  // namespace tsfeat::codec
