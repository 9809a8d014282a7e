// Integers in blocks of 128 values, each block bit-packed on its own: frame of reference (value minus the block's
// least) or delta (difference to the value before, minus the least difference), whichever is smaller, with the few
// values that do not fit the block's width patched in from a list of exceptions. All arithmetic is modulo 2^bits of T,
// so signs need no care. The layout is drawn in docs/format.md, "Chunks".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace tsfeat::codec {

inline constexpr uint32_t kBlockValues = 128;
inline constexpr uint32_t kMaxExceptions = 31;  // per block: five bits of its table entry
inline constexpr uint32_t kSkipBlocks = 32;     // one payload offset is stored per so many blocks

inline uint32_t block_count(uint32_t values) { return (values + kBlockValues - 1) / kBlockValues; }

template <typename T>
struct BlockPlan {
  bool delta = false;
  uint8_t width = 0;            // bits of a packed value
  uint8_t exceptions = 0;       // how many values are wider
  uint8_t exception_bytes = 1;  // bytes of what such a value has above `width` bits
  T base = 0;                   // least value; of a delta block: first value
  T delta_base = 0;             // least difference
  uint32_t bytes = 0;           // of the payload
  bool operator==(const BlockPlan&) const = default;
};

template <typename T>
struct BlocksPlan {
  std::vector<BlockPlan<T>> blocks;
  T base = 0;                // the least base of any block
  uint32_t base_bytes = 0;   // of each block's base above that
  uint32_t delta_bytes = 0;  // of each block's delta_base
  size_t size = 0;           // of the body
};

// What the values are, as far as it matters to the choice of a form.
enum class Order : uint8_t {
  kUnsigned,
  kSigned,
  kCodes,  // unsigned, and no order is to be expected: only frames of reference are tried
};

// Chooses each block's form by computed size.
template <typename T>
void plan_blocks(const T* values, uint32_t count, Order order, BlocksPlan<T>* plan);

// The ways to choose one block's form, for the tests: all choose the same.
template <typename T>
using PlanBlock = BlockPlan<T> (*)(const T* values, uint32_t count, Order order);
template <typename T>
struct PlanWays {
  PlanBlock<T> portable = nullptr;
  PlanBlock<T> avx2 = nullptr;  // null: not on this processor
};
template <typename T>
PlanWays<T> plan_ways();

// Appends the body that `plan` describes.
template <typename T>
void write_blocks(const T* values, uint32_t count, const BlocksPlan<T>& plan, std::string* out);

template <typename T>
Status check_blocks(Bytes body, uint32_t count);

// Decodes values [begin, end) of a checked body.
template <typename T>
void decode_blocks(Bytes body, uint32_t count, uint32_t begin, uint32_t end, uint8_t* out);
// What is left of a search for the first of [begin, end) that is not less than `least`, the values of which ascend as
// signed numbers, after a look at where blocks begin and nothing else: it is in what is returned, or its end.
struct Places {
  uint32_t begin = 0;
  uint32_t end = 0;
};
Places narrow_blocks(Bytes body, uint32_t count, Places within, int64_t least);
// Decodes the values of rows that ascend.
template <typename T>
void pick_blocks(Bytes body, uint32_t count, std::span<const uint32_t> rows, uint8_t* out);

}  // namespace tsfeat::codec
