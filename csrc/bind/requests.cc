#include "bind/requests.h"

#include "bind/arrays.h"
#include "bind/box.h"
#include "bind/errors.h"

namespace tsfeat::bind {
namespace {

std::vector<KeyView> view_integers(const FixedView& view, KeyType type) {
  std::vector<KeyView> out(view.rows);
  const auto* const values = reinterpret_cast<const uint64_t*>(view.data);
  for (uint64_t row = 0; row < view.rows; ++row) {
    out[row] = type == KeyType::kUint64 ? KeyView::from_uint64(values[row])
                                        : KeyView::from_int64(static_cast<int64_t>(values[row]));
  }
  return out;
}

std::vector<KeyView> view_bytes(const VarlenView& view) {
  check_offsets(view, "keys");
  std::vector<KeyView> out(view.rows);
  for (uint64_t row = 0; row < view.rows; ++row) {
    const auto size = static_cast<uint64_t>(view.offsets[row + 1] - view.offsets[row]);
    if (size > UINT32_MAX) raise_schema("keys: row " + std::to_string(row) + " is longer than 4 GiB");
    out[row] = KeyView::from_bytes({view.data + view.offsets[row], size});
  }
  return out;
}

}  // namespace

std::vector<KeyView> view_keys(py::handle keys, KeyType type) {
  if (is_varlen(type)) return view_bytes(view_varlen(keys, 0, "keys"));
  return view_integers(view_fixed(keys, type == KeyType::kUint64 ? uint64_dtype() : int64_dtype(), "keys"), type);
}

int64_t to_int64(py::handle value, const char* what) {
  if (!PyLong_Check(value.ptr()))
    raise_type(std::string(what) + ": expected an int, not " + py::str(py::type::of(value)).cast<std::string>());
  int overflow = 0;
  const int64_t number = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
  if (overflow != 0)
    raise_schema(std::string(what) + ": " + py::repr(value).cast<std::string>() + " does not fit 64 bits");
  return number;
}

std::optional<int64_t> optional_int64(py::handle value, const char* what) {
  if (value.is_none()) return std::nullopt;
  return to_int64(value, what);
}

PerRow<int64_t> view_per_row(py::handle value, uint64_t rows, const char* what) {
  PerRow<int64_t> out;
  if (value.is_none()) return out;
  if (PyLong_Check(value.ptr())) {
    out.scalar = to_int64(value, what);
    return out;
  }
  const FixedView view = view_fixed(value, int64_dtype(), what);
  if (view.rows != rows) {
    raise_schema(std::string(what) + ": " + std::to_string(view.rows) + " values for " + std::to_string(rows) +
                 " requested rows; give one value, or one per row");
  }
  // An empty array's pointer may be null, which would mean "no bound"; there are no rows to tell the difference.
  out.rows = reinterpret_cast<const int64_t*>(view.data);
  return out;
}

std::vector<int> to_columns(py::handle list, const Schema& schema) {
  if (!PyList_Check(list.ptr())) raise_type("columns: expected a list of positions");
  std::vector<int> out(static_cast<size_t>(PyList_GET_SIZE(list.ptr())));
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t column = to_int64(PyList_GET_ITEM(list.ptr(), static_cast<Py_ssize_t>(i)), "columns");
    if (column < 0 || static_cast<uint64_t>(column) > schema.columns.size()) {
      raise_schema("columns: there is no column " + std::to_string(column));
    }
    out[i] = static_cast<int>(column) - 1;
  }
  return out;
}

std::shared_ptr<const FilterNode> view_filter(py::handle filter) {
  if (filter.is_none()) return nullptr;
  const auto* const node = unbox<std::shared_ptr<const FilterNode>>(filter);
  if (node == nullptr) raise_type("filter: expected a Filter, as Table.filter makes it");
  return *node;
}

size_t to_schema_column(Py_ssize_t column, const Schema& schema) {
  if (column < 1 || static_cast<size_t>(column) > schema.columns.size()) {
    raise_schema("there is no column " + std::to_string(column));
  }
  return static_cast<size_t>(column) - 1;
}

}  // namespace tsfeat::bind
