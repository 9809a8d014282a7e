#include "bind/append.h"

#include <utility>

#include "bind/arrays.h"
#include "bind/errors.h"

namespace tsfeat::bind {
namespace {

void expect_rows(uint64_t given, uint64_t rows, const char* what) {
  if (given == rows) return;
  raise_schema(std::string(what) + ": " + std::to_string(given) + " values for a batch of " + std::to_string(rows) +
               " rows");
}

void view_fixed_column(py::handle values, const Dtype& dtype, uint64_t rows, const char* what, InputColumn* out) {
  const FixedView view = view_fixed(values, dtype, what);
  expect_rows(view.rows, rows, what);
  out->view.fixed = view.data;
}

// Offsets are checked by the engine, which can name the row.
uint64_t view_varlen_column(py::handle values, Py_ssize_t first, const char* what, InputColumn* out) {
  const VarlenView view = view_varlen(values, first, what);
  out->view.offsets = view.offsets;
  out->view.data = view.data;
  out->data_bytes = view.data_bytes;
  return view.rows;
}

void view_category_column(py::handle values, uint64_t rows, const char* what, InputColumn* out) {
  if (!PyTuple_Check(values.ptr()) || PyTuple_GET_SIZE(values.ptr()) != 3) {
    expect_rows(view_varlen_column(values, 0, what, out), rows, what);
    return;
  }
  const FixedView indices = view_fixed(PyTuple_GET_ITEM(values.ptr(), 0), int32_dtype(), what);
  expect_rows(indices.rows, rows, what);
  out->indices = reinterpret_cast<const int32_t*>(indices.data);
  out->dictionary_size = view_varlen_column(values, 1, what, out);
}

InputColumn view_column(py::handle column, const Column& described, uint64_t rows) {
  InputColumn out;
  if (column.is_none()) {
    out.absent = true;
    return out;
  }
  const char* const what = described.name.c_str();
  if (!PyTuple_Check(column.ptr()) || PyTuple_GET_SIZE(column.ptr()) != 2) raise_type("expected (values, validity)");
  const py::handle values = PyTuple_GET_ITEM(column.ptr(), 0);
  const py::handle validity = PyTuple_GET_ITEM(column.ptr(), 1);
  if (described.type == Type::kCategory) {
    view_category_column(values, rows, what, &out);
  } else if (is_varlen(described.type)) {
    expect_rows(view_varlen_column(values, 0, what, &out), rows, what);
  } else {
    view_fixed_column(values, dtype_of(described), rows, what, &out);
  }
  if (!validity.is_none()) {
    const FixedView view = view_fixed(validity, bool_dtype(), what);
    expect_rows(view.rows, rows, what);
    out.view.validity = view.data;
  }
  return out;
}

}  // namespace

AppendRequest to_append(int64_t rows, py::handle keys, py::handle times, py::handle columns, const Schema& schema) {
  if (rows < 0) raise_schema("a batch cannot have " + std::to_string(rows) + " rows");
  AppendRequest request;
  request.rows = static_cast<uint64_t>(rows);
  if (is_varlen(schema.key_type)) {
    expect_rows(view_varlen_column(keys, 0, "keys", &request.keys), request.rows, "keys");
  } else {
    const Dtype dtype = schema.key_type == KeyType::kUint64 ? uint64_dtype() : int64_dtype();
    view_fixed_column(keys, dtype, request.rows, "keys", &request.keys);
  }
  const FixedView moments = view_fixed(times, int64_dtype(), "times");
  expect_rows(moments.rows, request.rows, "times");
  request.times = reinterpret_cast<const int64_t*>(moments.data);
  if (!PyList_Check(columns.ptr())) raise_type("columns: expected a list");
  expect_rows(static_cast<uint64_t>(PyList_GET_SIZE(columns.ptr())), schema.columns.size(), "columns");
  request.columns.reserve(schema.columns.size());
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    const py::handle column = PyList_GET_ITEM(columns.ptr(), static_cast<Py_ssize_t>(i));
    request.columns.push_back(view_column(column, schema.columns[i], request.rows));
  }
  return request;
}

Value to_value(py::handle column, const Column& described) {
  const InputColumn input = view_column(column, described, 1);
  if (input.absent) raise_type("a default is (values, validity)");
  if (!input.view.valid(0)) return {};
  Value value;
  value.valid = true;
  if (input.view.fixed != nullptr) {
    value.bytes.assign(reinterpret_cast<const char*>(input.view.fixed), described.width());
    return value;
  }
  const uint64_t row = input.indices == nullptr ? 0 : static_cast<uint64_t>(static_cast<int64_t>(*input.indices));
  const uint64_t rows = input.indices == nullptr ? 1 : input.dictionary_size;
  if (row >= rows) raise_schema("column '" + described.name + "': the default's index points outside its dictionary");
  check_offsets({input.view.offsets, input.view.data, rows, input.data_bytes}, described.name.c_str());
  const Bytes bytes = input.view.varlen(row);
  value.bytes.assign(bytes.begin(), bytes.end());
  return value;
}

}  // namespace tsfeat::bind
