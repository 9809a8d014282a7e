// The reads of a table; see _core.pyi.
#pragma once

#include "bind/table.h"

namespace tsfeat::bind {

struct PyScan;

// `read` of the class, past pybind11's loading of arguments.
py::object read_method(py::handle type);
// What a read is given ready-made: objects that Python keeps.
py::object make_projection(const PyTable& table, py::handle columns);
py::object make_filter(const PyTable& table, py::handle node);
py::object count_rows(const PyTable& table, py::handle keys, py::handle since, py::handle before, py::handle version,
                      py::handle filter);
std::unique_ptr<PyScan> scan_events(const PyTable& table, py::handle columns, py::handle since, py::handle before,
                                    py::handle version, py::handle filter, int64_t chunk_rows);
std::unique_ptr<PyScan> scan_keys(const PyTable& table, py::handle version, int64_t chunk_rows);

}  // namespace tsfeat::bind
