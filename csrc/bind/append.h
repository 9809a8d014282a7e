// Arguments of append and add_column, checked against the schema. Needs the GIL; views stay valid while the Python
// objects live.
#pragma once

#include <pybind11/pybind11.h>

#include "engine/store.h"

namespace tsfeat::bind {

namespace py = pybind11;

// rows, keys, times and columns of the request; source, position and sync are left to the caller.
AppendRequest to_append(int64_t rows, py::handle keys, py::handle times, py::handle columns, const Schema& schema);
// One value in the canonical form of a column; a category's is its string.
Value to_value(py::handle column, const Column& described);

}  // namespace tsfeat::bind
