// Paths, and other bytes of the system's, as Python strings and back. Needs the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

namespace tsfeat::bind {

namespace py = pybind11;

// Paths are bytes to the system; Python carries those that are not UTF-8 as surrogates. SchemaError for a NUL.
std::string to_path(const py::str& path);
py::object from_path(const std::string& path);

}  // namespace tsfeat::bind
