#include "bind/testing.h"

#include <pybind11/stl.h>

#include "bind/errors.h"
#include "bind/handles.h"
#include "bind/registry.h"

namespace tsfeat::bind {
namespace {

PyClock make_clock(std::optional<int64_t> now_ns) {
  if (!now_ns) return {{Clock::system(), [](const Clock*) {}}, nullptr};
  auto manual = std::make_shared<ManualClock>(*now_ns);
  return {manual, manual};
}

void set_clock(PyClock& clock, int64_t now_ns) {
  if (clock.manual == nullptr) raise_schema("the system's clock cannot be set: make a Clock(now_ns)");
  clock.manual->set(now_ns);
}

PyDisk power_loss(const PyDisk& disk, const std::string& keep) {
  Survival survival = Survival::kRandom;
  if (keep == "none") {
    survival = Survival::kNone;
  } else if (keep == "all") {
    survival = Survival::kAll;
  } else if (keep != "random") {
    raise_schema("keep is 'random', 'none' or 'all', not '" + keep + "'");
  }
  std::unique_ptr<MemoryVfs> survivor = [&] {
    const Unlocked unlocked;
    return disk.disk->memory->power_loss(survival);
  }();
  return {std::make_shared<Disk>(std::move(survivor))};
}

void fail_after(const PyDisk& disk, int64_t calls, int error_number, bool once) {
  if (calls < 0) raise_schema("calls is at least 0, not " + std::to_string(calls));
  disk.disk->fault->fail_after(static_cast<uint64_t>(calls), error_number, once);
}

py::dict files(const PyDisk& disk) {
  py::dict out;
  for (const auto& [path, content] : disk.disk->memory->files()) out[py::str(path)] = py::bytes(content);
  return out;
}

void write_file(const PyDisk& disk, const std::string& path, const py::bytes& content) {
  check(disk.disk->memory->write_file(path, as_bytes(std::string_view(content))));
}

}  // namespace

void register_testing(py::module_& module) {
  py::class_<PyClock>(module, "Clock")
      .def(py::init(&make_clock), py::arg("now_ns") = py::none())
      .def("set", set_clock, py::arg("now_ns"))
      .def("now_ns", [](const PyClock& clock) { return clock.clock->now_ns(); });
  py::class_<PyDisk>(module, "MemoryDisk")
      .def(py::init([](uint64_t seed) { return PyDisk{std::make_shared<Disk>(MemoryVfs::create(seed))}; }),
           py::arg("seed") = 0)
      .def("power_loss", power_loss, py::arg("keep") = "random")
      .def("fail_after", fail_after, py::arg("calls"), py::arg("errno"), py::kw_only(), py::arg("once") = true)
      .def("calls", [](const PyDisk& disk) { return disk.disk->fault->calls(); })
      .def("files", files)
      .def("write_file", write_file, py::arg("path"), py::arg("content"));
}

}  // namespace tsfeat::bind
