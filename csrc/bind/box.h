// Python objects of our own that hold a T, for what every read makes or is given. pybind11 keeps a registry of its
// instances, and asking it costs more than the rest of a small read's result. Cannot be made from Python, nor
// subclassed; not tracked by the garbage collector, so a T leads to no Python object that could lead back to it.
#pragma once

#include <pybind11/pybind11.h>

#include <cstring>
#include <new>
#include <utility>

namespace tsfeat::bind {

namespace py = pybind11;

template <typename T>
struct Box {
  PyObject head;
  T value;
};

template <typename T>
inline PyTypeObject* box_type = nullptr;  // as long as the module

template <typename T>
T& unboxed(PyObject* box) {
  return reinterpret_cast<Box<T>*>(box)->value;
}

// Null if it is something else.
template <typename T>
T* unbox(py::handle object) {
  return Py_TYPE(object.ptr()) == box_type<T> ? &unboxed<T>(object.ptr()) : nullptr;
}

template <typename T>
py::object make_box(T&& value) {
  auto* const box = PyObject_New(Box<T>, box_type<T>);
  if (box == nullptr) throw py::error_already_set();
  new (&box->value) T(std::move(value));
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(box));
}

template <typename T>
void free_box(PyObject* box) {
  PyTypeObject* const type = Py_TYPE(box);
  unboxed<T>(box).~T();
  PyObject_Free(box);
  Py_DECREF(type);
}

// `name` with its module. The tables of methods and attributes are static, or null.
template <typename T>
void register_box(py::module_& module, const char* name, PyMethodDef* methods, PyGetSetDef* attributes) {
  PyMethodDef no_methods[] = {{}};
  PyGetSetDef no_attributes[] = {{}};
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(free_box<T>)},
                         {Py_tp_methods, methods == nullptr ? no_methods : methods},
                         {Py_tp_getset, attributes == nullptr ? no_attributes : attributes},
                         {0, nullptr}};
  constexpr unsigned flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE;
  PyType_Spec spec = {name, sizeof(Box<T>), 0, flags, slots};
  PyObject* const type = PyType_FromSpec(&spec);
  if (type == nullptr) throw py::error_already_set();
  box_type<T> = reinterpret_cast<PyTypeObject*>(type);
  module.attr(std::strrchr(name, '.') + 1) = py::reinterpret_borrow<py::object>(type);
}

// For the table of methods, with METH_FASTCALL.
using FastMethod = PyObject* (*)(PyObject* self, PyObject* const* given, Py_ssize_t count);
inline PyCFunction fast_method(FastMethod method) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(method));
}

// What a method throws becomes Python's error, as in pybind11's own functions.
template <typename Call>
PyObject* guarded(Call call) noexcept {
  try {
    return call().release().ptr();
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (...) {
    py::detail::try_translate_exceptions();
  }
  return nullptr;
}

}  // namespace tsfeat::bind
