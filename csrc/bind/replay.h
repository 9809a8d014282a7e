// What rebuilding an earlier answer takes: how far back a table can be read, and whose events were erased.
#pragma once

#include "bind/table.h"

namespace tsfeat::bind {

py::tuple horizon_of(const PyTable& table);  // (time, version); see _core.pyi
py::object erased_keys(const PyTable& table, py::handle keys);

}  // namespace tsfeat::bind
