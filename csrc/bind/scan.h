// A walk over a table as Python holds it.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "bind/handles.h"
#include "read/merge.h"

namespace tsfeat::bind {

// What the engine's scan needs as long as it lives, in the order of need.
struct ScanState {
  std::shared_ptr<const Schema> schema;
  std::shared_ptr<const FilterNode> filter;
  std::vector<int> columns;
  std::unique_ptr<Scanner> scanner;
  std::mutex mutex;  // one next() at a time; taken without the GIL
};

struct PyScan {
  Handle<ScanState> state;
};

}  // namespace tsfeat::bind
