#include "bind/results.h"

#include <cstring>
#include <utility>

#include "bind/arrays.h"
#include "bind/errors.h"

namespace tsfeat::bind {
namespace {

// A tuple or list takes the reference.
template <typename T>
py::object checked(T* object) {
  if (object == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(object);
}

py::object pair(py::object first, py::object second) {
  const py::object tuple = checked(PyTuple_New(2));
  PyTuple_SET_ITEM(tuple.ptr(), 0, first.release().ptr());
  PyTuple_SET_ITEM(tuple.ptr(), 1, second.release().ptr());
  return tuple;
}

py::object to_column(ColumnResult&& made, int column, uint64_t rows, const Schema& schema) {
  const Column* const described = column < 0 ? nullptr : &schema.columns[static_cast<size_t>(column)];
  py::object validity = made.validity ? adopt(std::move(*made.validity), bool_dtype(), rows) : py::none();
  if (described != nullptr && is_varlen(described->type))
    return pair(adopt(std::move(*made.varlen)), std::move(validity));
  return pair(adopt(std::move(made.fixed), described == nullptr ? int64_dtype() : dtype_of(*described), rows),
              std::move(validity));
}

py::object to_keys(ScanChunk&& chunk, KeyType type) {
  if (is_varlen(type)) return adopt(std::move(chunk.varlen_keys));
  py::object keys = new_array(type == KeyType::kUint64 ? uint64_dtype() : int64_dtype(), chunk.rows);
  if (chunk.rows != 0) std::memcpy(array_data(keys), chunk.fixed_keys.data(), chunk.rows * sizeof(uint64_t));
  return keys;
}

}  // namespace

py::object to_columns(std::vector<ColumnResult>&& made, const std::vector<int>& columns, uint64_t rows,
                      const Schema& schema) {
  py::object list = checked(PyList_New(static_cast<Py_ssize_t>(made.size())));
  for (size_t i = 0; i < made.size(); ++i) {
    PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(i),
                    to_column(std::move(made[i]), columns[i], rows, schema).release().ptr());
  }
  return list;
}

py::object to_changes_chunk(ChangesChunk&& chunk, const std::vector<int>& columns, const Schema& schema) {
  const uint64_t rows = chunk.versions.size();
  py::object versions = new_array(uint64_dtype(), rows);
  if (rows != 0) std::memcpy(array_data(versions), chunk.versions.data(), rows * sizeof(uint64_t));
  return py::make_tuple(chunk.complete, versions, to_scan_chunk(std::move(chunk.events), columns, schema));
}

py::object to_scan_chunk(ScanChunk&& chunk, const std::vector<int>& columns, const Schema& schema) {
  py::object made = to_columns(std::move(chunk.columns), columns, chunk.rows, schema);
  return pair(to_keys(std::move(chunk), schema.key_type), std::move(made));
}

}  // namespace tsfeat::bind
