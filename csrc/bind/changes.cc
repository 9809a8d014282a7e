#include "bind/changes.h"

#include "bind/errors.h"
#include "bind/registry.h"
#include "bind/requests.h"
#include "bind/results.h"

namespace tsfeat::bind {
namespace {

uint64_t at_least(int64_t value, int64_t least, const char* what) {
  if (value < least)
    raise_schema(std::string(what) + " is at least " + std::to_string(least) + ", not " + std::to_string(value));
  return static_cast<uint64_t>(value);
}

py::object next_change(PyChanges& changes) {
  if (changes.state.inherited())
    raise(
        Status::closed("these changes were asked for by the parent of this forked process: open the store again here"));
  ChangesChunk chunk;
  const Result<bool> more = [&]() -> Result<bool> {
    const Unlocked unlocked;
    const std::lock_guard held(changes.state->mutex);
    return changes.state->changes->next(&chunk);
  }();
  check(more.status());
  if (!*more) throw py::stop_iteration();
  return to_changes_chunk(std::move(chunk), changes.state->columns, *changes.state->schema);
}

}  // namespace

std::unique_ptr<PyChanges> start_changes(const PyTable& table, py::handle columns, int64_t since, int64_t until,
                                         int64_t window_rows) {
  auto state = std::make_shared<ChangesState>();
  state->schema = take(table->schema());
  state->columns = to_columns(columns, *state->schema);
  ChangesRequest request;
  request.since = at_least(since, 0, "since");
  request.until = at_least(until, 0, "until");
  request.columns = state->columns;
  request.window_rows = request.chunk_rows = at_least(window_rows, 1, "window_rows");
  state->changes = take([&] {
    const Unlocked unlocked;
    return table->changes(std::move(request));
  }());
  return std::make_unique<PyChanges>(PyChanges{Handle<ChangesState>(table.roots(), std::move(state))});
}

void register_changes(py::module_& module) {
  py::class_<PyChanges>(module, "Changes")
      .def("__iter__", [](const py::object& self) { return self; })
      .def("__next__", next_change);
}

}  // namespace tsfeat::bind
