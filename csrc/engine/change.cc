// Tables, columns, retention; and the manifest, which says what the store consists of.

#include <algorithm>
#include <utility>

#include "base/planted.h"
#include "engine/store_core.h"

namespace tsfeat {

Manifest StoreCore::manifest_now() const {
  Manifest manifest;
  manifest.store_id = store_id_;
  manifest.generation = generation_ + 1;
  manifest.next_file_number = next_file_number_.load();
  manifest.log_number = sealed_.empty() ? log_number_ : sealed_.front().logs.front();
  manifest.next_table_id = next_table_id_;
  for (const auto& table : all_tables()) manifest.tables.push_back(table->record(clock));
  manifest.next_view_id = next_view_id_;
  const std::shared_lock lock(tables_mutex);
  manifest.views = views_;
  return manifest;
}

Status StoreCore::commit(const std::function<void(Manifest&)>& change, const std::function<void()>& apply) {
  const auto sure = [&](Manifest& next) {
    change(next);
    return Status();
  };
  return commit(sure, apply, Appends::kGoOn);
}

Status StoreCore::commit(const std::function<Status(Manifest&)>& change, const std::function<void()>& apply,
                         Appends appends) {
  const std::lock_guard manifest_lock(manifest_mutex);
  std::unique_lock write_lock(write_mutex);
  TSFEAT_TRY(check_writable());
  Manifest next = manifest_now();
  const std::shared_ptr<LogWriter> log = log_;
  const uint64_t log_bytes = log == nullptr ? 0 : log->size();
  if (appends == Appends::kGoOn) write_lock.unlock();
  TSFEAT_TRY(change(next));
  // The manifest counts batches that are only in the log: they must not get lost behind it.
  if (log != nullptr) {
    if (Status status = log->sync(log_bytes); !status.ok()) return poison(status);
  }
  return all_or_poison([&]() -> Status {
    if (Status status = save_manifest(vfs, path, next); !status.ok()) return fail_write(status);
    generation_ = next.generation;
    next_table_id_ = next.next_table_id;
    next_view_id_ = next.next_view_id;
    apply();
    return {};
  });
}

Result<std::shared_ptr<TableCore>> StoreCore::find_table(const std::string& name) const {
  TSFEAT_TRY(check_open());
  const std::shared_lock lock(tables_mutex);
  const auto at = tables_.find(name);
  if (at != tables_.end()) return at->second;
  std::string known;
  for (const auto& [other, table] : tables_) known += (known.empty() ? "'" : ", '") + other + "'";
  return Status::not_found("store '" + path + "' has no table '" + name + "'; " +
                           (known.empty() ? "it has none yet" : "it has " + known));
}

std::vector<std::shared_ptr<TableCore>> StoreCore::all_tables() const {
  const std::shared_lock lock(tables_mutex);
  std::vector<std::shared_ptr<TableCore>> out;
  for (const auto& [name, table] : tables_) out.push_back(table);
  return out;
}

namespace {

Status check_retention(const std::optional<Retention>& retention) {
  if (!retention) return {};
  if (retention->max_age && *retention->max_age < 0) return Status::schema("retention: max_age is negative");
  if (retention->history < 0) return Status::schema("retention: history is negative");
  return {};
}

}  // namespace

Result<std::shared_ptr<TableCore>> StoreCore::create_table(const std::string& name, Schema schema,
                                                           std::optional<Retention> retention) {
  TSFEAT_TRY(check_writable());
  TSFEAT_TRY(check_name("table", name));
  schema.next_column_id = 1;
  for (Column& column : schema.columns) column.id = schema.next_column_id++;
  TSFEAT_TRY(check_schema(schema));
  TSFEAT_TRY(check_retention(retention));
  TableRecord record;
  record.name = name;
  record.schema = std::move(schema);
  record.retention = retention;
  for (const Column& column : record.schema.columns) {
    if (column.type == Type::kCategory) record.categories[column.id] = column.declared_categories;
  }
  std::shared_ptr<TableCore> table;
  bool exists = false;
  TSFEAT_TRY(commit(
      [&](Manifest& next) {
        for (const TableRecord& other : next.tables) exists = exists || other.name == name;
        if (exists) return;
        record.id = next.next_table_id++;
        next.tables.push_back(record);
      },
      [&] {
        if (exists) return;
        table = std::make_shared<TableCore>(record, Runs{}, pages);
        const std::unique_lock lock(tables_mutex);
        tables_[name] = table;
      }));
  if (exists) return Status::schema("table '" + name + "' exists already; pass if_exists=\"open\" to use it");
  return table;
}

Status StoreCore::drop_table(const std::string& name) {
  TSFEAT_TRY(check_writable());
  TSFEAT_ASSIGN(const std::shared_ptr<TableCore> table, find_table(name));
  std::vector<std::string> files;
  TSFEAT_TRY(commit(
      [&](Manifest& next) {
        std::erase_if(next.tables, [&](const TableRecord& record) { return record.id == table->id; });
      },
      [&] {
        const std::lock_guard write_lock(write_mutex);
        for (const RunMeta& run : table->published().state->run_metas())
          files.push_back(file_path(run_name(run.number)));
        table->dropped = true;
        const std::unique_lock lock(tables_mutex);
        const auto at = tables_.find(name);
        if (at != tables_.end() && at->second == table) tables_.erase(at);
      }));
  remove_files(files);
  return {};
}

Status StoreCore::add_column(TableCore& table, Column column) {
  TSFEAT_TRY(check_writable());
  if (column.default_value && !column.default_value->valid && !column.nullable) {
    return Status::schema("column '" + column.name + "': a null default needs a nullable column");
  }
  // A category's default is a string; it becomes the column's first code (or its declared one).
  std::vector<std::string> categories = column.declared_categories;
  if (column.type == Type::kCategory && column.default_value && column.default_value->valid) {
    const auto at = std::find(categories.begin(), categories.end(), column.default_value->bytes);
    const auto code = static_cast<int32_t>(at - categories.begin());
    if (at == categories.end() && column.closed) {
      return Status::schema("column '" + column.name + "': the default '" + column.default_value->bytes +
                            "' is not one of its closed categories");
    }
    if (at == categories.end()) categories.push_back(column.default_value->bytes);
    column.default_value->bytes.assign(4, '\0');
    store(column.default_value->bytes.data(), code);
  }
  std::shared_ptr<Schema> schema;
  Status refused;
  TSFEAT_TRY(commit(
      [&](Manifest& next) {
        for (TableRecord& record : next.tables) {
          if (record.id != table.id) continue;
          schema = std::make_shared<Schema>(record.schema);
          column.id = schema->next_column_id++;
          schema->columns.push_back(column);
          refused = check_schema(*schema);
          if (!refused.ok()) return;
          record.schema = *schema;
          if (column.type == Type::kCategory) record.categories[column.id] = categories;
        }
      },
      [&] {
        if (schema == nullptr || !refused.ok()) return;
        const std::lock_guard write_lock(write_mutex);
        table.update([&](TableState& state) {
          state.schema = schema;
          table.add_memtable(state);
          if (column.type == Type::kCategory)
            state.categories[column.id] = std::make_shared<CategoryDictionary>(categories);
        });
      }));
  if (schema == nullptr) return Status::not_found("table '" + table.name + "' was dropped");
  return refused;
}

Status StoreCore::set_retention(TableCore& table, std::optional<Retention> retention) {
  TSFEAT_TRY(check_writable());
  TSFEAT_TRY(check_retention(retention));
  // Held from the policy to the end: a compaction in between would forget by a later horizon than the one noted here.
  const std::lock_guard compaction_lock(compaction_mutex);
  const std::optional<Retention> current = table.published().state->retention;
  int64_t floor_time = kMinTime;
  uint64_t floor_version = 0;
  if (loosens(current, retention)) {
    // What the old policy let go of must not come back by chance: it is let go of for certain, now.
    const ReclaimPolicy policy = table.reclaim_policy(clock);
    floor_time = policy.horizon_time();
    floor_version = policy.horizon_version;
    TSFEAT_TRY(flush());
    TSFEAT_TRY(compact_table(table, policy, true, {}));
  }
  bool found = false;
  TSFEAT_TRY(commit(
      [&](Manifest& next) {
        for (TableRecord& record : next.tables) {
          if (record.id != table.id) continue;
          found = true;
          record.retention = retention;
          record.horizon_time = std::max(record.horizon_time, floor_time);
          record.horizon_version = std::max(record.horizon_version, floor_version);
        }
      },
      [&] {
        table.update([&](TableState& state) {
          state.retention = retention;
          state.horizon_time = std::max(state.horizon_time, floor_time);
          state.horizon_version = std::max(state.horizon_version, floor_version);
        });
      }));
  return found ? Status{} : Status::not_found("table '" + table.name + "' was dropped");
}

Status StoreCore::poison(const Status& cause) {
  if (planted("poison")) return cause;
  const std::lock_guard lock(failure_mutex_);
  if (poisoned_.ok()) poisoned_ = cause;
  return cause;
}

void StoreCore::poison_half_done() noexcept {
  const std::lock_guard lock(failure_mutex_);
  if (poisoned_.ok()) std::swap(poisoned_, half_done_);
}

Status StoreCore::fail_write(const Status& cause) {
  const bool retryable = cause.code() == Code::kOutOfSpace || cause.code() == Code::kClosed;
  return retryable ? cause : poison(cause);
}

}  // namespace tsfeat
