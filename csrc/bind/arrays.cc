#include "bind/arrays.h"

#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

#include "bind/errors.h"
#include "bind/numpy_api.h"

namespace tsfeat::bind {
namespace {

// Up to here a copy into memory that numpy recycles costs less than a capsule.
constexpr size_t kCopiedBytes = 1024;

PyArrayObject* as_array(PyObject* object) { return reinterpret_cast<PyArrayObject*>(object); }

// An array over `data`, which the deleter of `owner` frees when the array and all its views are gone.
template <typename Owner>
py::object wrap(const Dtype& dtype, uint64_t rows, void* data, Owner owner) {
  py::object capsule = py::reinterpret_steal<py::object>(PyCapsule_New(owner.get(), nullptr, [](PyObject* self) {
    typename Owner::deleter_type()(static_cast<typename Owner::pointer>(PyCapsule_GetPointer(self, nullptr)));
  }));
  if (!capsule) throw py::error_already_set();
  owner.release();
  return array_over(capsule, dtype, rows, data);
}

py::object copied(const Dtype& dtype, uint64_t rows, const void* data, size_t bytes) {
  py::object array = new_array(dtype, rows);
  if (bytes != 0) std::memcpy(array_data(array), data, bytes);
  return array;
}

[[noreturn]] void refuse(py::handle value, const Dtype& dtype, const char* what) {
  std::string given = py::str(py::type::handle_of(value).attr("__name__"));
  if (PyArray_Check(value.ptr())) given = py::str("{} of shape {}").format(value.attr("dtype"), value.attr("shape"));
  const std::string wanted = std::string(1, dtype.kind) + std::to_string(dtype.element_bytes);
  raise_type(std::string(what) + ": expected a contiguous " + std::to_string(dtype.dimension == 0 ? 1 : 2) +
             "-D array of dtype '" + wanted + "', not " + given);
}

}  // namespace

Dtype int64_dtype() { return {'i', 8, 0, NPY_INT64}; }
Dtype uint64_dtype() { return {'u', 8, 0, NPY_UINT64}; }
Dtype int32_dtype() { return {'i', 4, 0, NPY_INT32}; }
Dtype bool_dtype() { return {'b', 1, 0, NPY_BOOL}; }
Dtype uint8_dtype() { return {'u', 1, 0, NPY_UINT8}; }

Dtype dtype_of(const Column& column) {
  switch (column.type) {
    case Type::kBool:
      return bool_dtype();
    case Type::kInt8:
      return {'i', 1, 0, NPY_INT8};
    case Type::kInt16:
      return {'i', 2, 0, NPY_INT16};
    case Type::kInt32:
    case Type::kCategory:
      return int32_dtype();
    case Type::kInt64:
      return int64_dtype();
    case Type::kUint8:
      return uint8_dtype();
    case Type::kUint16:
      return {'u', 2, 0, NPY_UINT16};
    case Type::kUint32:
      return {'u', 4, 0, NPY_UINT32};
    case Type::kUint64:
      return uint64_dtype();
    case Type::kFloat32:
      return {'f', 4, 0, NPY_FLOAT32};
    case Type::kFloat64:
      return {'f', 8, 0, NPY_FLOAT64};
    case Type::kVectorFloat32:
      return {'f', 4, column.dimension, NPY_FLOAT32};
    case Type::kVectorFloat64:
      return {'f', 8, column.dimension, NPY_FLOAT64};
    case Type::kString:
    case Type::kBinary:
      break;
  }
  return uint8_dtype();
}

FixedView view_fixed(py::handle value, const Dtype& dtype, const char* what) {
  if (!PyArray_Check(value.ptr())) refuse(value, dtype, what);
  PyArrayObject* const array = as_array(value.ptr());
  const PyArray_Descr* const descr = PyArray_DESCR(array);
  const int dimensions = dtype.dimension == 0 ? 1 : 2;
  const bool fits = descr->kind == dtype.kind &&
                    PyArray_ITEMSIZE(array) == static_cast<npy_intp>(dtype.element_bytes) &&
                    PyArray_NDIM(array) == dimensions && PyArray_ISCARRAY_RO(array) &&
                    (dimensions == 1 || PyArray_DIM(array, 1) == static_cast<npy_intp>(dtype.dimension));
  if (!fits) refuse(value, dtype, what);
  return {static_cast<const uint8_t*>(PyArray_DATA(array)), static_cast<uint64_t>(PyArray_DIM(array, 0))};
}

RawView view_raw(py::handle value, const char* what) {
  PyArrayObject* const array = as_array(value.ptr());
  const bool fits = PyArray_Check(value.ptr()) && PyArray_NDIM(array) >= 1 && PyArray_NDIM(array) <= 2 &&
                    PyArray_ISCARRAY_RO(array) && !PyDataType_REFCHK(PyArray_DESCR(array));
  if (!fits) raise_type(std::string(what) + ": expected a contiguous array of one or two dimensions, without objects");
  const auto items = static_cast<uint64_t>(PyArray_NDIM(array) == 1 ? 1 : PyArray_DIM(array, 1));
  return {static_cast<const uint8_t*>(PyArray_DATA(array)), static_cast<uint64_t>(PyArray_DIM(array, 0)),
          items * static_cast<uint64_t>(PyArray_ITEMSIZE(array))};
}

bool is_plain(py::handle value, py::handle dtype) {
  if (!PyArray_CheckExact(value.ptr())) return false;
  PyArrayObject* const array = as_array(value.ptr());
  return reinterpret_cast<PyObject*>(PyArray_DESCR(array)) == dtype.ptr() && PyArray_NDIM(array) == 1 &&
         PyArray_ISCARRAY_RO(array);
}

VarlenView view_varlen(py::handle tuple, Py_ssize_t first, const char* what) {
  if (!PyTuple_Check(tuple.ptr()) || PyTuple_GET_SIZE(tuple.ptr()) != first + 2) {
    raise_type(std::string(what) + ": expected a tuple that ends with (offsets, data)");
  }
  const FixedView offsets = view_fixed(PyTuple_GET_ITEM(tuple.ptr(), first), int64_dtype(), what);
  const FixedView data = view_fixed(PyTuple_GET_ITEM(tuple.ptr(), first + 1), uint8_dtype(), what);
  if (offsets.rows == 0) raise_schema(std::string(what) + ": offsets are empty: there is one more than values");
  return {reinterpret_cast<const int64_t*>(offsets.data), data.data, offsets.rows - 1, data.rows};
}

void check_offsets(const VarlenView& view, const char* what) {
  bool ascends = view.offsets[0] >= 0;
  for (uint64_t row = 0; row < view.rows; ++row) ascends &= view.offsets[row] <= view.offsets[row + 1];
  if (!ascends || static_cast<uint64_t>(view.offsets[view.rows]) > view.data_bytes) {
    raise_schema(std::string(what) + ": offsets go backwards or past the end of their data");
  }
}

py::object new_array(const Dtype& dtype, uint64_t rows) {
  npy_intp shape[2] = {static_cast<npy_intp>(rows), static_cast<npy_intp>(dtype.dimension)};
  PyObject* const array = PyArray_SimpleNew(dtype.dimension == 0 ? 1 : 2, shape, dtype.number);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(array);
}

py::object array_over(py::handle owner, const Dtype& dtype, uint64_t rows, void* data, py::handle shown) {
  npy_intp shape[2] = {static_cast<npy_intp>(rows), static_cast<npy_intp>(dtype.dimension)};
  PyArray_Descr* const descr =
      shown ? reinterpret_cast<PyArray_Descr*>(shown.inc_ref().ptr()) : PyArray_DescrFromType(dtype.number);
  const py::object array = py::reinterpret_steal<py::object>(PyArray_NewFromDescr(
      &PyArray_Type, descr, dtype.dimension == 0 ? 1 : 2, shape, nullptr, data, NPY_ARRAY_CARRAY, nullptr));
  if (!array) throw py::error_already_set();
  if (PyArray_SetBaseObject(as_array(array.ptr()), owner.inc_ref().ptr()) < 0) throw py::error_already_set();
  return array;
}

py::object view_as(const py::object& array, py::handle shown) {
  if (shown.ptr() == reinterpret_cast<PyObject*>(PyArray_DESCR(as_array(array.ptr())))) return array;
  auto* const descr = reinterpret_cast<PyArray_Descr*>(shown.inc_ref().ptr());
  PyObject* const view = PyArray_View(as_array(array.ptr()), descr, nullptr);
  if (view == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(view);
}

void check_same_width(py::handle shown, const Dtype& dtype) {
  if (!PyArray_DescrCheck(shown.ptr())) raise_type("expected a dtype");
  auto* const descr = reinterpret_cast<PyArray_Descr*>(shown.ptr());
  if (PyDataType_ELSIZE(descr) != static_cast<npy_intp>(dtype.element_bytes) || PyDataType_REFCHK(descr) ||
      PyDataType_HASSUBARRAY(descr)) {
    raise_type("expected a dtype of " + std::to_string(dtype.element_bytes) + " bytes");
  }
}

void* array_data(const py::object& array) { return PyArray_DATA(as_array(array.ptr())); }

py::object adopt(Array&& array, const Dtype& dtype, uint64_t rows) {
  const uint64_t width = uint64_t{dtype.element_bytes} * (dtype.dimension == 0 ? 1 : dtype.dimension);
  if (array.bytes != rows * width) throw std::logic_error("tsfeat: the engine made an array of the wrong size");
  if (array.bytes <= kCopiedBytes) return copied(dtype, rows, array.data.get(), array.bytes);
  void* const data = array.data.get();
  return wrap(dtype, rows, data, std::move(array.data));
}

py::object adopt(std::vector<int64_t>&& values) {
  const uint64_t rows = values.size();
  if (rows * sizeof(int64_t) <= kCopiedBytes) return copied(int64_dtype(), rows, values.data(), rows * sizeof(int64_t));
  auto owner = std::make_unique<std::vector<int64_t>>(std::move(values));
  void* const data = owner->data();
  return wrap(int64_dtype(), rows, data, std::move(owner));
}

py::object adopt(codec::VarlenBuffer&& buffer) {
  py::object offsets = adopt(std::move(buffer.offsets));
  const uint64_t bytes = buffer.data.size();
  if (bytes <= kCopiedBytes) return py::make_tuple(offsets, copied(uint8_dtype(), bytes, buffer.data.data(), bytes));
  auto owner = std::make_unique<std::string>(std::move(buffer.data));
  void* const data = owner->data();
  return py::make_tuple(offsets, wrap(uint8_dtype(), bytes, data, std::move(owner)));
}

py::object copy_int32(const std::vector<int32_t>& values) {
  return copied(int32_dtype(), values.size(), values.data(), values.size() * sizeof(int32_t));
}

}  // namespace tsfeat::bind
