// A consistent, openable copy: runs are immutable, so hard links to them are a copy; what is still in memory becomes
// runs of the copy.

#include <cerrno>

#include "base/planted.h"
#include "engine/store_core.h"
#include "vfs/directories.h"

namespace tsfeat {
namespace {

struct TableCopy {
  TableRecord record;
  std::shared_ptr<const TableState> state;
  uint64_t version = 0;
};

}  // namespace

Status StoreCore::copy_table(const std::string& target, const TableState& state, uint64_t version, TableRecord* record,
                             uint64_t* next_number) {
  for (const RunMeta& run : record->runs) {
    TSFEAT_TRY(vfs.link(file_path(run_name(run.number)), target + "/" + run_name(run.number)));
  }
  MergeRequest request;
  request.schema = state.schema;
  for (const auto& memtable : state.memtables) {
    if (!memtable->empty() && !planted("checkpoint")) request.sources.push_back(memtable->source(version));
  }
  if (request.sources.empty()) return {};
  request.run = run_options(codec::Effort::kFast);
  request.new_file = [&] {
    const uint64_t number = (*next_number)++;
    return NewFile{number, target + "/" + run_name(number)};
  };
  TSFEAT_ASSIGN(const MergeResult merged, merge_sources(vfs, std::move(request)));
  record->runs.insert(record->runs.end(), merged.runs.begin(), merged.runs.end());
  return {};
}

Status StoreCore::checkpoint(const std::string& target) {
  TSFEAT_TRY(check_open());
  TSFEAT_ASSIGN(const bool there, vfs.exists(target));
  if (there) {
    TSFEAT_ASSIGN(const std::vector<std::string> names, vfs.list(target));
    if (!names.empty()) return Status::storage(ENOTEMPTY, "checkpoint directory '" + target + "'");
  }
  Manifest manifest;
  std::vector<TableCopy> tables;
  {
    // The same locks as a change of the manifest: so it is one state, and its files are pinned before any of them can
    // go.
    const std::lock_guard manifest_lock(manifest_mutex);
    const std::lock_guard write_lock(write_mutex);
    manifest = manifest_now();
    for (const auto& table : all_tables()) {
      const TableCore::Published now = table->published();
      tables.push_back({table->record(clock), now.state, now.version});
    }
    const std::lock_guard files_lock(files_mutex_);
    ++pins_;
  }
  const Status status = write_checkpoint(target, &manifest, [&](uint64_t* next_number) -> Status {
    manifest.tables.clear();
    for (TableCopy& table : tables) {
      TSFEAT_TRY(copy_table(target, *table.state, table.version, &table.record, next_number));
      manifest.tables.push_back(std::move(table.record));
    }
    return {};
  });
  unpin();
  return status;
}

Status StoreCore::write_checkpoint(const std::string& target, Manifest* manifest,
                                   const std::function<Status(uint64_t*)>& copy_tables) {
  TSFEAT_TRY(make_directories(vfs, target));
  TSFEAT_TRY(copy_tables(&manifest->next_file_number));
  manifest->log_number = 0;
  TSFEAT_TRY(vfs.sync_directory(target));
  return save_manifest(vfs, target, *manifest);
}

}  // namespace tsfeat
