// The usual append, a dict of numpy arrays that are what the engine takes, on a short path: no list of columns is made
// in Python. Whatever else is given takes the long path, which converts or explains.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <vector>

#include "engine/store.h"

namespace tsfeat::bind {

namespace py = pybind11;

// Names of a table's key, time and columns, and the dtype besides int64 in which times are taken.
class PlainForm {
 public:
  PlainForm(const py::list& names, py::object time_dtype);

  // Views of the arrays in `data`, which `held` then owns; nothing if they are not all there in exactly the schema's
  // dtypes, of one length, contiguous, without others beside them. Needs the GIL.
  std::optional<AppendRequest> view(const py::dict& data, const Schema& schema, std::vector<py::object>* held) const;

 private:
  std::vector<py::object> names_;
  py::object time_dtype_;
};

}  // namespace tsfeat::bind
