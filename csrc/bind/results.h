// Answers of the engine as Python objects, without copying what is large. Needs the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "compact/changes.h"
#include "read/merge.h"
#include "read/read.h"

namespace tsfeat::bind {

namespace py = pybind11;

// A list of (values, validity or None). columns: as in ReadRequest.
py::object to_columns(std::vector<ColumnResult>&& made, const std::vector<int>& columns, uint64_t rows,
                      const Schema& schema);
// (complete, versions, (keys, columns))
py::object to_changes_chunk(ChangesChunk&& chunk, const std::vector<int>& columns, const Schema& schema);
// (keys, columns)
py::object to_scan_chunk(ScanChunk&& chunk, const std::vector<int>& columns, const Schema& schema);

}  // namespace tsfeat::bind
