// Strings between Python's objects, numpy's UCS-4 and the canonical (offsets, data).
#include <pybind11/pybind11.h>

#include <cstring>

#include "base/bytes.h"
#include "bind/arrays.h"
#include "bind/errors.h"
#include "bind/numpy_api.h"
#include "bind/registry.h"

namespace tsfeat::bind {
namespace {

// Appends the UTF-8 of one code point; false if it is none (a surrogate, or past U+10FFFF).
bool append_utf8(uint32_t point, std::string* out) {
  const auto tail = [&](int shift) { out->push_back(static_cast<char>(0x80 | ((point >> shift) & 0x3f))); };
  if (point < 0x80) {
    out->push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out->push_back(static_cast<char>(0xc0 | (point >> 6)));
    tail(0);
  } else if (point < 0x10000) {
    if (point >= 0xd800 && point < 0xe000) return false;
    out->push_back(static_cast<char>(0xe0 | (point >> 12)));
    tail(6);
    tail(0);
  } else {
    if (point > 0x10ffff) return false;
    out->push_back(static_cast<char>(0xf0 | (point >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
  return true;
}

void start(uint64_t rows, codec::VarlenBuffer* out) { out->offsets.reserve(rows + 1); }
void end_value(codec::VarlenBuffer* out) { out->offsets.push_back(static_cast<int64_t>(out->data.size())); }

py::object varlen_from_ucs4(const py::object& values) {
  if (!PyArray_Check(values.ptr())) raise_type("values: expected an array of dtype 'U'");
  auto* const array = reinterpret_cast<PyArrayObject*>(values.ptr());
  if (PyArray_TYPE(array) != NPY_UNICODE || PyArray_NDIM(array) != 1 || !PyArray_ISCARRAY_RO(array)) {
    raise_type("values: expected a contiguous 1-D array of dtype 'U'");
  }
  const auto rows = static_cast<uint64_t>(PyArray_DIM(array, 0));
  const auto width = static_cast<uint64_t>(PyArray_ITEMSIZE(array)) / 4;
  const auto* const data = static_cast<const uint8_t*>(PyArray_DATA(array));
  codec::VarlenBuffer out;
  start(rows, &out);
  for (uint64_t row = 0; row < rows; ++row) {
    const uint8_t* const text = data + row * width * 4;
    uint64_t size = width;
    while (size > 0 && load<uint32_t>(text + (size - 1) * 4) == 0) --size;
    for (uint64_t i = 0; i < size; ++i) {
      if (!append_utf8(load<uint32_t>(text + i * 4), &out.data)) {
        raise_schema("row " + std::to_string(row) + ": the string holds a code point that UTF-8 cannot encode");
      }
    }
    end_value(&out);
  }
  return adopt(std::move(out));
}

// The bytes of a str (as UTF-8) or bytes object; nothing may run between this and their use.
std::string_view view_object(PyObject* value, bool binary, Py_ssize_t row) {
  if (binary ? !PyBytes_Check(value) : !PyUnicode_Check(value)) {
    raise_type("element " + std::to_string(row) + ": expected " + (binary ? "bytes" : "str") + ", not " +
               Py_TYPE(value)->tp_name);
  }
  if (binary) return {PyBytes_AS_STRING(value), static_cast<size_t>(PyBytes_GET_SIZE(value))};
  Py_ssize_t size = 0;
  const char* const text = PyUnicode_AsUTF8AndSize(value, &size);
  if (text == nullptr) throw py::error_already_set();
  return {text, static_cast<size_t>(size)};
}

py::object varlen_from_objects(const py::object& values, bool binary) {
  const bool is_list = PyList_Check(values.ptr());
  if (!is_list && !PyTuple_Check(values.ptr())) raise_type("values: expected a list or tuple");
  codec::VarlenBuffer out;
  start(static_cast<uint64_t>(Py_SIZE(values.ptr())), &out);
  // The size is asked again each time: another thread may have the list too.
  for (Py_ssize_t row = 0; row < Py_SIZE(values.ptr()); ++row) {
    const py::object value = py::reinterpret_borrow<py::object>(is_list ? PyList_GET_ITEM(values.ptr(), row)
                                                                        : PyTuple_GET_ITEM(values.ptr(), row));
    out.data.append(view_object(value.ptr(), binary, row));
    end_value(&out);
  }
  return adopt(std::move(out));
}

VarlenView view_parts(const py::object& offsets, const py::object& data) {
  // The tuple may go: the caller holds its members.
  const VarlenView view = view_varlen(py::make_tuple(offsets, data), 0, "offsets and data");
  check_offsets(view, "offsets and data");
  return view;
}

std::string_view value_at(const VarlenView& view, uint64_t row) {
  const auto size = static_cast<size_t>(view.offsets[row + 1] - view.offsets[row]);
  return {reinterpret_cast<const char*>(view.data) + view.offsets[row], size};
}

py::list varlen_to_objects(const py::object& offsets, const py::object& data, bool binary) {
  const VarlenView view = view_parts(offsets, data);
  py::list out(view.rows);
  for (uint64_t row = 0; row < view.rows; ++row) {
    const std::string_view value = value_at(view, row);
    const auto size = static_cast<Py_ssize_t>(value.size());
    PyObject* const made =
        binary ? PyBytes_FromStringAndSize(value.data(), size) : PyUnicode_DecodeUTF8(value.data(), size, nullptr);
    if (made == nullptr) throw py::error_already_set();
    PyList_SET_ITEM(out.ptr(), static_cast<Py_ssize_t>(row), made);
  }
  return out;
}

py::object varlen_take(const py::object& offsets, const py::object& data, const py::object& indices) {
  const VarlenView view = view_parts(offsets, data);
  const FixedView chosen = view_fixed(indices, int64_dtype(), "indices");
  const auto* const rows = reinterpret_cast<const int64_t*>(chosen.data);
  codec::VarlenBuffer out;
  start(chosen.rows, &out);
  uint64_t total = 0;
  for (uint64_t i = 0; i < chosen.rows; ++i) {
    if (rows[i] < 0 || static_cast<uint64_t>(rows[i]) >= view.rows) {
      throw py::index_error("index " + std::to_string(rows[i]) + " of " + std::to_string(view.rows) + " strings");
    }
    total += value_at(view, static_cast<uint64_t>(rows[i])).size();
  }
  out.data.reserve(total);
  for (uint64_t i = 0; i < chosen.rows; ++i) {
    out.data.append(value_at(view, static_cast<uint64_t>(rows[i])));
    end_value(&out);
  }
  return adopt(std::move(out));
}

}  // namespace

void register_strings(py::module_& module) {
  module.def("varlen_from_ucs4", varlen_from_ucs4, py::arg("values"));
  module.def("varlen_from_objects", varlen_from_objects, py::arg("values"), py::arg("binary"));
  module.def("varlen_to_objects", varlen_to_objects, py::arg("offsets"), py::arg("data"), py::arg("binary"));
  module.def("varlen_take", varlen_take, py::arg("offsets"), py::arg("data"), py::arg("indices"));
}

}  // namespace tsfeat::bind
