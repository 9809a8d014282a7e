#include "bind/scan.h"

#include "bind/errors.h"
#include "bind/reads.h"
#include "bind/registry.h"
#include "bind/requests.h"
#include "bind/results.h"

namespace tsfeat::bind {
namespace {

std::unique_ptr<PyScan> start(const PyTable& table, std::shared_ptr<ScanState> state, ScanRequest request,
                              int64_t chunk_rows) {
  if (chunk_rows < 1) raise_schema("chunk_rows is at least 1, not " + std::to_string(chunk_rows));
  request.chunk_rows = static_cast<uint64_t>(chunk_rows);
  check([&]() -> Status {
    const Unlocked unlocked;
    TSFEAT_ASSIGN(View view, table->view(/*scan=*/true));
    TSFEAT_ASSIGN(state->scanner, Scanner::create(std::move(view), std::move(request)));
    return {};
  }());
  return std::make_unique<PyScan>(PyScan{Handle<ScanState>(table.roots(), std::move(state))});
}

py::object next_chunk(PyScan& scan) {
  if (scan.state.inherited())
    raise(Status::closed("this scan was started by the parent of this forked process: open the store again here"));
  ScanChunk chunk;
  const Result<bool> more = [&]() -> Result<bool> {
    const Unlocked unlocked;
    const std::lock_guard held(scan.state->mutex);
    return scan.state->scanner->next(&chunk);
  }();
  check(more.status());
  if (!*more) throw py::stop_iteration();
  return to_scan_chunk(std::move(chunk), scan.state->columns, *scan.state->schema);
}

}  // namespace

std::unique_ptr<PyScan> scan_events(const PyTable& table, py::handle columns, py::handle since, py::handle before,
                                    py::handle version, py::handle filter, int64_t chunk_rows) {
  auto state = std::make_shared<ScanState>();
  state->schema = take(table->schema());
  state->columns = to_columns(columns, *state->schema);
  ScanRequest request;
  request.columns = state->columns;
  request.since = optional_int64(since, "since");
  request.before = optional_int64(before, "before");
  request.version = optional_int64(version, "version");
  state->filter = view_filter(filter);
  request.filter = state->filter.get();
  return start(table, std::move(state), std::move(request), chunk_rows);
}

std::unique_ptr<PyScan> scan_keys(const PyTable& table, py::handle version, int64_t chunk_rows) {
  auto state = std::make_shared<ScanState>();
  state->schema = take(table->schema());
  ScanRequest request;
  request.version = optional_int64(version, "version");
  request.keys_only = true;
  return start(table, std::move(state), std::move(request), chunk_rows);
}

void register_scan(py::module_& module) {
  py::class_<PyScan>(module, "Scan")
      .def("__iter__", [](const py::object& self) { return self; })
      .def("__next__", next_chunk);
}

}  // namespace tsfeat::bind
