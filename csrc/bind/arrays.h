// Canonical arrays: what Python passes is checked, never converted, and what the engine made becomes numpy arrays that
// own it. Needs the GIL. The forms are those that _core.pyi describes.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <vector>

#include "codec/varlen.h"
#include "read/read.h"
#include "schema/schema.h"

namespace tsfeat::bind {

namespace py = pybind11;

// How the values of a type look in numpy.
struct Dtype {
  char kind = 'i';  // as in numpy's dtype.kind
  uint32_t element_bytes = 8;
  uint32_t dimension = 0;  // columns of a 2-D array (a vector); 0: 1-D
  int number = 0;          // as in NPY_INT64
};
Dtype dtype_of(const Column& column);  // fixed-width types only
Dtype int64_dtype();
Dtype uint64_dtype();
Dtype int32_dtype();
Dtype bool_dtype();
Dtype uint8_dtype();

// A view of an array's memory, valid while the Python object lives.
struct FixedView {
  const uint8_t* data = nullptr;
  uint64_t rows = 0;
};
// TypeError unless `value` is a C-contiguous, aligned, native array of exactly this dtype. `what` begins the message.
FixedView view_fixed(py::handle value, const Dtype& dtype, const char* what);

// TypeError unless `value` is a C-contiguous, aligned, native array of one or two dimensions that holds plain values.
struct RawView {
  const uint8_t* data = nullptr;
  uint64_t rows = 0;
  uint64_t row_bytes = 0;
};
RawView view_raw(py::handle value, const char* what);

// Whether `value` is such an array already, of one dimension and with `dtype` itself for its dtype.
bool is_plain(py::handle value, py::handle dtype);

struct VarlenView {
  const int64_t* offsets = nullptr;
  const uint8_t* data = nullptr;
  uint64_t rows = 0;
  uint64_t data_bytes = 0;
};
// Of (offsets, data), two members of a tuple from `first` on. Checks dtypes and that there is an offset at all.
VarlenView view_varlen(py::handle tuple, Py_ssize_t first, const char* what);
// SchemaError unless the offsets ascend from 0 or later and stay within the data.
void check_offsets(const VarlenView& view, const char* what);

// A new array of uninitialized values.
py::object new_array(const Dtype& dtype, uint64_t rows);
void* array_data(const py::object& array);
// An array over memory that `owner` keeps; under the dtype `shown`, if given, which must be of the same width.
py::object array_over(py::handle owner, const Dtype& dtype, uint64_t rows, void* data, py::handle shown = {});
py::object view_as(const py::object& array, py::handle shown);
// TypeError unless `shown` is a dtype whose values are as wide as those of `dtype`, and no references.
void check_same_width(py::handle shown, const Dtype& dtype);
// Arrays that take over memory. Small ones are copied: that is cheaper than keeping an owner.
py::object adopt(Array&& array, const Dtype& dtype, uint64_t rows);
py::object adopt(std::vector<int64_t>&& values);
py::object adopt(codec::VarlenBuffer&& buffer);  // a tuple (offsets, data)
py::object copy_int32(const std::vector<int32_t>& values);

}  // namespace tsfeat::bind
