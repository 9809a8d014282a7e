// What a read returned, as a Python object that owns the engine's memory. numpy arrays are made when they are asked
// for: five of them cost as much as the rest of a small read.
#pragma once

#include <memory>
#include <vector>

#include "bind/box.h"
#include "read/read.h"
#include "schema/schema.h"

namespace tsfeat::bind {

// Columns of a read, checked: as in ReadRequest.
struct Projection {
  std::shared_ptr<const Schema> schema;
  std::vector<int> columns;
};

// The Python object. `result` gives up its memory array by array; see answer.cc.
struct Answer {
  std::shared_ptr<const Projection> projection;
  ReadResult result;
  uint64_t events = 0;
  std::vector<py::object> kept;  // offsets, values, validities: those that were made once and for all
};

py::object to_answer(ReadResult&& result, const std::shared_ptr<const Projection>& projection);

}  // namespace tsfeat::bind
