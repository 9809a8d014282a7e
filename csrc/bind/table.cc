#include "bind/table.h"

#include <pybind11/stl.h>

#include <algorithm>

#include "bind/append.h"
#include "bind/arrays.h"
#include "bind/changes.h"
#include "bind/errors.h"
#include "bind/load.h"
#include "bind/plain_batch.h"
#include "bind/reads.h"
#include "bind/registry.h"
#include "bind/replay.h"
#include "bind/requests.h"
#include "bind/scan.h"
#include "bind/specs.h"

namespace tsfeat::bind {
namespace {

std::shared_ptr<const Schema> schema_of(const PyTable& table) { return take(table->schema()); }

uint64_t append(PyTable& table, int64_t rows, py::handle keys, py::handle times, py::handle columns,
                std::optional<std::string> source, std::optional<int64_t> position, std::optional<bool> sync) {
  if (source.has_value() != position.has_value()) raise_schema("source and position are given together");
  const std::shared_ptr<const Schema> schema = schema_of(table);
  AppendRequest request = to_append(rows, keys, times, columns, *schema);
  request.source = std::move(source);
  request.position = position.value_or(0);
  request.sync = sync;
  Result<uint64_t> version = [&] {
    const Unlocked unlocked;
    return table->append(request);
  }();
  return take(std::move(version));
}

// None: not so plain, and nothing was written.
std::optional<uint64_t> append_plain(PyTable& table, const PlainForm& form, const py::dict& data,
                                     std::optional<bool> sync) {
  const std::shared_ptr<const Schema> schema = schema_of(table);
  std::vector<py::object> held;
  std::optional<AppendRequest> request = form.view(data, *schema, &held);
  if (!request) return std::nullopt;
  request->sync = sync;
  Result<uint64_t> version = [&] {
    const Unlocked unlocked;
    return table->append(*request);
  }();
  return take(std::move(version));
}

uint64_t erase(PyTable& table, py::handle keys, py::handle before) {
  const std::vector<KeyView> views = view_keys(keys, schema_of(table)->key_type);
  const PerRow<int64_t> cut_off = view_per_row(before, views.size(), "before");
  Result<uint64_t> erased = [&] {
    const Unlocked unlocked;
    return table->erase(views, cut_off);
  }();
  return take(std::move(erased));
}

void add_column(PyTable& table, const ColumnSpec& spec, py::handle value) {
  Column column = to_column(spec);
  column.default_value = to_value(value, column);
  check([&] {
    const Unlocked unlocked;
    return table->add_column(std::move(column));
  }());
}

void set_retention(PyTable& table, py::handle spec) {
  std::optional<Retention> retention = to_retention(spec);
  check([&] {
    const Unlocked unlocked;
    return table->set_retention(retention);
  }());
}

py::list categories(const PyTable& table, Py_ssize_t column) {
  py::list out;
  for (const std::string& value : take(table->categories(to_schema_column(column, *schema_of(table)))))
    out.append(py::str(value));
  return out;
}

py::object category_codes(const PyTable& table, Py_ssize_t column, py::handle values) {
  const size_t at = to_schema_column(column, *schema_of(table));
  const VarlenView view = view_varlen(values, 0, "values");
  check_offsets(view, "values");
  std::vector<std::string_view> texts(view.rows);
  for (uint64_t row = 0; row < view.rows; ++row) {
    const auto size = static_cast<size_t>(view.offsets[row + 1] - view.offsets[row]);
    texts[row] = {reinterpret_cast<const char*>(view.data) + view.offsets[row], size};
  }
  Result<std::vector<int32_t>> codes = [&] {
    const Unlocked unlocked;
    return table->category_codes(at, texts);
  }();
  return copy_int32(take(std::move(codes)));
}

}  // namespace

void register_table(py::module_& module) {
  py::class_<PlainForm>(module, "PlainForm")
      .def(py::init<const py::list&, py::object>(), py::arg("names"), py::arg("time_dtype"));
  py::class_<PyTable> type(module, "Table");
  type.attr("read") = read_method(type);
  type.def_property_readonly("name", [](const PyTable& table) { return table->name(); })
      .def_property_readonly("spec", [](const PyTable& table) { return from_schema(*schema_of(table)); })
      .def_property_readonly("retention", [](const PyTable& table) { return from_retention(take(table->retention())); })
      .def_property_readonly("version", [](const PyTable& table) { return take(table->version()); })
      .def_property_readonly("id", [](const PyTable& table) { return table->id(); })
      .def_property_readonly("horizon", horizon_of)
      .def("erased", erased_keys, py::arg("keys"))
      .def("append", append, py::arg("rows"), py::arg("keys"), py::arg("times"), py::arg("columns"), py::arg("source"),
           py::arg("position"), py::arg("sync"))
      .def("start_load", start_load)
      .def("changes", start_changes, py::arg("columns"), py::arg("since"), py::arg("until"), py::arg("window_rows"))
      .def_property_readonly("durable_version", [](const PyTable& table) { return take(table->durable_version()); })
      .def("projection", make_projection, py::arg("columns"))
      .def("filter", make_filter, py::arg("node"))
      .def("append_plain", append_plain, py::arg("form"), py::arg("data"), py::arg("sync"))
      .def("count", count_rows, py::arg("keys"), py::arg("since"), py::arg("before"), py::arg("version"),
           py::arg("filter"))
      .def("scan", scan_events, py::arg("columns"), py::arg("since"), py::arg("before"), py::arg("version"),
           py::arg("filter"), py::arg("chunk_rows"))
      .def("keys", scan_keys, py::arg("version"), py::arg("chunk_rows"))
      .def("delete", erase, py::arg("keys"), py::arg("before"))
      .def("add_column", add_column, py::arg("column"), py::arg("default"))
      .def("set_retention", set_retention, py::arg("retention"))
      .def(
          "position", [](const PyTable& table, const std::string& source) { return take(table->position(source)); },
          py::arg("source"))
      .def("categories", categories, py::arg("column"))
      .def("category_codes", category_codes, py::arg("column"), py::arg("values"));
}

}  // namespace tsfeat::bind
