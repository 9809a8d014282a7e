// The leaves of a filter: one column's values against operands, in loops that the compiler vectorizes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "read/filter.h"

namespace tsfeat {

// Kleene's values, so ordered that "and" is the minimum, "or" the maximum and "not" the mirror image.
enum Truth : uint8_t { kFalse = 0, kUnknown = 1, kTrue = 2 };

// Values [0, count) of a column, as decoded.
struct LeafValues {
  const uint8_t* fixed = nullptr;
  const codec::VarlenBuffer* varlen = nullptr;
  uint64_t count = 0;
};

class Leaf {
 public:
  // `node` is a checked kCompare, kCompareRows or kIn on a column of this type, and outlives the leaf.
  Leaf(const FilterNode& node, Type type);

  // Whether each value matches: kFalse or kTrue.
  void evaluate(const LeafValues& values, uint64_t requested_row, uint8_t* truth) const;

  // What can be said of values between the bounds, none of them null: whether some may match, and whether some may fail
  // to.
  struct Outlook {
    bool may_match = true;
    bool may_fail = true;
  };
  Outlook outlook(const BlockBounds& bounds, uint64_t requested_row) const;

 private:
  template <typename T>
  void evaluate_fixed(const LeafValues& values, uint64_t requested_row, uint8_t* truth) const;
  template <typename T>
  void evaluate_in(const LeafValues& values, uint8_t* truth) const;
  void evaluate_varlen(const LeafValues& values, uint64_t requested_row, uint8_t* truth) const;
  template <typename T>
  void prepare_set();
  std::string_view text(uint64_t operand) const;
  uint64_t operand_at(uint64_t requested_row) const {
    return node_.kind == FilterNode::Kind::kCompareRows ? requested_row : 0;
  }

  const FilterNode& node_;
  const Type type_;
  // Of kIn, sorted: the values (NaN, which equals nothing, left out), what bounds compare with, and a bitmap where
  // values are small.
  std::string set_;
  uint64_t set_size_ = 0;
  std::vector<uint64_t> set_order_bits_;
  std::vector<uint8_t> set_bitmap_;
  std::vector<std::string_view> set_texts_;
};

}  // namespace tsfeat
