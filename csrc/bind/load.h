// A bulk load as Python holds it.
#pragma once

#include <memory>

#include "bind/table.h"

namespace tsfeat::bind {

struct PyLoad {
  std::shared_ptr<const Schema> schema;
  std::unique_ptr<Handle<Load>> load;  // null when it is over
};

std::unique_ptr<PyLoad> start_load(PyTable& table);

}  // namespace tsfeat::bind
