#include "engine/repair.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "compact/job.h"
#include "engine/replay.h"
#include "run/salvage.h"
#include "vfs/directories.h"
#include "wal/log.h"
#include "wal/record.h"

namespace tsfeat {
namespace {

constexpr uint64_t kCacheBytes = uint64_t{1} << 20;  // salvage reads past it
constexpr uint32_t kMostLostCategories = 1
                                         << 16;  // codes without names that a record may leave, lest a lie fill memory

std::string key_text(KeyType type, const std::string& bytes) {
  const KeyView key = KeyView::from_bytes(as_bytes(bytes));
  if (type == KeyType::kUint64) return std::to_string(key.to_uint64());
  if (type == KeyType::kInt64) return std::to_string(key.to_int64());
  if (type == KeyType::kString) return bytes;
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "0x";
  for (const uint8_t byte : as_bytes(bytes)) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

class Repair {
 public:
  Repair(Vfs& vfs, const Clock& clock, const std::string& path, const std::string& target)
      : vfs_(vfs), clock_(clock), path_(path), target_(target), cache_(BlockCache::create(kCacheBytes)) {}

  Result<RepairReport> run() {
    TSFEAT_TRY(take_manifest());
    TSFEAT_TRY(check_target());
    for (const TableRecord& record : manifest_.tables)
      tables_[record.id] =
          std::make_shared<TableCore>(record, std::vector<std::shared_ptr<Run>>{}, PagePool::create(0));
    if (manifest_.log_number != 0) TSFEAT_TRY(take_logs());
    if (Status status = write(); !status.ok()) {
      remove_target();
      return status;
    }
    add_notes();
    return std::move(report_);
  }

 private:
  Status take_manifest() {
    Result<Manifest> manifest = load_manifest(vfs_, path_);
    ++report_.files;
    if (manifest.ok()) manifest_ = std::move(*manifest);
    if (manifest.status().code() != Code::kCorruption) return manifest.status();
    return Status::corruption(
        manifest.status().message() +
        "; without it nobody can tell which files count, nor names, types and categories: put a whole MANIFEST of this "
        "store there (a backup's, if it is of the same moment), or restore a checkpoint");
  }

  Status check_target() {
    TSFEAT_ASSIGN(const bool there, vfs_.exists(target_));
    if (!there) return make_directories(vfs_, target_);
    TSFEAT_ASSIGN(const std::vector<std::string> names, vfs_.list(target_));
    if (names.empty()) return {};
    return Status::storage(ENOTEMPTY, "repair writes a new store; the directory '" + target_ + "' has something in it");
  }

  void lose(RepairReport::Loss loss) { report_.losses.push_back(std::move(loss)); }
  void lose_file(const std::string& file, const std::string& table, std::optional<uint64_t> events,
                 std::string message) {
    lose({file, 0, 0, table, {}, events, {}, std::move(message)});
  }

  // ---- the log
  Status take_logs() {
    TSFEAT_ASSIGN(const std::vector<std::string> names, vfs_.list(path_));
    std::vector<uint64_t> logs;
    for (const std::string& name : names) {
      if (const auto number = log_number(name); number && *number >= manifest_.log_number) logs.push_back(*number);
    }
    std::sort(logs.begin(), logs.end());
    if (logs.empty() || logs.front() != manifest_.log_number) {
      lose_file(log_name(manifest_.log_number), "", {}, "the file is missing");
      log_lost_ = true;
    }
    uint64_t before = 0;
    for (const uint64_t number : logs) {
      TSFEAT_TRY(take_log(number, number == logs.back(), before));
      before = number;
    }
    return {};
  }

  Status take_log(uint64_t number, bool last, uint64_t before) {
    const std::string file = log_name(number);
    std::vector<LostBytes> lost;
    uint64_t previous = 0;
    uint64_t beyond = 0;
    const Status status = salvage_log(
        vfs_, path_ + "/" + file, number, last,
        [&](Bytes record, uint64_t, bool behind_damage) {
          beyond += behind_damage ? 1 : 0;
          TSFEAT_TRY(name_lost_categories(record));
          return replay_record(tables_, record, {});
        },
        &lost, &previous);
    ++report_.files;
    if (before != 0 && previous != 0 && previous != before) {
      lose_file(log_name(previous), "", {}, "the file is missing");
      log_lost_ = true;
    }
    for (LostBytes& part : lost) lose({file, part.offset, part.bytes, "", {}, {}, {}, std::move(part.message)});
    log_lost_ = log_lost_ || !lost.empty();
    if (beyond != 0) {
      report_.notes.push_back(file + ": " + std::to_string(beyond) +
                              " records stand behind damage and were taken: batches before theirs are missing");
    }
    return status;
  }

  // Codes whose names were in a record that is lost get names that say so.
  Status name_lost_categories(Bytes record) {
    TSFEAT_ASSIGN(const RecordKind kind, record_kind(record));
    TSFEAT_ASSIGN(const uint32_t id, record_table_id(record));
    const auto table = tables_.find(id);
    if (kind != RecordKind::kBatch || table == tables_.end()) return {};
    const std::shared_ptr<const TableState> state = table->second->published().state;
    TSFEAT_ASSIGN(const DecodedBatch decoded, decode_batch(record, *state->schema));
    for (size_t i = 0; i < decoded.column_ids.size(); ++i) {
      const auto at = state->categories.find(decoded.column_ids[i]);
      if (at == state->categories.end()) continue;
      CategoryDictionary& dictionary = *at->second;
      uint32_t known = dictionary.size();
      uint32_t fresh = 0;
      for (const NewCategories& added : decoded.header.categories) {
        if (added.column_id != at->first) continue;
        known = std::max(known, added.first_code);
        fresh = static_cast<uint32_t>(added.values.size());
      }
      if (fresh == 0) known = std::max(known, codes_of(decoded.batch, i));
      if (known == dictionary.size()) continue;
      if (known - dictionary.size() > kMostLostCategories) return Status::corruption("a category code is out of range");
      add_lost_names(table->second->name, state->schema->find_id(at->first)->name, known, &dictionary);
    }
    return {};
  }

  static uint32_t codes_of(const Batch& batch, size_t column) {
    uint32_t end = 0;
    for (uint64_t row = 0; row < batch.rows; ++row) {
      const auto code = load<uint32_t>(batch.columns[column].fixed + row * 4);
      if (batch.columns[column].valid(row)) end = std::max(end, code == UINT32_MAX ? code : code + 1);
    }
    return end;
  }

  void add_lost_names(const std::string& table, const std::string& column, uint32_t end,
                      CategoryDictionary* dictionary) {
    const uint32_t begin = dictionary->size();
    for (uint32_t code = begin; code < end; ++code) {
      std::string name = "lost category " + std::to_string(code);
      while (dictionary->find(name) >= 0) name += '\'';
      dictionary->add(code, {name});
    }
    report_.notes.push_back("table '" + table + "', column '" + column + "': the names of the categories with codes " +
                            std::to_string(begin) + " to " + std::to_string(end - 1) +
                            " are lost; they read as 'lost category <code>'");
  }

  // ---- runs
  Status take_run(const TableRecord& table, const RunMeta& meta, std::vector<std::unique_ptr<Source>>* sources) {
    const std::string file = run_name(meta.number);
    Result<SalvagedRun> run = salvage_run(vfs_, path_ + "/" + file, meta, table.schema, cache_);
    ++report_.files;
    if (!run.ok()) {
      const bool missing = run.status().error_number() == ENOENT;
      if (!missing && run.status().code() != Code::kCorruption) return run.status();
      report_.lost_events += meta.stats.events;
      lose_file(file, table.name, meta.stats.events, missing ? "the file is missing" : run.status().message());
      return {};
    }
    report_.lost_events += meta.stats.events - run->events;
    for (LostPart& part : run->lost) {
      RepairReport::Loss loss{file,      part.offset,      part.bytes, table.name,
                              part.rows, part.rows.size(), {},         std::move(part.message)};
      if (part.rows.size() == 0) loss.rows.reset();
      if (part.keys) {
        loss.keys.emplace(key_text(table.schema.key_type, part.keys->first),
                          key_text(table.schema.key_type, part.keys->second));
      }
      lose(std::move(loss));
    }
    if (run->events != 0) sources->push_back(std::move(run->source));
    return {};
  }

  // ---- the new store
  Status write() {
    Manifest made;
    ByteWriter id(&made.store_id);
    id.fixed(clock_.random());
    id.fixed(clock_.random());
    made.next_table_id = manifest_.next_table_id;
    made.next_view_id = manifest_.next_view_id;
    made.views = manifest_.views;
    for (const TableRecord& old : manifest_.tables) {
      const TableCore& table = *tables_[old.id];
      MergeRequest request;
      const std::shared_ptr<const TableState> state = table.published().state;
      request.schema = state->schema;
      TSFEAT_TRY(take_runs(old, &request.sources));
      for (const auto& memtable : state->memtables) {
        if (!memtable->empty()) request.sources.push_back(memtable->source(~uint64_t{0}));
      }
      for (const auto& source : request.sources) report_.events += source->stats().events;
      TableRecord& record = made.tables.emplace_back(table.record(clock_));
      if (request.sources.empty()) continue;
      request.new_file = [&] {
        const uint64_t number = made.next_file_number++;
        return NewFile{number, target_ + "/" + run_name(number)};
      };
      TSFEAT_ASSIGN(MergeResult merged, merge_sources(vfs_, std::move(request)));
      record.runs = std::move(merged.runs);
    }
    TSFEAT_TRY(vfs_.sync_directory(target_));
    return save_manifest(vfs_, target_, made);
  }

  Status take_runs(const TableRecord& table, std::vector<std::unique_ptr<Source>>* sources) {
    for (const RunMeta& meta : table.runs) TSFEAT_TRY(take_run(table, meta, sources));
    return {};
  }

  // What was made before an error; what cannot be removed stays: it is no store.
  void remove_target() {
    const Result<std::vector<std::string>> names = vfs_.list(target_);
    if (!names.ok()) return;
    for (const std::string& name : *names) (void)vfs_.remove(target_ + "/" + name).ok();
  }

  void add_notes() {
    if (log_lost_) {
      report_.notes.push_back(
          "a lost part of a log may have held deletions: repeat those made since the store was last flushed");
    }
    if (report_.losses.empty()) return;
    for (const auto& [id, table] : tables_) {
      if (table->record(clock_).positions.empty()) continue;
      report_.notes.push_back("table '" + table->name +
                              "': the positions of its sources count batches that are lost as ingested");
    }
  }

  Vfs& vfs_;
  const Clock& clock_;
  const std::string path_, target_;
  const std::shared_ptr<BlockCache> cache_;
  Manifest manifest_;
  TablesById tables_;
  bool log_lost_ = false;
  RepairReport report_;
};

}  // namespace

Result<RepairReport> repair(Vfs& vfs, const Clock& clock, const std::string& path, const std::string& target) {
  return Repair(vfs, clock, path, target).run();
}

}  // namespace tsfeat
