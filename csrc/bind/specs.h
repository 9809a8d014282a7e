// ColumnSpec, TableSpec and RetentionSpec: what a table is, as plain Python objects.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <string>

#include "schema/retention.h"
#include "schema/schema.h"

namespace tsfeat::bind {

namespace py = pybind11;

struct ColumnSpec {
  std::string name;
  std::string type;
  int64_t dimension = 1;
  bool nullable = false;
  bool closed = false;
  py::list categories;
  bool has_default = false;
};

struct TableSpec {
  std::string key_name;
  std::string key_type;
  std::string time_name;
  std::string unit;
  py::list columns;  // of ColumnSpec
};

struct RetentionSpec {
  std::optional<int64_t> max_age;
  std::optional<int64_t> max_events;
  int64_t min_events = 0;
  int64_t history = 0;
  bool event_clock = false;
};

// Names of types and units are checked here (SchemaError), the rest by the engine.
Column to_column(const ColumnSpec& spec);
Schema to_schema(const TableSpec& spec);
std::optional<Retention> to_retention(py::handle spec);  // RetentionSpec or None
TableSpec from_schema(const Schema& schema);
py::object from_retention(const std::optional<Retention>& retention);

}  // namespace tsfeat::bind
