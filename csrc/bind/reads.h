// The reads of a table; see _core.pyi.
#pragma once

#include "bind/table.h"

namespace tsfeat::bind {

struct PyScan;

py::object read_rows(const PyTable& table, py::handle keys, py::handle n, py::handle since, py::handle before,
                     py::handle version, py::handle filter, py::handle columns);
py::object count_rows(const PyTable& table, py::handle keys, py::handle since, py::handle before, py::handle version,
                      py::handle filter);
std::unique_ptr<PyScan> scan_events(const PyTable& table, py::handle columns, py::handle since, py::handle before,
                                    py::handle version, py::handle filter, int64_t chunk_rows);
std::unique_ptr<PyScan> scan_keys(const PyTable& table, py::handle version, int64_t chunk_rows);

}  // namespace tsfeat::bind
