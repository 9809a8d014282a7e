// Lists that Python hands over. Needs the GIL.
#pragma once

#include <pybind11/pybind11.h>

namespace tsfeat::bind {

// A list of its own, which the giver cannot change any more; None: an empty one.
inline pybind11::list copy_list(const pybind11::object& items) {
  return items.is_none() ? pybind11::list() : pybind11::list(pybind11::tuple(items));
}

}  // namespace tsfeat::bind
