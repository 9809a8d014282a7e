// Bulk load: sorted events into one run, past log and memtable, and one manifest that names it with its version.
//
// The version is given when all is written: until then the run's rows are of no version (RunWriter::finish), so appends
// go on meanwhile. From giving it to the manifest that counts it they wait: no later version can be in the log, or
// seen, before this one is durable. The log has no record of it; replay passes over the gap, as over all that the
// manifest is ahead of.

#include <algorithm>

#include "engine/store_core.h"

namespace tsfeat {
namespace {

class StoreLoad final : public Load {
 public:
  StoreLoad(std::shared_ptr<StoreCore> store, std::shared_ptr<TableCore> table)
      : store_(std::move(store)), table_(std::move(table)) {
    store_->begin_load(*table_);  // before the state is taken: what it sees reserved stays
    state_ = table_->published().state;
    loader_ = std::make_unique<RunLoader>(store_->vfs, state_->schema, store_->run_options(codec::Effort::kSmall),
                                          store_->new_run_file(), table_->name);
  }
  ~StoreLoad() override {
    // Once the manifest was to name the file, nobody knows whether it does: the next open removes it if not. And after
    // the store was closed its files are not this process's.
    if (!named_ && loader_->has_file() && store_->check_open().ok()) store_->remove_files({loader_->file().path});
    store_->end_load(*table_);
  }

  const Schema& schema() const override { return *state_->schema; }

  Status add(const AppendRequest& request) override {
    TSFEAT_TRY(check());
    Status status = add_checked(request);
    if (!status.ok()) failure_ = status;
    return status;
  }

  Result<uint64_t> commit() override {
    TSFEAT_TRY(check());
    failure_ = Status::closed("the load is over; start another");
    if (Status status = loader_->end_rows(); !status.ok()) return store_->fail_write(status);
    return store_->commit_load(*table_, state_->schema, *loader_, &named_);
  }

 private:
  Status check() const {
    TSFEAT_TRY(failure_);
    TSFEAT_TRY(store_->check_open());
    TSFEAT_TRY(store_->check_writable());
    if (table_->dropped) return Status::not_found("table '" + table_->name + "' was dropped during the load");
    return {};
  }

  Status add_checked(const AppendRequest& request) {
    PreparedBatch prepared(table_->name, *state_, loader_->events());
    TSFEAT_TRY(prepared.prepare(request));
    if (prepared.new_categories().empty()) return write(prepared);
    PreparedBatch again(table_->name, *state_, loader_->events());
    TSFEAT_TRY(store_->prepare_load(*state_, request, &again));
    return write(again);
  }

  Status write(const PreparedBatch& prepared) {
    Status status = loader_->add(prepared.batch());
    return status.ok() || status.code() == Code::kSchema ? status : store_->fail_write(status);
  }

  const std::shared_ptr<StoreCore> store_;
  const std::shared_ptr<TableCore> table_;
  std::shared_ptr<const TableState> state_;
  std::unique_ptr<RunLoader> loader_;
  Status failure_;
  bool named_ = false;  // a manifest names the file, or may do so
};

}  // namespace

Result<std::unique_ptr<Load>> StoreCore::start_load(const std::shared_ptr<TableCore>& table) {
  TSFEAT_TRY(check_writable());
  return std::unique_ptr<Load>(std::make_unique<StoreLoad>(shared_from_this(), table));
}

void StoreCore::begin_load(TableCore& table) {
  const std::lock_guard lock(write_mutex);
  ++table.loads;
}

void StoreCore::end_load(TableCore& table) {
  const std::lock_guard lock(write_mutex);
  if (--table.loads > 0) return;
  for (const auto state = table.published().state; const auto& [column_id, dictionary] : state->categories)
    dictionary->give_back_reserved();
}

Status StoreCore::prepare_load(const TableState& state, const AppendRequest& request, PreparedBatch* prepared) {
  const std::lock_guard lock(write_mutex);
  TSFEAT_TRY(prepared->prepare(request));
  for (const NewCategories& fresh : prepared->new_categories())
    state.categories.at(fresh.column_id)->reserve(fresh.values);
  return {};
}

// As if compaction had made it: a level's runs are of about one size.
uint32_t StoreCore::level_of_load(uint64_t run_bytes) const {
  uint32_t level = 0;
  const uint64_t flush_bytes = std::max<uint64_t>(1, options.generation_bytes());
  for (uint64_t left = run_bytes / flush_bytes; left >= kFanout; left /= kFanout) ++level;
  return std::max<uint32_t>(1, level);
}

Result<uint64_t> StoreCore::commit_load(TableCore& table, const std::shared_ptr<const Schema>& schema,
                                        RunLoader& loader, bool* named) {
  TSFEAT_TRY(sync_log());  // most of it before appends have to wait
  BatchFacts facts;
  facts.rows = loader.events();
  facts.newest_time = loader.newest_time();
  Runs made;
  const auto change = [&](Manifest& next) -> Status {
    const auto record = std::find_if(next.tables.begin(), next.tables.end(),
                                     [&](const TableRecord& each) { return each.id == table.id; });
    if (record == next.tables.end()) return Status::not_found("table '" + table.name + "' was dropped during the load");
    const std::shared_ptr<const TableState> state = table.published().state;
    facts.version = record->version + 1;
    facts.wall_clock = TableCore::wall_now(*state, clock);
    TSFEAT_ASSIGN(std::optional<RunMeta> meta, loader.finish(facts.version));
    if (meta) {
      meta->level = level_of_load(meta->bytes);
      TSFEAT_ASSIGN(made, open_runs({*meta}, schema));
      TSFEAT_TRY(vfs.sync_directory(path));
      record->runs.push_back(*meta);
    }
    for (const auto& [column_id, dictionary] : state->categories) {
      std::vector<std::string>& values = record->categories[column_id];
      for (std::string& value : dictionary->reserved()) values.push_back(std::move(value));
    }
    count_batch(facts, &*record);
    *named = true;
    return {};
  };
  const auto apply = [&] {
    const std::shared_ptr<const TableState> state = table.published().state;
    for (const auto& [column_id, dictionary] : state->categories)
      dictionary->add(dictionary->size(), dictionary->reserved());
    table.update([&](TableState& next) { next.runs.insert(next.runs.end(), made.begin(), made.end()); });
    table.publish_batch(facts);
  };
  Status status = commit(change, apply, Appends::kWait);
  if (status.code() == Code::kStorage || status.code() == Code::kCorruption) return fail_write(status);
  TSFEAT_TRY(status);
  share_memory();
  if (compaction_worker_ != nullptr) compaction_worker_->wake();
  return facts.version;
}

}  // namespace tsfeat
