#include "bind/plain_batch.h"

#include <utility>

#include "bind/arrays.h"
#include "bind/numpy_api.h"

namespace tsfeat::bind {
namespace {

constexpr size_t kColumnsAt = 2;  // behind key and time

// An array of exactly this type (no subclass, which may mean more), contiguous and 1-D.
bool is_column(PyArrayObject* array, uint64_t rows) {
  return PyArray_NDIM(array) == 1 && PyArray_ISCARRAY_RO(array) && PyArray_DIM(array, 0) == static_cast<npy_intp>(rows);
}

}  // namespace

PlainForm::PlainForm(const py::list& names, py::object time_dtype) : time_dtype_(std::move(time_dtype)) {
  for (const py::handle name : names) names_.push_back(py::reinterpret_borrow<py::object>(name));
}

std::optional<AppendRequest> PlainForm::view(const py::dict& data, const Schema& schema,
                                             std::vector<py::object>* held) const {
  if (data.size() != names_.size() || names_.size() != schema.columns.size() + kColumnsAt) return {};
  if (is_varlen(schema.key_type)) return {};
  AppendRequest request;
  request.columns.resize(schema.columns.size());
  held->reserve(names_.size());
  for (size_t i = 0; i < names_.size(); ++i) {
    PyObject* const found = PyDict_GetItemWithError(data.ptr(), names_[i].ptr());
    if (found == nullptr && PyErr_Occurred() != nullptr) throw py::error_already_set();
    if (found == nullptr || !PyArray_CheckExact(found)) return {};
    held->push_back(py::reinterpret_borrow<py::object>(found));
    auto* const array = reinterpret_cast<PyArrayObject*>(found);
    if (i == 0) request.rows = PyArray_NDIM(array) == 1 ? static_cast<uint64_t>(PyArray_DIM(array, 0)) : 0;
    if (!is_column(array, request.rows)) return {};
    const auto* const bytes = static_cast<const uint8_t*>(PyArray_DATA(array));
    const int number = PyArray_TYPE(array);
    if (i == 0) {
      if (number != (schema.key_type == KeyType::kUint64 ? NPY_UINT64 : NPY_INT64)) return {};
      request.keys.view.fixed = bytes;
    } else if (i == 1) {
      auto* const shown = reinterpret_cast<PyArray_Descr*>(time_dtype_.ptr());
      if (number != NPY_INT64 && PyArray_EquivTypes(PyArray_DESCR(array), shown) == 0) return {};
      request.times = reinterpret_cast<const int64_t*>(bytes);
    } else {
      const Column& column = schema.columns[i - kColumnsAt];
      if (is_varlen(column.type) || column.type == Type::kCategory || column.dimension != 1) return {};
      const Dtype dtype = dtype_of(column);
      if (dtype.dimension != 0 || number != dtype.number) return {};
      request.columns[i - kColumnsAt].view.fixed = bytes;
    }
  }
  return request;
}

}  // namespace tsfeat::bind
