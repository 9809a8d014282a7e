// Read-only stores: a view as of the open, moved forward by refresh(), beside a writer that may be at work.
//
// The writer replaces the manifest and removes files at any time. So: read the manifest, open what it names, replay the
// log; then look again. If the manifest is the same, what was read is one consistent state; if not, files may have gone
// in between: once more.

#include <cerrno>
#include <thread>

#include "base/planted.h"
#include "engine/store_core.h"

namespace tsfeat {
namespace {

constexpr int kMaxTries = 100;
constexpr int kTriesOfDamage = 3;
constexpr std::chrono::milliseconds kPause{2};

}  // namespace

Status StoreCore::refresh() {
  if (writable) return check_open();  // it is always current
  TSFEAT_TRY(check_open());
  const std::lock_guard manifest_lock(manifest_mutex);
  const std::lock_guard write_lock(write_mutex);
  Status status;
  int seen = 0;  // times in a row that the same damage was met
  for (int tries = 0; tries < kMaxTries; ++tries) {
    bool raced = false;
    std::string met_before = status.message();
    status = follow(&raced);
    if (!raced && status.code() != Code::kCorruption) return status;
    // A reader may meet a record, or the end of a log, while the writer is at it. Damage is what stays in its place.
    seen = !raced && status.message() == met_before ? seen + 1 : 0;
    if (seen == kTriesOfDamage) return status;
    std::this_thread::sleep_for(kPause);
  }
  return status.ok() ? Status::storage(EBUSY, "store '" + path + "' changes faster than it can be read; try again")
                     : status;
}

Status StoreCore::follow(bool* raced) {
  TSFEAT_ASSIGN(const Manifest manifest, load_manifest(vfs, path));
  const bool same = manifest.generation == generation_ && manifest.store_id == store_id_;
  Tables tables;
  std::map<uint64_t, uint64_t> replayed;
  Status status;
  if (same) {
    for (const auto& table : all_tables()) tables[table->id] = table;
    replayed = replayed_bytes_;
  } else {
    TSFEAT_ASSIGN(tables, open_tables(manifest));
  }
  generation_ = 0;  // what is taken in half, whatever fails from here on, is to be taken in anew
  if (manifest.log_number != 0 && !(planted("refresh") && manifest.generation % 3 == 0))
    status = follow_logs(manifest, tables, &replayed);

  TSFEAT_ASSIGN(const Manifest after, load_manifest(vfs, path));
  *raced = after.generation != manifest.generation || after.store_id != manifest.store_id;
  if (*raced || !status.ok()) return status;
  replayed_bytes_ = std::move(replayed);
  if (!same) {
    take_tables(tables);
    take_views(manifest.views);
  }
  generation_ = manifest.generation;
  share_memory();
  return {};
}

Status StoreCore::follow_logs(const Manifest& manifest, const Tables& tables, std::map<uint64_t, uint64_t>* replayed) {
  TSFEAT_ASSIGN(const std::vector<uint64_t> logs, logs_from(manifest.log_number));
  for (size_t i = 0; i < logs.size(); ++i) {
    uint64_t& done = (*replayed)[logs[i]];
    TSFEAT_ASSIGN(const ReplayResult result, replay_into(tables, logs[i], done, i + 1 == logs.size()));
    if (i > 0 && result.valid_bytes > 0 && result.previous != logs[i - 1]) {
      return Status::corruption(file_path(log_name(logs[i])) + ", offset 24: the log before it, number " +
                                std::to_string(result.previous) + ", is missing; restore the store from a checkpoint");
    }
    done = result.valid_bytes;
    durable_log_ = {logs[i], result.durable_bytes};
  }
  return {};
}

LogPlace StoreCore::durable_place() const {
  const std::lock_guard lock(write_mutex);
  if (!writable) return durable_log_;
  // A closed store has no log: all of it is in runs.
  return log_ == nullptr ? LogPlace{~uint64_t{0}, 0} : LogPlace{log_number_, log_->durable_bytes()};
}

// Handles that users hold stay good: a table that was there before takes over what its new self has.
void StoreCore::take_tables(const Tables& tables) {
  const std::unique_lock lock(tables_mutex);
  std::map<std::string, std::shared_ptr<TableCore>> next;
  for (const auto& [id, fresh] : tables) {
    const auto at = tables_.find(fresh->name);
    if (at != tables_.end() && at->second->id == id) {
      at->second->take(*fresh);
      next[fresh->name] = at->second;
    } else {
      next[fresh->name] = fresh;
    }
  }
  for (const auto& [name, table] : tables_) {
    const auto at = next.find(name);
    if (at == next.end() || at->second != table) table->dropped = true;
  }
  tables_ = std::move(next);
}

}  // namespace tsfeat
