// Filter tuples (see _core.pyi) to the engine's tree. What a column's type allows is checked by check_filter, in the
// engine; here it is shapes, dtypes and depth.
#include <pybind11/pybind11.h>

#include <cstring>
#include <utility>

#include "bind/arrays.h"
#include "bind/errors.h"
#include "bind/requests.h"

namespace tsfeat::bind {
namespace {

using Kind = FilterNode::Kind;
constexpr int kMaxDepth = 1000;  // of recursion, here and in the engine

// The members of a node, by position.
class Node {
 public:
  explicit Node(py::handle tuple) : tuple_(tuple.ptr()) {
    if (!PyTuple_Check(tuple_) || PyTuple_GET_SIZE(tuple_) == 0)
      raise_type("filter: a node is a tuple that begins with its kind");
    kind_ = text(0);
  }
  const std::string& kind() const { return kind_; }
  void expect(Py_ssize_t members) const {
    if (PyTuple_GET_SIZE(tuple_) != members) {
      raise_type("filter: '" + kind_ + "' has " + std::to_string(members - 1) + " operands");
    }
  }
  py::handle at(Py_ssize_t i) const { return PyTuple_GET_ITEM(tuple_, i); }
  std::string text(Py_ssize_t i) const {
    if (i >= PyTuple_GET_SIZE(tuple_) || !PyUnicode_Check(at(i).ptr()))
      raise_type("filter: expected a string in a node");
    return at(i).cast<std::string>();
  }

 private:
  PyObject* tuple_;
  std::string kind_;
};

Comparison to_comparison(const std::string& op) {
  if (op == "==") return Comparison::kEqual;
  if (op == "!=") return Comparison::kNotEqual;
  if (op == "<") return Comparison::kLess;
  if (op == "<=") return Comparison::kLessEqual;
  if (op == ">") return Comparison::kGreater;
  if (op == ">=") return Comparison::kGreaterEqual;
  raise_schema("filter: there is no operator '" + op + "'");
}

int to_column(py::handle value, const Schema& schema) {
  const int64_t column = to_int64(value, "filter");
  if (column < 0 || static_cast<uint64_t>(column) > schema.columns.size()) {
    raise_schema("filter: there is no column " + std::to_string(column));
  }
  return static_cast<int>(column) - 1;
}

void copy_values(py::handle values, const Schema& schema, FilterNode* out) {
  const Column* const column = out->column < 0 ? nullptr : &schema.columns[static_cast<size_t>(out->column)];
  if (column != nullptr && is_varlen(column->type)) {
    const VarlenView view = view_varlen(values, 0, "filter");
    check_offsets(view, "filter");
    out->value_count = view.rows;
    out->offsets.assign(view.offsets, view.offsets + view.rows + 1);
    out->data.assign(reinterpret_cast<const char*>(view.data), view.data_bytes);
    return;
  }
  const Dtype dtype = column == nullptr ? int64_dtype() : dtype_of(*column);
  const FixedView view = view_fixed(values, dtype, "filter");
  const uint64_t width = uint64_t{dtype.element_bytes} * (dtype.dimension == 0 ? 1 : dtype.dimension);
  out->value_count = view.rows;
  out->fixed.assign(reinterpret_cast<const char*>(view.data), view.rows * width);
}

FilterNode parse(py::handle tuple, const Schema& schema, int depth);

// A chain (a | b) | c ... becomes one node of many children, so that long chains stay shallow in the engine.
void add_children(const Node& node, Kind kind, const Schema& schema, int depth, FilterNode* out) {
  node.expect(3);
  for (Py_ssize_t i = 1; i <= 2; ++i) {
    FilterNode child = parse(node.at(i), schema, depth + 1);
    if (child.kind == kind) {
      for (FilterNode& grandchild : child.children) out->children.push_back(std::move(grandchild));
    } else {
      out->children.push_back(std::move(child));
    }
  }
}

void parse_comparison(const Node& node, const Schema& schema, FilterNode* out) {
  node.expect(4);
  out->column = to_column(node.at(1), schema);
  out->comparison = to_comparison(node.text(2));
  copy_values(node.at(3), schema, out);
}

FilterNode parse(py::handle tuple, const Schema& schema, int depth) {
  if (depth > kMaxDepth)
    raise_schema("filter: nested deeper than " + std::to_string(kMaxDepth) + "; use is_in for many values");
  const Node node(tuple);
  FilterNode out;
  if (node.kind() == "const") {
    node.expect(2);
    out.kind = Kind::kConst;
    out.constant = node.at(1).cast<bool>();
  } else if (node.kind() == "and" || node.kind() == "or") {
    out.kind = node.kind() == "and" ? Kind::kAnd : Kind::kOr;
    add_children(node, out.kind, schema, depth, &out);
  } else if (node.kind() == "not") {
    node.expect(2);
    out.kind = Kind::kNot;
    out.children.push_back(parse(node.at(1), schema, depth + 1));
  } else if (node.kind() == "cmp" || node.kind() == "cmp_rows") {
    out.kind = node.kind() == "cmp" ? Kind::kCompare : Kind::kCompareRows;
    parse_comparison(node, schema, &out);
  } else if (node.kind() == "in") {
    node.expect(3);
    out.kind = Kind::kIn;
    out.column = to_column(node.at(1), schema);
    copy_values(node.at(2), schema, &out);
  } else if (node.kind() == "is_null") {
    node.expect(2);
    out.kind = Kind::kIsNull;
    out.column = to_column(node.at(1), schema);
  } else {
    raise_schema("filter: there is no node '" + node.kind() + "'");
  }
  return out;
}

}  // namespace

FilterNode to_filter(py::handle node, const Schema& schema) { return parse(node, schema, 0); }

}  // namespace tsfeat::bind
