// A walk over what has arrived, as Python holds it.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "bind/table.h"

namespace tsfeat::bind {

struct ChangesState {
  std::shared_ptr<const Schema> schema;
  std::vector<int> columns;
  std::unique_ptr<Changes> changes;
  std::mutex mutex;  // one next() at a time; taken without the GIL
};

struct PyChanges {
  Handle<ChangesState> state;
};

std::unique_ptr<PyChanges> start_changes(const PyTable& table, py::handle columns, int64_t since, int64_t until,
                                         int64_t window_rows);

}  // namespace tsfeat::bind
