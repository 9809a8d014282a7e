// Whether a filter fits a table: asked once, so that evaluation need not doubt.
#include "read/filter.h"

namespace tsfeat {
namespace {

using Kind = FilterNode::Kind;

// Filters are walked by recursion.
constexpr int kLargestDepth = 2'000;

Status check_operands(const FilterNode& node, Type type, uint32_t width, const std::string& where) {
  const bool varlen = is_varlen(type);
  const bool fits = varlen ? node.offsets.size() == node.value_count + 1 && node.offsets.front() == 0 &&
                                 static_cast<uint64_t>(node.offsets.back()) == node.data.size()
                           : node.fixed.size() == node.value_count * width;
  if (!fits) return Status::schema(where + " is compared with values of another type; convert them to the column's");
  for (uint64_t i = 0; varlen && i < node.value_count; ++i) {
    if (node.offsets[i] > node.offsets[i + 1]) return Status::schema(where + ": an operand ends before it starts");
  }
  return {};
}

Status check_leaf(const FilterNode& node, const Schema& schema, uint64_t requested_rows) {
  if (!node.children.empty()) return Status::schema("a filter on a column has no parts");
  if (node.column < -1 || node.column >= static_cast<int>(schema.columns.size())) {
    return Status::schema("the filter names column " + std::to_string(node.column) + ", which the table does not have");
  }
  const Column* column = node.column < 0 ? nullptr : &schema.columns[static_cast<size_t>(node.column)];
  const std::string where = "the filter on column '" + (column == nullptr ? schema.time_name : column->name) + "'";
  if (node.kind == Kind::kIsNull) return {};
  const Type type = column == nullptr ? Type::kInt64 : column->type;
  if (is_vector(type)) return Status::schema(where + ": vectors cannot be compared");
  if (type == Type::kCategory && node.kind != Kind::kIn && node.comparison != Comparison::kEqual &&
      node.comparison != Comparison::kNotEqual) {
    return Status::schema(where + ": categories have no order; use ==, != or is_in");
  }
  if (node.kind == Kind::kCompare && node.value_count != 1) return Status::schema(where + " needs exactly one value");
  if (node.kind == Kind::kCompareRows && node.value_count != requested_rows) {
    return Status::schema(where + ": per_row has " + std::to_string(node.value_count) + " values for " +
                          std::to_string(requested_rows) + " requested rows; give one for each");
  }
  return check_operands(node, type, column == nullptr ? 8 : column->width(), where);
}

Status check_node(const FilterNode& node, const Schema& schema, uint64_t requested_rows, int depth) {
  if (depth > kLargestDepth)
    return Status::schema("the filter is nested too deeply; use is_in for long lists of values");
  switch (node.kind) {
    case Kind::kConst:
      return node.children.empty() ? Status() : Status::schema("a constant filter has no parts");
    case Kind::kNot:
      if (node.children.size() != 1) return Status::schema("a negated filter has exactly one part");
      [[fallthrough]];
    case Kind::kAnd:
    case Kind::kOr:
      for (const FilterNode& child : node.children) TSFEAT_TRY(check_node(child, schema, requested_rows, depth + 1));
      return {};
    default:
      return check_leaf(node, schema, requested_rows);
  }
}

}  // namespace

Status check_filter(const FilterNode& node, const Schema& schema, uint64_t requested_rows) {
  return check_node(node, schema, requested_rows, 0);
}

bool has_row_operands(const FilterNode& node) {
  if (node.kind == Kind::kCompareRows) return true;
  for (const FilterNode& child : node.children) {
    if (has_row_operands(child)) return true;
  }
  return false;
}

}  // namespace tsfeat
