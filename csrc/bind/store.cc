#include <pybind11/stl.h>

#include "bind/errors.h"
#include "bind/handles.h"
#include "bind/paths.h"
#include "bind/progress.h"
#include "bind/registry.h"
#include "bind/specs.h"
#include "bind/store_options.h"
#include "bind/table.h"
#include "bind/testing.h"
#include "engine/store.h"

namespace tsfeat::bind {
namespace {

using PyStore = Handle<Store>;

std::unique_ptr<PyStore> open(const py::str& path, bool writable, const py::dict& options, const PyClock* clock,
                              const PyDisk* disk) {
  auto roots = std::make_shared<Roots>();
  roots->vfs = disk == nullptr ? std::shared_ptr<Vfs>(Vfs::posix(), [](Vfs*) {}) : vfs_of(*disk);
  roots->clock = clock == nullptr ? std::shared_ptr<const Clock>(Clock::system(), [](const Clock*) {}) : clock->clock;
  const std::string where = to_path(path);
  const StoreOptions chosen = to_options(options);
  Result<std::shared_ptr<Store>> opened = [&] {
    const Unlocked unlocked;
    return Store::open(*roots->vfs, *roots->clock, where, writable, chosen);
  }();
  return std::make_unique<PyStore>(roots, take(std::move(opened)));
}

// Calls a fallible method without the GIL.
template <typename Call>
auto unlocked_call(Call call) {
  const Unlocked unlocked;
  return call();
}

std::unique_ptr<PyTable> create_table(const PyStore& store, const std::string& name, const TableSpec& spec,
                                      py::handle retention) {
  Schema schema = to_schema(spec);
  std::optional<Retention> keeps = to_retention(retention);
  auto made = unlocked_call([&] { return store->create_table(name, std::move(schema), keeps); });
  return std::make_unique<PyTable>(store.roots(), take(std::move(made)));
}

std::unique_ptr<PyTable> table(const PyStore& store, const std::string& name) {
  return std::make_unique<PyTable>(store.roots(), take(store->table(name)));
}

void compact(const PyStore& store, bool erase, py::object callback) {
  Reporter reporter(std::move(callback));
  const Progress progress = reporter.progress();
  reporter.finish(unlocked_call([&] { return store->compact(erase, progress); }));
}

py::dict verify(const PyStore& store, py::object callback) {
  Reporter reporter(std::move(callback));
  const Progress progress = reporter.progress();
  const Result<VerifyReport> report = unlocked_call([&] { return store->verify(progress); });
  reporter.finish(report.status());
  py::list problems;
  for (const VerifyReport::Problem& problem : report->problems) {
    py::dict entry;
    entry["file"] = from_path(problem.file);
    entry["offset"] = problem.offset;
    entry["message"] = from_path(problem.message);
    problems.append(entry);
  }
  py::dict out;
  out["files"] = report->files;
  out["bytes"] = report->bytes;
  out["events"] = report->events;
  out["problems"] = problems;
  return out;
}

py::dict to_dict(const StatMap& map);

struct StatToPython {
  py::object operator()(int64_t value) const { return py::int_(value); }
  py::object operator()(double value) const { return py::float_(value); }
  py::object operator()(const std::string& value) const { return from_path(value); }
  py::object operator()(const StatMap& value) const { return to_dict(value); }
  py::object operator()(const std::vector<StatMap>& value) const {
    py::list out;
    for (const StatMap& map : value) out.append(to_dict(map));
    return out;
  }
};

py::dict to_dict(const StatMap& map) {
  py::dict out;
  for (const auto& [name, entry] : map) out[py::str(name)] = std::visit(StatToPython{}, entry.value);
  return out;
}

// (id, name, version, table id, specification)
py::tuple from_view(const NamedView& view) {
  return py::make_tuple(view.id, view.name, view.version, view.table_id, py::bytes(view.specification));
}

py::list views(const PyStore& store) {
  py::list out;
  for (const NamedView& view : take(store->views())) out.append(from_view(view));
  return out;
}

py::tuple create_view(const PyStore& store, const std::string& name, const PyTable& table, const py::bytes& given) {
  const auto specification = given.cast<std::string>();
  auto made = unlocked_call([&] { return store->create_view(name, *table, specification); });
  return from_view(take(std::move(made)));
}

// A method without arguments and without an answer.
template <Status (Store::*method)()>
void run(const PyStore& store) {
  check(unlocked_call([&] { return ((*store).*method)(); }));
}

}  // namespace

void register_store(py::module_& module) {
  py::class_<PyStore>(module, "Store")
      .def_static("open", open, py::arg("path"), py::arg("writable"), py::arg("options"), py::arg("clock") = py::none(),
                  py::arg("disk") = py::none())
      .def_property_readonly("path", [](const PyStore& store) { return from_path(store->path()); })
      .def_property_readonly("closed", [](const PyStore& store) { return store->closed(); })
      .def("create_table", create_table, py::arg("name"), py::arg("spec"), py::arg("retention"))
      .def("table", table, py::arg("name"))
      .def("tables", [](const PyStore& store) { return take(store->tables()); })
      .def(
          "drop_table",
          [](const PyStore& store, const std::string& name) {
            check(unlocked_call([&] { return store->drop_table(name); }));
          },
          py::arg("name"))
      .def_property_readonly(
          "id", [](const PyStore& store) { return py::bytes(take(unlocked_call([&] { return store->id(); }))); })
      .def("views", views)
      .def("create_view", create_view, py::arg("name"), py::arg("table"), py::arg("specification"))
      .def(
          "drop_view",
          [](const PyStore& store, const std::string& name) {
            check(unlocked_call([&] { return store->drop_view(name); }));
          },
          py::arg("name"))
      .def("flush", run<&Store::flush>)
      .def("compact", compact, py::arg("erase"), py::arg("progress") = py::none())
      .def(
          "checkpoint",
          [](const PyStore& store, const py::str& path) {
            check(unlocked_call([&, where = to_path(path)] { return store->checkpoint(where); }));
          },
          py::arg("path"))
      .def("verify", verify, py::arg("progress") = py::none())
      .def("refresh", run<&Store::refresh>)
      .def("stats", [](const PyStore& store) { return to_dict(take(unlocked_call([&] { return store->stats(); }))); })
      .def("close", run<&Store::close>);
}

}  // namespace tsfeat::bind
