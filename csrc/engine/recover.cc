// Recovery: reads the manifest, replays the log, removes orphans, and does nothing else.

#include <algorithm>

#include "base/planted.h"
#include "engine/store_core.h"

namespace tsfeat {

Status StoreCore::remove_orphans(const Manifest& manifest) {
  std::set<uint64_t> runs;
  for (const TableRecord& table : manifest.tables) {
    for (const RunMeta& run : table.runs) runs.insert(run.number);
  }
  TSFEAT_ASSIGN(const std::vector<std::string> names, vfs.list(path));
  uint64_t largest = 0;
  for (const std::string& name : names) {
    const std::optional<uint64_t> run = run_number(name);
    const std::optional<uint64_t> log = log_number(name);
    largest = std::max({largest, run.value_or(0), log.value_or(0)});
    const bool old_log = log && (manifest.log_number == 0 || *log < manifest.log_number);
    if (planted("orphan")) continue;
    if (old_log || (run && !runs.contains(*run)) || name == "MANIFEST.tmp") TSFEAT_TRY(vfs.remove(file_path(name)));
  }
  next_file_number_ = std::max(next_file_number_.load(), largest + 1);
  return {};
}

Result<std::vector<uint64_t>> StoreCore::logs_from(uint64_t number) const {
  TSFEAT_ASSIGN(const std::vector<std::string> names, vfs.list(path));
  std::vector<uint64_t> logs;
  for (const std::string& name : names) {
    if (const std::optional<uint64_t> log = log_number(name); log && *log >= number) logs.push_back(*log);
  }
  std::sort(logs.begin(), logs.end());
  if (logs.empty() || logs.front() != number) {
    return Status::corruption(file_path(log_name(number)) +
                              ", offset 0: the log is missing; restore the store from a checkpoint");
  }
  return logs;
}

Result<ReplayResult> StoreCore::replay_into(const Tables& tables, uint64_t number, uint64_t from, bool last) {
  return replay_log(vfs, file_path(log_name(number)), number, from, last, [&](Bytes record, uint64_t end) -> Status {
    if (planted("replay")) TSFEAT_TRY(replay_record(tables, record, {number, end}));
    return replay_record(tables, record, {number, end});
  });
}

Status StoreCore::recover_logs(const Manifest& manifest, const Tables& tables) {
  if (manifest.log_number == 0) return {};
  TSFEAT_ASSIGN(std::vector<uint64_t> logs, logs_from(manifest.log_number));
  for (size_t i = 0; i < logs.size(); ++i) {
    const bool last = i + 1 == logs.size();
    const std::string file = file_path(log_name(logs[i]));
    TSFEAT_ASSIGN(const ReplayResult result, replay_into(tables, logs[i], 0, last));
    if (result.valid_bytes == 0) {  // the power went while it was created
      if (i == 0)
        return Status::corruption(file + ", offset 0: the log is damaged; restore the store from a checkpoint");
      TSFEAT_TRY(vfs.remove(file));
      TSFEAT_TRY(vfs.sync_directory(path));  // else it could come back between its neighbours
      logs.pop_back();
      break;
    }
    if (i > 0 && result.previous != logs[i - 1]) {
      return Status::corruption(file + ", offset 24: the log before it, number " + std::to_string(result.previous) +
                                ", is missing; restore the store from a checkpoint");
    }
    if (last) TSFEAT_TRY(make_log_durable(vfs, file, result.valid_bytes));
  }
  if (logs.empty()) return {};
  SealedGeneration generation{logs, unsealed_memtables()};
  for (const auto& [table, memtable] : generation.memtables) {
    table->update([&own = *table](TableState& state) { own.add_memtable(state); });
  }
  sealed_.push_back(std::move(generation));
  return {};
}

}  // namespace tsfeat
