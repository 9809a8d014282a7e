#include "bind/store_options.h"

#include <limits>
#include <string>

#include "bind/errors.h"
#include "bind/requests.h"

namespace tsfeat::bind {
namespace {

template <typename T>
T to_count(const std::string& name, py::handle value) {
  const int64_t number = to_int64(value, name.c_str());
  if (number < 0 || static_cast<uint64_t>(number) > std::numeric_limits<T>::max()) {
    raise_schema("option " + name + ": " + std::to_string(number) + " is out of range");
  }
  return static_cast<T>(number);
}

SyncPolicy to_sync_policy(py::handle value) {
  const std::string name = value.cast<std::string>();
  if (name == "always") return SyncPolicy::kAlways;
  if (name == "interval") return SyncPolicy::kInterval;
  if (name == "never") return SyncPolicy::kNever;
  raise_schema("option sync is 'always', 'interval' or 'never', not '" + name + "'");
}

void set_option(const std::string& name, py::handle value, StoreOptions* out) {
  if (name == "memory_bytes") {
    out->memory_bytes = to_count<uint64_t>(name, value);
  } else if (name == "cache_bytes") {
    out->cache_bytes = to_count<uint64_t>(name, value);
  } else if (name == "write_buffer_bytes") {
    out->write_buffer_bytes = to_count<uint64_t>(name, value);
  } else if (name == "sync") {
    out->sync = to_sync_policy(value);
  } else if (name == "sync_interval_ms") {
    out->sync_interval_ms = to_count<uint64_t>(name, value);
  } else if (name == "background_threads") {
    out->background_threads = to_count<uint32_t>(name, value);
  } else if (name == "read_threads") {
    out->read_threads = to_count<uint32_t>(name, value);
  } else if (name == "compaction_bytes_per_second") {
    out->compaction_bytes_per_second = to_count<uint64_t>(name, value);
  } else if (name == "page_rows") {
    out->page_rows = to_count<uint32_t>(name, value);
  } else {
    raise_schema("there is no option " + name);
  }
}

}  // namespace

StoreOptions to_options(const py::dict& options) {
  StoreOptions out;
  for (const auto& [name, value] : options) set_option(name.cast<std::string>(), value, &out);
  return out;
}

}  // namespace tsfeat::bind
