// A table as Python holds it.
#pragma once

#include "bind/handles.h"
#include "engine/store.h"

namespace tsfeat::bind {

using PyTable = Handle<Table>;

}  // namespace tsfeat::bind
