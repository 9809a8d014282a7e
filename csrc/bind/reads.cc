#include "bind/reads.h"

#include "bind/arrays.h"
#include "bind/errors.h"
#include "bind/requests.h"
#include "bind/results.h"

namespace tsfeat::bind {
namespace {

// A request and what it points to.
struct Request {
  ReadRequest read;
  FilterNode filter;

  Request(py::handle keys, py::handle since, py::handle before, py::handle version, py::handle filter_tuple,
          const Schema& schema) {
    read.keys = view_keys(keys, schema.key_type);
    const uint64_t rows = read.keys.size();
    read.since = view_per_row(since, rows, "since");
    read.before = view_per_row(before, rows, "before");
    read.version = view_per_row(version, rows, "version");
    if (!filter_tuple.is_none()) {
      filter = to_filter(filter_tuple, schema);
      read.filter = &filter;
    }
  }
  Request(const Request&) = delete;
};

}  // namespace

py::object read_rows(const PyTable& table, py::handle keys, py::handle n, py::handle since, py::handle before,
                     py::handle version, py::handle filter, py::handle columns) {
  // Columns are only ever added, so positions in this schema hold in the view's.
  const std::shared_ptr<const Schema> schema = take(table->schema());
  Request request(keys, since, before, version, filter, *schema);
  request.read.n = view_per_row(n, request.read.keys.size(), "n");
  request.read.columns = to_columns(columns, *schema);
  Result<ReadResult> result = [&]() -> Result<ReadResult> {
    const Unlocked unlocked;
    TSFEAT_ASSIGN(View view, table->view());
    return read(view, request.read);
  }();
  ReadResult made = take(std::move(result));
  // Asked for one version, that is the one that was read; else it is the view's.
  if (request.read.version.scalar) made.version = static_cast<uint64_t>(*request.read.version.scalar);
  return to_read_result(std::move(made), request.read.columns, *schema);
}

py::object count_rows(const PyTable& table, py::handle keys, py::handle since, py::handle before, py::handle version,
                      py::handle filter) {
  const std::shared_ptr<const Schema> schema = take(table->schema());
  const Request request(keys, since, before, version, filter, *schema);
  Result<std::vector<int64_t>> result = [&]() -> Result<std::vector<int64_t>> {
    const Unlocked unlocked;
    TSFEAT_ASSIGN(View view, table->view());
    return count(view, request.read);
  }();
  return adopt(take(std::move(result)));
}

}  // namespace tsfeat::bind
