// Long work that reports: Python's callback, and signals such as Ctrl-C, from inside the engine.
#pragma once

#include <pybind11/pybind11.h>

#include <exception>

#include "bind/errors.h"
#include "engine/store.h"

namespace tsfeat::bind {

// Made with the GIL; called by the engine without it, in the thread that called the engine. What the callback raises
// stops the work and is raised again by finish().
class Reporter {
 public:
  explicit Reporter(py::object callback) : callback_(std::move(callback)) {}
  Reporter(const Reporter&) = delete;

  Progress progress() {
    return [this](double fraction) { return report(fraction); };
  }
  // With the GIL, after the engine returned.
  void finish(const Status& status) {
    if (raised_) std::rethrow_exception(raised_);
    check(status);
  }

 private:
  bool report(double fraction) {
    const py::gil_scoped_acquire_simple locked;
    if (raised_) return false;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (!callback_.is_none()) callback_(fraction);
    } catch (...) {
      raised_ = std::current_exception();
    }
    return !raised_;
  }

  py::object callback_;
  std::exception_ptr raised_;
};

}  // namespace tsfeat::bind
