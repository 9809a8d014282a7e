#include "bind/load.h"

#include "bind/append.h"
#include "bind/errors.h"
#include "bind/registry.h"
#include "bind/specs.h"

namespace tsfeat::bind {
namespace {

Load& alive(const PyLoad& load) {
  if (load.load == nullptr) raise(Status::closed("the load is over; start another"));
  if (load.load->inherited()) raise(Status::closed("this load was started by the parent of this forked process"));
  return **load.load;
}

void add(PyLoad& load, int64_t rows, py::handle keys, py::handle times, py::handle columns) {
  Load& target = alive(load);
  const AppendRequest request = to_append(rows, keys, times, columns, *load.schema);
  check([&] {
    const Unlocked unlocked;
    return target.add(request);
  }());
}

uint64_t commit(PyLoad& load) {
  Load& target = alive(load);
  Result<uint64_t> version = [&] {
    const Unlocked unlocked;
    return target.commit();
  }();
  load.load.reset();
  return take(std::move(version));
}

}  // namespace

std::unique_ptr<PyLoad> start_load(PyTable& table) {
  std::shared_ptr<Load> load = take([&] {
    const Unlocked unlocked;
    return table->start_load();
  }());
  auto schema = std::make_shared<const Schema>(load->schema());
  return std::make_unique<PyLoad>(
      PyLoad{std::move(schema), std::make_unique<Handle<Load>>(table.roots(), std::move(load))});
}

void register_load(py::module_& module) {
  py::class_<PyLoad>(module, "Load")
      .def_property_readonly("spec", [](const PyLoad& load) { return from_schema(*load.schema); })
      .def("add", add, py::arg("rows"), py::arg("keys"), py::arg("times"), py::arg("columns"))
      .def("commit", commit)
      .def("abandon", [](PyLoad& load) { load.load.reset(); });
}

}  // namespace tsfeat::bind
