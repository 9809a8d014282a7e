#include "bind/errors.h"

namespace tsfeat::bind {
namespace {

const char* class_name(Code code) {
  switch (code) {
    case Code::kSchema:
      return "SchemaError";
    case Code::kNotFound:
      return "NotFoundError";
    case Code::kLocked:
      return "LockedError";
    case Code::kClosed:
      return "ClosedError";
    case Code::kRetention:
      return "RetentionError";
    case Code::kCorruption:
      return "CorruptionError";
    case Code::kStorage:
      return "StorageError";
    case Code::kOutOfSpace:
      return "OutOfSpaceError";
    case Code::kPoisoned:
      return "PoisonedError";
    case Code::kOk:
      break;
  }
  return "Error";
}

// Messages may quote paths and values that are not UTF-8.
py::object text(const std::string& message) {
  PyObject* const decoded =
      PyUnicode_DecodeUTF8(message.data(), static_cast<Py_ssize_t>(message.size()), "backslashreplace");
  if (decoded == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(decoded);
}

}  // namespace

void raise(const Status& status) {
  // Looked up now, not at import: tsfeat.errors is Python, and above this module.
  const py::object kind = py::module_::import("tsfeat.errors").attr(class_name(status.code()));
  const bool has_errno = status.code() == Code::kStorage || status.code() == Code::kOutOfSpace;
  const py::object message = text(status.message());
  const py::object error = has_errno ? kind(status.error_number(), message) : kind(message);
  PyErr_SetObject(kind.ptr(), error.ptr());
  throw py::error_already_set();
}

void raise_schema(std::string message) { raise(Status::schema(std::move(message))); }

void raise_type(const std::string& message) { throw py::type_error(message); }

}  // namespace tsfeat::bind
