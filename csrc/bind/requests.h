// The arguments of reads, in the engine's terms. Needs the GIL; views stay valid while the Python objects live.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/key.h"
#include "read/filter.h"
#include "read/read.h"
#include "schema/schema.h"

namespace tsfeat::bind {

namespace py = pybind11;

std::vector<KeyView> view_keys(py::handle keys, KeyType type);
// None, an int, or int64[rows].
PerRow<int64_t> view_per_row(py::handle value, uint64_t rows, const char* what);
std::optional<int64_t> optional_int64(py::handle value, const char* what);
int64_t to_int64(py::handle value, const char* what);
// Positions as in `FilterNode` of the .pyi (0 is the time) to the engine's (-1 is the time).
std::vector<int> to_columns(py::handle list, const Schema& schema);
// A column of the schema; SchemaError for the time and anything unknown.
size_t to_schema_column(Py_ssize_t column, const Schema& schema);
// The filter's operands are copied: it owns all it needs.
FilterNode to_filter(py::handle node, const Schema& schema);
// A Filter of the .pyi, or None, which is null.
std::shared_ptr<const FilterNode> view_filter(py::handle filter);

}  // namespace tsfeat::bind
