#include "bind/specs.h"

#include <pybind11/stl.h>

#include <array>
#include <string_view>

#include "bind/errors.h"
#include "bind/lists.h"
#include "bind/registry.h"

namespace tsfeat::bind {
namespace {

constexpr std::array kTypes = {
    Type::kBool,   Type::kInt8,   Type::kInt16,   Type::kInt32,   Type::kInt64,    Type::kUint8,  Type::kUint16,
    Type::kUint32, Type::kUint64, Type::kFloat32, Type::kFloat64, Type::kCategory, Type::kString, Type::kBinary,
};
constexpr std::array kKeyTypes = {KeyType::kInt64, KeyType::kUint64, KeyType::kString, KeyType::kBinary};
constexpr std::array kUnits = {TimeUnit::kSecond, TimeUnit::kMillisecond, TimeUnit::kMicrosecond,
                               TimeUnit::kNanosecond};

// The member of `all` whose name is `name`.
template <typename T, size_t count, typename Naming>
T find(const std::array<T, count>& all, Naming naming, const std::string& name, const char* what) {
  for (const T candidate : all) {
    if (naming(candidate) == name) return candidate;
  }
  raise_schema(std::string("there is no ") + what + " '" + name + "'");
}

Type to_type(const std::string& name) {
  if (name == "vector") return Type::kVectorFloat32;
  return find(kTypes, type_name, name, "type");
}

uint64_t to_count(int64_t value, const char* what) {
  if (value < 0) raise_schema(std::string(what) + " is " + std::to_string(value) + ", but cannot be negative");
  return static_cast<uint64_t>(value);
}

// The engine's counts are unsigned; Python's side never means more than an int64 holds.
int64_t from_count(uint64_t value) { return static_cast<int64_t>(std::min<uint64_t>(value, INT64_MAX)); }

ColumnSpec from_column(const Column& column) {
  ColumnSpec spec;
  spec.name = column.name;
  spec.type = is_vector(column.type) ? "vector" : std::string(type_name(column.type));
  spec.dimension = column.dimension;
  spec.nullable = column.nullable;
  spec.closed = column.closed;
  spec.has_default = column.default_value.has_value();
  for (const std::string& category : column.declared_categories) spec.categories.append(py::str(category));
  return spec;
}

}  // namespace

Column to_column(const ColumnSpec& spec) {
  Column column;
  column.name = spec.name;
  column.type = to_type(spec.type);
  if (spec.dimension < 1 || spec.dimension > UINT16_MAX) {
    raise_schema("column '" + spec.name + "': a vector has 1 to 65535 dimensions, not " +
                 std::to_string(spec.dimension));
  }
  column.dimension = static_cast<uint32_t>(spec.dimension);
  column.nullable = spec.nullable;
  column.closed = spec.closed;
  for (const py::handle category : spec.categories) column.declared_categories.push_back(category.cast<std::string>());
  return column;
}

Schema to_schema(const TableSpec& spec) {
  Schema schema;
  schema.key_name = spec.key_name;
  schema.key_type = find(kKeyTypes, key_type_name, spec.key_type, "key type");
  schema.time_name = spec.time_name;
  schema.unit = find(kUnits, unit_name, spec.unit, "unit of time");
  for (const py::handle column : spec.columns) schema.columns.push_back(to_column(column.cast<const ColumnSpec&>()));
  return schema;
}

std::optional<Retention> to_retention(py::handle object) {
  if (object.is_none()) return std::nullopt;
  const auto& spec = object.cast<const RetentionSpec&>();
  Retention retention;
  if (spec.max_age) retention.max_age = static_cast<int64_t>(to_count(*spec.max_age, "max_age"));
  if (spec.max_events) retention.max_events = to_count(*spec.max_events, "max_events");
  retention.min_events = to_count(spec.min_events, "min_events");
  retention.history = static_cast<int64_t>(to_count(spec.history, "history"));
  retention.event_clock = spec.event_clock;
  return retention;
}

TableSpec from_schema(const Schema& schema) {
  TableSpec spec;
  spec.key_name = schema.key_name;
  spec.key_type = key_type_name(schema.key_type);
  spec.time_name = schema.time_name;
  spec.unit = unit_name(schema.unit);
  for (const Column& column : schema.columns) spec.columns.append(py::cast(from_column(column)));
  return spec;
}

py::object from_retention(const std::optional<Retention>& retention) {
  if (!retention) return py::none();
  RetentionSpec spec;
  spec.max_age = retention->max_age;
  if (retention->max_events) spec.max_events = from_count(*retention->max_events);
  spec.min_events = from_count(retention->min_events);
  spec.history = retention->history;
  spec.event_clock = retention->event_clock;
  return py::cast(spec);
}

void register_specs(py::module_& module) {
  py::class_<ColumnSpec>(module, "ColumnSpec")
      .def(py::init([](std::string name, std::string type, int64_t dimension, bool nullable, bool closed,
                       const py::object& categories) {
             return ColumnSpec{std::move(name), std::move(type),       dimension, nullable,
                               closed,          copy_list(categories), false};
           }),
           py::arg("name"), py::arg("type"), py::kw_only(), py::arg("dimension") = 1, py::arg("nullable") = false,
           py::arg("closed") = false, py::arg("categories") = py::none())
      .def_readwrite("name", &ColumnSpec::name)
      .def_readwrite("type", &ColumnSpec::type)
      .def_readwrite("dimension", &ColumnSpec::dimension)
      .def_readwrite("nullable", &ColumnSpec::nullable)
      .def_readwrite("closed", &ColumnSpec::closed)
      .def_readwrite("categories", &ColumnSpec::categories)
      .def_readwrite("has_default", &ColumnSpec::has_default);
  py::class_<TableSpec>(module, "TableSpec")
      .def(py::init([](std::string key_name, std::string key_type, std::string time_name, std::string unit,
                       const py::object& columns) {
             return TableSpec{std::move(key_name), std::move(key_type), std::move(time_name), std::move(unit),
                              copy_list(columns)};
           }),
           py::arg("key_name"), py::arg("key_type"), py::arg("time_name"), py::arg("unit"), py::arg("columns"))
      .def_readwrite("key_name", &TableSpec::key_name)
      .def_readwrite("key_type", &TableSpec::key_type)
      .def_readwrite("time_name", &TableSpec::time_name)
      .def_readwrite("unit", &TableSpec::unit)
      .def_readwrite("columns", &TableSpec::columns);
  py::class_<RetentionSpec>(module, "RetentionSpec")
      .def(py::init([](std::optional<int64_t> max_age, std::optional<int64_t> max_events, int64_t min_events,
                       int64_t history, bool event_clock) {
             return RetentionSpec{max_age, max_events, min_events, history, event_clock};
           }),
           py::arg("max_age"), py::arg("max_events"), py::arg("min_events"), py::arg("history"), py::arg("event_clock"))
      .def_readwrite("max_age", &RetentionSpec::max_age)
      .def_readwrite("max_events", &RetentionSpec::max_events)
      .def_readwrite("min_events", &RetentionSpec::min_events)
      .def_readwrite("history", &RetentionSpec::history)
      .def_readwrite("event_clock", &RetentionSpec::event_clock);
}

}  // namespace tsfeat::bind
