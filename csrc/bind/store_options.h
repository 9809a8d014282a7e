// Store.open's options, from a dict to the engine's struct.
#pragma once

#include <pybind11/pybind11.h>

#include "engine/options.h"

namespace tsfeat::bind {

// SchemaError for an unknown name or a value that does not fit.
StoreOptions to_options(const pybind11::dict& options);

}  // namespace tsfeat::bind
