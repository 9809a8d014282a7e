#include "engine/repair.h"

#include "bind/errors.h"
#include "bind/handles.h"
#include "bind/paths.h"
#include "bind/registry.h"
#include "bind/testing.h"

namespace tsfeat::bind {
namespace {

template <typename T>
py::object or_none(const std::optional<T>& value, py::object (*convert)(const T&)) {
  return value ? convert(*value) : py::none();
}

py::dict to_dict(const RepairReport::Loss& loss) {
  py::dict out;
  out["file"] = from_path(loss.file);
  out["offset"] = loss.offset;
  out["bytes"] = loss.bytes;
  out["table"] = loss.table.empty() ? py::none() : from_path(loss.table);
  out["rows"] = or_none<RowRange>(
      loss.rows, [](const RowRange& rows) -> py::object { return py::make_tuple(rows.begin, rows.end); });
  out["events"] = or_none<uint64_t>(loss.events, [](const uint64_t& events) -> py::object { return py::int_(events); });
  out["keys"] = or_none<std::pair<std::string, std::string>>(
      loss.keys, [](const std::pair<std::string, std::string>& keys) -> py::object {
        return py::make_tuple(from_path(keys.first), from_path(keys.second));
      });
  out["message"] = from_path(loss.message);
  return out;
}

py::dict repair(const py::str& path, const py::str& target, const PyDisk* disk) {
  Vfs& vfs = disk == nullptr ? *Vfs::posix() : *vfs_of(*disk);
  const std::string from = to_path(path);
  const std::string to = to_path(target);
  const RepairReport report = take([&] {
    const Unlocked unlocked;
    return tsfeat::repair(vfs, *Clock::system(), from, to);
  }());
  py::list losses, notes;
  for (const RepairReport::Loss& loss : report.losses) losses.append(to_dict(loss));
  for (const std::string& note : report.notes) notes.append(from_path(note));
  py::dict out;
  out["files"] = report.files;
  out["events"] = report.events;
  out["lost_events"] = report.lost_events;
  out["losses"] = losses;
  out["notes"] = notes;
  return out;
}

}  // namespace

void register_repair(py::module_& module) {
  module.def("repair", repair, py::arg("path"), py::arg("target"), py::arg("disk") = py::none());
}

}  // namespace tsfeat::bind
