// ArrowNode as Python sees it, and the structs of the C interface as values that release themselves.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <utility>

#include "bind/arrow_abi.h"

namespace tsfeat::bind {

namespace py = pybind11;

struct ArrowNode {
  std::string format;
  std::string name;
  bool nullable = false;
  int64_t length = 0;
  int64_t null_count = 0;
  int64_t offset = 0;
  py::list buffers;
  py::list children;  // of ArrowNode
  py::object dictionary = py::none();
};

inline constexpr int kArrowMaxDepth = 64;  // of nested types: more is an attack, not data

// One of the three structs, owned. Moving is what the interface calls moving: a copy of the struct, and the source is
// marked released.
template <typename T>
class ArrowOwned {
 public:
  ArrowOwned() = default;
  explicit ArrowOwned(T* source) : value_(*source) { source->release = nullptr; }
  ArrowOwned(ArrowOwned&& other) noexcept : value_(std::exchange(other.value_, T{})) {}
  ArrowOwned(const ArrowOwned&) = delete;
  ~ArrowOwned() {
    if (value_.release != nullptr) value_.release(&value_);
  }
  T* get() { return &value_; }
  const T* get() const { return &value_; }
  T* operator->() { return &value_; }

 private:
  T value_{};
};

inline constexpr const char* kSchemaCapsule = "arrow_schema";
inline constexpr const char* kArrayCapsule = "arrow_array";
inline constexpr const char* kStreamCapsule = "arrow_array_stream";

// Takes what a capsule holds; TypeError if it is another thing, SchemaError if it was taken before.
template <typename T>
ArrowOwned<T> take_capsule(py::handle capsule, const char* name);
extern template ArrowOwned<ArrowSchema> take_capsule(py::handle, const char*);
extern template ArrowOwned<ArrowArray> take_capsule(py::handle, const char*);
extern template ArrowOwned<ArrowArrayStream> take_capsule(py::handle, const char*);

// A capsule around a struct that `fill` makes; the capsule releases it if nobody took it.
template <typename T, typename Fill>
py::object make_capsule(const char* name, Fill fill) {
  auto owned = std::make_unique<T>(T{});
  fill(owned.get());
  PyObject* const capsule = PyCapsule_New(owned.get(), name, [](PyObject* self) {
    auto* const held = static_cast<T*>(PyCapsule_GetPointer(self, PyCapsule_GetName(self)));
    if (held->release != nullptr) held->release(held);
    delete held;
  });
  if (capsule == nullptr) {
    owned->release(owned.get());
    throw py::error_already_set();
  }
  owned.release();
  return py::reinterpret_steal<py::object>(capsule);
}

// Import, with the GIL. SchemaError for whatever does not hold together.
py::object import_schema(const ArrowSchema& schema);
py::object import_array(const ArrowSchema& schema, ArrowOwned<ArrowArray>&& array);

// Export, with the GIL; `out` is written only if nothing is thrown. What is exported may be released in any thread.
void export_schema(const ArrowNode& node, ArrowSchema* out);
void export_array(const ArrowNode& node, ArrowArray* out);

// arrow_import_stream and arrow_export_stream.
void register_arrow_streams(py::module_& module);

}  // namespace tsfeat::bind
