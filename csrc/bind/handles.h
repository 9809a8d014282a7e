// What Python objects hold of the engine, and how they let go of it.
#pragma once

#include <pybind11/gil_simple.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/process.h"
#include "vfs/vfs.h"

namespace tsfeat::bind {

namespace py = pybind11;

using Unlocked = py::gil_scoped_release_simple;

// What must outlive everything of one open store. The deleters know whether there is anything to free.
struct Roots {
  std::shared_ptr<Vfs> vfs;
  std::shared_ptr<const Clock> clock;
  uint64_t opened_in = fork_generation();
};

// Owns a T of the engine together with its roots. In a forked child it lets go without freeing: the threads that a
// destructor would wait for stayed with the parent, and so did whoever held its locks.
template <typename T>
class Handle {
 public:
  Handle(std::shared_ptr<const Roots> roots, std::shared_ptr<T> object)
      : roots_(std::move(roots)), object_(std::move(object)) {}
  Handle(Handle&&) noexcept = default;
  Handle(const Handle&) = delete;
  ~Handle() {
    if (object_ == nullptr) return;
    if (roots_->opened_in != fork_generation()) {
      new std::shared_ptr<const Roots>(std::move(roots_));
      new std::shared_ptr<T>(std::move(object_));
      return;
    }
    // The last one closes the store, which flushes and joins threads.
    const Unlocked unlocked;
    object_.reset();
    roots_.reset();
  }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_.get(); }
  const std::shared_ptr<const Roots>& roots() const { return roots_; }
  bool inherited() const { return roots_->opened_in != fork_generation(); }

 private:
  std::shared_ptr<const Roots> roots_;
  std::shared_ptr<T> object_;
};

}  // namespace tsfeat::bind
