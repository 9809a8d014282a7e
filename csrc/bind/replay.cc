#include "bind/replay.h"

#include <algorithm>
#include <span>
#include <vector>

#include "bind/arrays.h"
#include "bind/errors.h"
#include "bind/registry.h"
#include "bind/requests.h"
#include "read/checksum.h"

namespace tsfeat::bind {
namespace {

ChecksumColumn view_column(py::handle given, uint64_t events) {
  if (!PyTuple_Check(given.ptr()) || PyTuple_GET_SIZE(given.ptr()) != 2)
    raise_type("columns: expected pairs of values and validity");
  const py::handle values = PyTuple_GET_ITEM(given.ptr(), 0);
  const py::handle validity = PyTuple_GET_ITEM(given.ptr(), 1);
  ChecksumColumn column;
  uint64_t rows = 0;
  if (PyTuple_Check(values.ptr())) {
    const VarlenView view = view_varlen(values, 0, "columns");
    check_offsets(view, "columns");
    column.data = view.data;
    column.offsets = view.offsets;
    rows = view.rows;
  } else {
    const RawView view = view_raw(values, "columns");
    column.data = view.data;
    column.width = view.row_bytes;
    rows = view.rows;
  }
  if (!validity.is_none()) {
    const FixedView view = view_fixed(validity, bool_dtype(), "columns");
    column.validity = view.data;
    rows = std::min(rows, view.rows);
  }
  if (rows < events) raise_schema("columns: the offsets point past the end of a column");
  return column;
}

py::object checksum(py::handle offsets, const py::list& columns) {
  const FixedView given = view_fixed(offsets, int64_dtype(), "offsets");
  const std::span<const int64_t> rows(reinterpret_cast<const int64_t*>(given.data), given.rows);
  if (rows.empty() || rows[0] < 0 || !std::is_sorted(rows.begin(), rows.end()))
    raise_schema("offsets: expected one more than there are rows, ascending from 0 on");
  std::vector<ChecksumColumn> views;
  for (const py::handle column : columns) views.push_back(view_column(column, static_cast<uint64_t>(rows.back())));
  py::object out = new_array(uint64_dtype(), rows.size() - 1);
  {
    const Unlocked unlocked;
    checksum_rows(rows, views, static_cast<uint64_t*>(array_data(out)));
  }
  return out;
}

}  // namespace

py::tuple horizon_of(const PyTable& table) {
  Result<View> view = [&] {
    const Unlocked unlocked;
    return table->view();
  }();
  const View taken = take(std::move(view));
  return py::make_tuple(taken.horizon_time, taken.horizon_version);
}

py::object erased_keys(const PyTable& table, py::handle keys) {
  const std::vector<KeyView> wanted = view_keys(keys, take(table->schema())->key_type);
  const py::object out = new_array(bool_dtype(), wanted.size());
  auto* const erased = static_cast<bool*>(array_data(out));
  const Status status = [&]() -> Status {
    const Unlocked unlocked;
    TSFEAT_ASSIGN(const View view, table->view());
    std::vector<Mark> marks;
    for (size_t row = 0; row < wanted.size(); ++row) {
      marks.clear();
      if (view.tombstones != nullptr) view.tombstones->find(wanted[row], &marks);
      erased[row] = !marks.empty();
    }
    return {};
  }();
  check(status);
  return out;
}

void register_replay(py::module_& module) {
  module.def("checksum_rows", checksum, py::arg("offsets"), py::arg("columns"));
}

}  // namespace tsfeat::bind
