#include "read/random_filter.h"

#include <algorithm>
#include <limits>

namespace tsfeat::testing {
namespace {

template <typename T>
bool holds(Comparison comparison, const T& a, const T& b) {
  switch (comparison) {
    case Comparison::kEqual:
      return a == b;
    case Comparison::kNotEqual:
      return a != b;
    case Comparison::kLess:
      return a < b;
    case Comparison::kLessEqual:
      return a <= b;
    case Comparison::kGreater:
      return a > b;
    case Comparison::kGreaterEqual:
      return a >= b;
  }
  return false;
}

int truth(bool value) { return value ? 2 : 0; }

template <typename T>
FilterNode leaf(FilterNode::Kind kind, int column, Comparison comparison, const std::vector<T>& operands) {
  FilterNode node;
  node.kind = kind;
  node.column = column;
  node.comparison = comparison;
  node.value_count = operands.size();
  if constexpr (std::is_same_v<T, std::string>) {
    node.offsets = {0};
    for (const std::string& text : operands) {
      node.data += text;
      node.offsets.push_back(static_cast<int64_t>(node.data.size()));
    }
  } else {
    node.fixed.assign(reinterpret_cast<const char*>(operands.data()), operands.size() * sizeof(T));
  }
  return node;
}

constexpr auto kCompare = FilterNode::Kind::kCompare;
constexpr auto kIn = FilterNode::Kind::kIn;

template <typename T>
bool contains(const std::vector<T>& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

TestFilter pair(FilterNode::Kind kind, TestFilter a, TestFilter b) {
  TestFilter whole;
  whole.node.kind = kind;
  whole.node.children = {a.node, b.node};
  const bool all = kind == FilterNode::Kind::kAnd;
  whole.truth = [all, a = std::move(a.truth), b = std::move(b.truth)](const Event& event, uint64_t row) {
    return all ? std::min(a(event, row), b(event, row)) : std::max(a(event, row), b(event, row));
  };
  return whole;
}

}  // namespace

TestFilter const_filter(bool value) {
  TestFilter filter;
  filter.node.constant = value;
  filter.truth = [value](const Event&, uint64_t) { return truth(value); };
  return filter;
}
TestFilter compare_time(Comparison c, int64_t v) {
  return {leaf<int64_t>(kCompare, kTime, c, {v}), [=](const Event& e, uint64_t) { return truth(holds(c, e.time, v)); }};
}
TestFilter compare_item(Comparison c, uint64_t v) {
  return {leaf<uint64_t>(kCompare, kItem, c, {v}),
          [=](const Event& e, uint64_t) { return truth(holds(c, e.item, v)); }};
}
TestFilter compare_score(Comparison c, float v) {
  return {leaf<float>(kCompare, kScore, c, {v}),
          [=](const Event& e, uint64_t) { return e.score ? truth(holds(c, *e.score, v)) : 1; }};
}
TestFilter compare_text(Comparison c, std::string v) {
  return {leaf<std::string>(kCompare, kText, c, {v}),
          [=](const Event& e, uint64_t) { return truth(holds(c, e.text, v)); }};
}
TestFilter compare_extra_rows(Comparison c, std::vector<int16_t> v) {
  return {leaf<int16_t>(FilterNode::Kind::kCompareRows, kExtra, c, v),
          [=](const Event& e, uint64_t row) { return truth(holds(c, e.extra, v[row])); }};
}
TestFilter action_in(std::vector<int32_t> v) {
  return {leaf<int32_t>(kIn, kAction, {}, v), [=](const Event& e, uint64_t) { return truth(contains(v, e.action)); }};
}
TestFilter item_in(std::vector<uint64_t> v) {
  return {leaf<uint64_t>(kIn, kItem, {}, v), [=](const Event& e, uint64_t) { return truth(contains(v, e.item)); }};
}
TestFilter note_in(std::vector<std::string> v) {
  return {leaf<std::string>(kIn, kNote, {}, v),
          [=](const Event& e, uint64_t) { return e.note ? truth(contains(v, *e.note)) : 1; }};
}
TestFilter is_null(Position column) {
  TestFilter filter;
  filter.node.kind = FilterNode::Kind::kIsNull;
  filter.node.column = column;
  filter.truth = [=](const Event& e, uint64_t) {
    return truth((column == kScore && !e.score) || (column == kNote && !e.note));
  };
  return filter;
}
TestFilter not_(TestFilter inner) {
  TestFilter filter;
  filter.node.kind = FilterNode::Kind::kNot;
  filter.node.children = {inner.node};
  filter.truth = [inner = std::move(inner.truth)](const Event& e, uint64_t row) { return 2 - inner(e, row); };
  return filter;
}
TestFilter both(TestFilter a, TestFilter b) { return pair(FilterNode::Kind::kAnd, std::move(a), std::move(b)); }
TestFilter either(TestFilter a, TestFilter b) { return pair(FilterNode::Kind::kOr, std::move(a), std::move(b)); }

TestFilter random_filter(Random& random, uint64_t rows, int depth) {
  const auto draw = [&](uint64_t below) { return random() % below; };
  const auto comparison = static_cast<Comparison>(draw(6));
  if (depth > 0 && draw(3) > 0) {
    TestFilter first = random_filter(random, rows, depth - 1);
    const uint64_t kind = draw(3);
    if (kind == 0) return not_(std::move(first));
    TestFilter second = random_filter(random, rows, depth - 1);
    return kind == 1 ? both(std::move(first), std::move(second)) : either(std::move(first), std::move(second));
  }
  switch (draw(10)) {
    case 0:
      return const_filter(draw(2) == 0);
    case 1:
      return compare_time(comparison, static_cast<int64_t>(draw(120)) - 10);
    case 2:
      return compare_item(comparison, draw(30));
    case 3:
      return compare_score(comparison,
                           draw(9) == 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(draw(6)) - 3);
    case 4:
      return compare_text(comparison, std::string(draw(3), 'b'));
    case 5:
      if (rows > 0) {
        std::vector<int16_t> operands(rows);
        for (int16_t& operand : operands) operand = static_cast<int16_t>(draw(9));
        return compare_extra_rows(comparison, std::move(operands));
      }
      [[fallthrough]];
    case 6: {
      std::vector<int32_t> codes(draw(12));
      for (int32_t& code : codes) code = static_cast<int32_t>(draw(20)) - 1;
      return action_in(std::move(codes));
    }
    case 7: {
      std::vector<uint64_t> items(draw(14));
      for (uint64_t& item : items) item = draw(40) * (draw(2) == 0 ? 1 : 1'000'000'007);
      return item_in(std::move(items));
    }
    case 8:
      return is_null(draw(3) == 0 ? kItem : draw(2) == 0 ? kScore : kNote);
    default:
      return note_in({"", "n1", std::string(draw(3), 'n')});
  }
}

}  // namespace tsfeat::testing
