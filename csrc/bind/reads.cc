#include "bind/reads.h"

#include "base/helpers.h"
#include "bind/answer.h"
#include "bind/arrays.h"
#include "bind/errors.h"
#include "bind/registry.h"
#include "bind/requests.h"

namespace tsfeat::bind {
namespace {

// A request and what it points to.
struct Request {
  ReadRequest read;
  std::shared_ptr<const FilterNode> filter;

  Request(py::handle keys, py::handle since, py::handle before, py::handle version, py::handle filter_or_none,
          KeyType key_type)
      : filter(view_filter(filter_or_none)) {
    read.keys = view_keys(keys, key_type);
    const uint64_t rows = read.keys.size();
    read.since = view_per_row(since, rows, "since");
    read.before = view_per_row(before, rows, "before");
    read.version = view_per_row(version, rows, "version");
    read.filter = filter.get();
  }
  Request(const Request&) = delete;
};

using SharedProjection = std::shared_ptr<const Projection>;

// keys, n, since, before, version, filter, projection, and perhaps read_at
py::object read_rows(const PyTable& table, PyObject* const* given, Py_ssize_t count) {
  const SharedProjection* const projection = unbox<SharedProjection>(given[6]);
  if (projection == nullptr) raise_type("projection: expected a Projection, as Table.projection makes it");
  // Columns are only ever added, so positions in this schema hold in the view's.
  Request request(given[0], given[2], given[3], given[4], given[5], (*projection)->schema->key_type);
  request.read.n = view_per_row(given[1], request.read.keys.size(), "n");
  if (count == 8) request.read.read_at = view_per_row(given[7], request.read.keys.size(), "read_at");
  request.read.columns = (*projection)->columns;
  Result<ReadResult> result = [&]() -> Result<ReadResult> {
    const Unlocked unlocked;
    TSFEAT_ASSIGN(View view, table->view());
    return read(view, request.read);
  }();
  ReadResult made = take(std::move(result));
  // Asked for one version, that is the one that was read; else it is the view's.
  if (request.read.version.scalar) made.version = static_cast<uint64_t>(*request.read.version.scalar);
  return to_answer(std::move(made), *projection);
}

// `self` is of the class, as Python has checked.
const PyTable& table_of(PyObject* self) {
  const void* const table = reinterpret_cast<py::detail::instance*>(self)->get_value_and_holder().value_ptr();
  if (table == nullptr) raise_type("this Table was not made by a store");
  return *static_cast<const PyTable*>(table);
}

PyObject* call_read(PyObject* self, PyObject* const* given, Py_ssize_t count) {
  return guarded([&] {
    if (count != 7 && count != 8)
      raise_type("read takes keys, n, since, before, version, filter, projection and, optionally, read_at");
    return read_rows(table_of(self), given, count);
  });
}

// Asked of every read's keys: in Python it would take several looks at the array.
PyObject* call_is_plain(PyObject*, PyObject* const* given, Py_ssize_t count) {
  return guarded([&]() -> py::object {
    if (count != 2) raise_type("is_plain takes a value and a dtype");
    return py::bool_(is_plain(given[0], given[1]));
  });
}

}  // namespace

py::object read_method(py::handle type) {
  static PyMethodDef method = {"read", fast_method(call_read), METH_FASTCALL, nullptr};
  PyObject* const made = PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(type.ptr()), &method);
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

void register_reads(py::module_& module) {
  register_box<SharedProjection>(module, "tsfeat._core.Projection", nullptr, nullptr);
  register_box<std::shared_ptr<const FilterNode>>(module, "tsfeat._core.Filter", nullptr, nullptr);
  static PyMethodDef functions[] = {{"is_plain", fast_method(call_is_plain), METH_FASTCALL, nullptr}, {}};
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw py::error_already_set();
  module.def("work_alone", &work_alone);
}

py::object make_projection(const PyTable& table, py::handle columns) {
  std::shared_ptr<const Schema> schema = take(table->schema());
  std::vector<int> positions = to_columns(columns, *schema);
  return make_box<SharedProjection>(
      std::make_shared<const Projection>(Projection{std::move(schema), std::move(positions)}));
}

py::object make_filter(const PyTable& table, py::handle node) {
  return make_box(std::make_shared<const FilterNode>(to_filter(node, *take(table->schema()))));
}

py::object count_rows(const PyTable& table, py::handle keys, py::handle since, py::handle before, py::handle version,
                      py::handle filter) {
  const std::shared_ptr<const Schema> schema = take(table->schema());
  const Request request(keys, since, before, version, filter, schema->key_type);
  Result<std::vector<int64_t>> result = [&]() -> Result<std::vector<int64_t>> {
    const Unlocked unlocked;
    TSFEAT_ASSIGN(View view, table->view());
    return count(view, request.read);
  }();
  return adopt(take(std::move(result)));
}

}  // namespace tsfeat::bind
