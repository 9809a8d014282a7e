#include "read/filter_leaf.h"

#include <algorithm>

#include "base/bytes.h"

namespace tsfeat {
namespace {

constexpr uint64_t kLinearSet = 8;  // up to so many, comparing with each is quicker than searching
constexpr int64_t kLargestBitmap = 1 << 16;

// Calls visit with a value of the C++ type that holds the column's values.
template <typename Visit>
void with_type(Type type, Visit visit) {
  switch (type) {
    case Type::kBool:
    case Type::kUint8:
      return visit(uint8_t{});
    case Type::kInt8:
      return visit(int8_t{});
    case Type::kInt16:
      return visit(int16_t{});
    case Type::kInt32:
    case Type::kCategory:
      return visit(int32_t{});
    case Type::kInt64:
      return visit(int64_t{});
    case Type::kUint16:
      return visit(uint16_t{});
    case Type::kUint32:
      return visit(uint32_t{});
    case Type::kUint64:
      return visit(uint64_t{});
    case Type::kFloat32:
      return visit(float{});
    default:  // kFloat64: check_filter let no other pass
      return visit(double{});
  }
}

// Calls visit with the comparison as a function, so that the loop over values is compiled for each.
template <typename Visit>
void with_comparison(Comparison comparison, Visit visit) {
  switch (comparison) {
    case Comparison::kEqual:
      return visit([](const auto& a, const auto& b) { return a == b; });
    case Comparison::kNotEqual:
      return visit([](const auto& a, const auto& b) { return a != b; });
    case Comparison::kLess:
      return visit([](const auto& a, const auto& b) { return a < b; });
    case Comparison::kLessEqual:
      return visit([](const auto& a, const auto& b) { return a <= b; });
    case Comparison::kGreater:
      return visit([](const auto& a, const auto& b) { return a > b; });
    case Comparison::kGreaterEqual:
      return visit([](const auto& a, const auto& b) { return a >= b; });
  }
}

uint8_t truth_of(bool holds) { return holds ? kTrue : kFalse; }

// The compiler makes vectors of these loops only if it may assume that the truths are not among the values.
template <typename T, typename Holds>
void mark(const uint8_t* __restrict values, uint64_t count, Holds holds, uint8_t* __restrict truth) {
  for (uint64_t i = 0; i < count; ++i) truth[i] = truth_of(holds(load<T>(values + i * sizeof(T))));
}

// Where a value is `wanted`, too.
template <typename T>
void mark_more(const uint8_t* __restrict values, uint64_t count, T wanted, uint8_t* __restrict truth) {
  for (uint64_t i = 0; i < count; ++i) {
    truth[i] = static_cast<uint8_t>(truth[i] | truth_of(load<T>(values + i * sizeof(T)) == wanted));
  }
}

}  // namespace

Leaf::Leaf(const FilterNode& node, Type type) : node_(node), type_(type) {
  if (node.kind != FilterNode::Kind::kIn) return;
  if (is_varlen(type)) {
    for (uint64_t i = 0; i < node.value_count; ++i) set_texts_.push_back(text(i));
    std::sort(set_texts_.begin(), set_texts_.end());
  } else {
    with_type(type, [this](auto example) { prepare_set<decltype(example)>(); });
  }
}

std::string_view Leaf::text(uint64_t operand) const {
  const auto begin = static_cast<size_t>(node_.offsets[operand]);
  return std::string_view(node_.data).substr(begin, static_cast<size_t>(node_.offsets[operand + 1]) - begin);
}

template <typename T>
void Leaf::prepare_set() {
  std::vector<T> values;
  for (uint64_t i = 0; i < node_.value_count; ++i) {
    const T value = load<T>(node_.fixed.data() + i * sizeof(T));
    if (value == value) values.push_back(value);
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  set_size_ = values.size();
  set_.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  for (const T& value : values) set_order_bits_.push_back(order_bits(type_, reinterpret_cast<const uint8_t*>(&value)));
  if constexpr (std::is_integral_v<T> && sizeof(T) <= 4) {
    if (values.empty() || values.front() < 0 || static_cast<int64_t>(values.back()) >= kLargestBitmap) return;
    set_bitmap_.assign(static_cast<size_t>(values.back()) + 1, kFalse);
    for (const T& value : values) set_bitmap_[static_cast<size_t>(value)] = kTrue;
  }
}

void Leaf::evaluate(const LeafValues& values, uint64_t requested_row, uint8_t* truth) const {
  if (is_varlen(type_)) return evaluate_varlen(values, requested_row, truth);
  with_type(type_, [&](auto example) {
    using T = decltype(example);
    if (node_.kind == FilterNode::Kind::kIn) {
      evaluate_in<T>(values, truth);
    } else {
      evaluate_fixed<T>(values, requested_row, truth);
    }
  });
}

template <typename T>
void Leaf::evaluate_fixed(const LeafValues& values, uint64_t requested_row, uint8_t* truth) const {
  const T operand = load<T>(node_.fixed.data() + operand_at(requested_row) * sizeof(T));
  with_comparison(node_.comparison, [&](auto holds) {
    mark<T>(values.fixed, values.count, [&](T value) { return holds(value, operand); }, truth);
  });
}

template <typename T>
void Leaf::evaluate_in(const LeafValues& values, uint8_t* truth) const {
  const uint64_t count = values.count;
  const auto value_at = [&](uint64_t i) { return load<T>(values.fixed + i * sizeof(T)); };
  const char* const set = set_.data();
  if (set_size_ <= kLinearSet) {
    std::fill_n(truth, count, uint8_t{kFalse});
    for (uint64_t member = 0; member < set_size_; ++member) {
      const T wanted = load<T>(set + member * sizeof(T));
      mark_more<T>(values.fixed, count, wanted, truth);
    }
    return;
  }
  if constexpr (std::is_integral_v<T>) {
    for (uint64_t i = 0; !set_bitmap_.empty() && i < count; ++i) {
      const auto at = static_cast<std::make_unsigned_t<T>>(value_at(i));  // negative ones become too large
      truth[i] = at < set_bitmap_.size() ? set_bitmap_[static_cast<size_t>(at)] : uint8_t{kFalse};
    }
    if (!set_bitmap_.empty()) return;
  }
  for (uint64_t i = 0; i < count; ++i) {
    const T value = value_at(i);
    uint64_t low = 0;
    for (uint64_t high = set_size_; low < high;) {
      const uint64_t middle = (low + high) / 2;
      if (load<T>(set + middle * sizeof(T)) < value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    truth[i] = truth_of(low < set_size_ && load<T>(set + low * sizeof(T)) == value);
  }
}

void Leaf::evaluate_varlen(const LeafValues& values, uint64_t requested_row, uint8_t* truth) const {
  const auto value_at = [&](uint64_t i) {
    const auto begin = static_cast<size_t>(values.varlen->offsets[i]);
    return std::string_view(values.varlen->data)
        .substr(begin, static_cast<size_t>(values.varlen->offsets[i + 1]) - begin);
  };
  if (node_.kind == FilterNode::Kind::kIn) {
    for (uint64_t i = 0; i < values.count; ++i) {
      truth[i] = truth_of(std::binary_search(set_texts_.begin(), set_texts_.end(), value_at(i)));
    }
    return;
  }
  const std::string_view operand = text(operand_at(requested_row));
  with_comparison(node_.comparison, [&](auto holds) {
    for (uint64_t i = 0; i < values.count; ++i) truth[i] = truth_of(holds(value_at(i), operand));
  });
}

Leaf::Outlook Leaf::outlook(const BlockBounds& bounds, uint64_t requested_row) const {
  if (!bounds.bounded || is_varlen(type_)) return {};
  const uint64_t min = bounds.min;
  const uint64_t max = bounds.max;
  const bool nan = bounds.may_have_nan;
  if (node_.kind == FilterNode::Kind::kIn) {
    const auto first = std::lower_bound(set_order_bits_.begin(), set_order_bits_.end(), min);
    const bool some = first != set_order_bits_.end() && *first <= max;
    return {some, !(some && min == max) || nan};
  }
  const auto* operand =
      reinterpret_cast<const uint8_t*>(node_.fixed.data()) + operand_at(requested_row) * element_bytes(type_);
  if (is_nan(type_, operand)) return {};
  const uint64_t value = order_bits(type_, operand);
  switch (node_.comparison) {
    case Comparison::kEqual:
      return {min <= value && value <= max, min != value || max != value || nan};
    case Comparison::kNotEqual:
      return {min != value || max != value || nan, min <= value && value <= max};
    case Comparison::kLess:
      return {min < value, max >= value || nan};
    case Comparison::kLessEqual:
      return {min <= value, max > value || nan};
    case Comparison::kGreater:
      return {max > value, min <= value || nan};
    case Comparison::kGreaterEqual:
      break;
  }
  return {max >= value, min < value || nan};
}

}  // namespace tsfeat
