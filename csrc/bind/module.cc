// The module `tsfeat._core`. This room alone knows Python: it checks what comes in, releases the GIL around the engine,
// and hands memory out without copies.
#define TSFEAT_IMPORTS_NUMPY
#include "bind/numpy_api.h"

#include "base/planted.h"
#include "bind/registry.h"
#include "catalog/manifest.h"

namespace tsfeat::bind {
namespace {

py::tuple build_flags() {
  py::list names;
  for (const std::string_view name : planted_names()) names.append(py::str(name.data(), name.size()));
  return py::tuple(names);
}

}  // namespace
}  // namespace tsfeat::bind

PYBIND11_MODULE(_core, module) {
  using namespace tsfeat::bind;
  if (_import_array() < 0) throw py::error_already_set();
  module.attr("FORMAT_VERSION") = tsfeat::kFormatVersion;
  module.attr("BUILD_FLAGS") = build_flags();
  register_specs(module);
  register_testing(module);
  register_scan(module);
  register_answer(module);
  register_reads(module);
  register_changes(module);
  register_load(module);
  register_table(module);
  register_store(module);
  register_replay(module);
  register_repair(module);
  register_arrow(module);
  register_strings(module);
}
