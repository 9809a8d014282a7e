// NumPy's C API: included by way of this header only, so that all files of the room share the one table of functions
// that module.cc imports.
#pragma once

#include <pybind11/pybind11.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL tsfeat_numpy_api
#ifndef TSFEAT_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>
