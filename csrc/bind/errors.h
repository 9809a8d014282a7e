// From the engine's errors as values to Python's exceptions. Everything here needs the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <utility>

#include "base/status.h"

namespace tsfeat::bind {

namespace py = pybind11;

// Throws the exception of tsfeat.errors that belongs to the status.
[[noreturn]] void raise(const Status& status);
[[noreturn]] void raise_schema(std::string message);
[[noreturn]] void raise_type(const std::string& message);

inline void check(const Status& status) {
  if (!status.ok()) raise(status);
}

template <typename T>
T take(Result<T>&& result) {
  check(result.status());
  return std::move(*result);
}

}  // namespace tsfeat::bind
