// Opening, and closing.

#include <algorithm>
#include <cerrno>

#include "base/process.h"
#include "engine/broken_run.h"
#include "engine/store_core.h"
#include "vfs/directories.h"

namespace tsfeat {
namespace {

constexpr std::chrono::milliseconds kCompactionInterval{1000};  // retention moves with time, unprompted
constexpr std::chrono::milliseconds kFlushInterval{1000};

}  // namespace

StoreCore::StoreCore(Vfs& vfs_, const Clock& clock_, std::string path_, bool writable_, const StoreOptions& options_)
    : vfs(vfs_),
      clock(clock_),
      path(std::move(path_)),
      writable(writable_),
      options(options_),
      pages(PagePool::create(options_.generation_bytes() / kPageBlockBytes)),
      cache(BlockCache::create(options_.cache_bytes != 0 ? options_.cache_bytes : options_.memory_bytes, pages)),
      helpers(Helpers::create(std::max<uint32_t>(1, options_.read_threads) - 1)),
      opened_in_process_(fork_generation()),
      half_done_(Status::storage(ENOMEM, "a change stopped half way")) {}

bool StoreCore::forked() const { return fork_generation() != opened_in_process_; }

Status StoreCore::check_open() const {
  if (forked()) {
    return Status::closed("store '" + path + "' was opened before a fork; open it again in the child (mode=\"r\")");
  }
  if (stopping_) return Status::closed("store '" + path + "' is closed; open it again");
  return {};
}

Status StoreCore::check_writable() const {
  if (!writable)
    return Status::storage(EROFS, "store '" + path + "' is open read-only; open it with mode=\"w\" to change it");
  if (closed_) return Status::closed("store '" + path + "' is closed; open it again");
  const std::lock_guard lock(failure_mutex_);
  if (poisoned_.ok()) return {};
  return Status(Code::kPoisoned, "store '" + path + "' refuses writes since one failed (" + poisoned_.message() +
                                     "); it still reads; close it, mend the cause and open it again");
}

Status StoreCore::open() {
  if (writable) return open_writable();
  TSFEAT_ASSIGN(const bool there, vfs.exists(path));
  if (!there) return Status::not_found("there is no store at '" + path + "'; open it with mode=\"w\" to create one");
  return refresh();
}

Status StoreCore::create_store() {
  TSFEAT_ASSIGN(const std::vector<std::string> names, vfs.list(path));
  for (const std::string& name : names) {
    // What an interrupted creation may have left.
    if (name == "LOCK" || name == "MANIFEST.tmp") continue;
    return Status::not_found("'" + path + "' is not a tsfeat store, and not empty (it has '" + name +
                             "'); choose another directory");
  }
  Manifest manifest;
  ByteWriter id(&manifest.store_id);
  id.fixed(clock.random());
  id.fixed(clock.random());
  return save_manifest(vfs, path, manifest);
}

Status StoreCore::open_writable() {
  TSFEAT_ASSIGN(bool there, vfs.exists(file_path("MANIFEST")));
  if (!there) TSFEAT_TRY(make_directories(vfs, path));
  if (!there) {  // nothing is written into a directory that is someone else's, not even a lock
    TSFEAT_ASSIGN(const std::vector<std::string> names, vfs.list(path));
    if (std::any_of(names.begin(), names.end(),
                    [](const auto& name) { return name != "LOCK" && name != "MANIFEST.tmp"; })) {
      return create_store();
    }
  }
  TSFEAT_ASSIGN(lock_, vfs.lock(file_path("LOCK")));
  TSFEAT_ASSIGN(there, vfs.exists(file_path("MANIFEST")));
  if (!there) TSFEAT_TRY(create_store());
  TSFEAT_ASSIGN(const Manifest manifest, load_manifest(vfs, path));
  // What a killed process left in the directory is perhaps not durable yet, MANIFEST's new name included: what is
  // removed or added next must not outlive it.
  TSFEAT_TRY(vfs.sync_directory(path));
  TSFEAT_TRY(remove_orphans(manifest));
  TSFEAT_ASSIGN(const Tables tables, open_tables(manifest));
  generation_ = manifest.generation;
  for (const auto& [id, table] : tables) tables_[table->name] = table;
  take_views(manifest.views);
  uint64_t last_log = 0;
  {
    const std::lock_guard lock(write_mutex);
    TSFEAT_TRY(recover_logs(manifest, tables));
    if (!sealed_.empty()) last_log = sealed_.back().logs.back();
    TSFEAT_TRY(start_log(last_log));
  }
  // From here on the manifest says that there is a log.
  TSFEAT_TRY(commit([](Manifest&) {}, [] {}));
  opened_ = true;
  share_memory();
  start_workers();
  return {};
}

Result<StoreCore::Tables> StoreCore::open_tables(const Manifest& manifest) {
  store_id_ = manifest.store_id;
  next_table_id_ = manifest.next_table_id;
  next_view_id_ = manifest.next_view_id;
  next_file_number_ = std::max(next_file_number_.load(), manifest.next_file_number);
  std::map<uint64_t, std::shared_ptr<Run>> known;
  for (const auto& table : all_tables()) {
    for (const auto state = table->published().state; const auto& run : state->runs) known[run->meta().number] = run;
  }
  Tables tables;
  for (const TableRecord& record : manifest.tables) {
    const auto schema = std::make_shared<const Schema>(record.schema);
    Runs runs;
    for (const RunMeta& meta : record.runs) {
      const auto at = known.find(meta.number);
      runs.push_back(at != known.end() ? at->second : open_or_break(meta, schema));
    }
    tables[record.id] = std::make_shared<TableCore>(record, std::move(runs), pages);
  }
  return tables;
}

// A damaged or missing file must not take the rest of the store with it.
std::shared_ptr<Run> StoreCore::open_or_break(const RunMeta& meta, const std::shared_ptr<const Schema>& schema) {
  const std::string file = file_path(run_name(meta.number));
  Result<std::shared_ptr<Run>> run = Run::open(vfs, file, meta, schema, cache);
  if (run.ok()) return *run;
  if (run.status().error_number() == ENOENT) {
    return make_broken_run(meta,
                           Status::corruption(file + ", offset 0: the file is missing; restore it from a checkpoint"));
  }
  return make_broken_run(meta, run.status());
}

void StoreCore::start_workers() {
  if (inline_work()) return;
  // A failure is kept where the next append, or stats(), shows it.
  compaction_worker_ = std::make_unique<Worker>(
      [this] {
        for (Result<bool> more = true; more.ok() && *more && !stopping_;) more = compact_step();
      },
      kCompactionInterval);
  flush_worker_ = std::make_unique<Worker>([this] { (void)flush_one().ok(); }, kFlushInterval);
  if (options.sync == SyncPolicy::kInterval) {
    sync_worker_ = std::make_unique<Worker>([this] { sync_log_in_background(); },
                                            std::chrono::milliseconds(std::max<uint64_t>(1, options.sync_interval_ms)));
  }
}

// Stopped, not destroyed: an append under way may still wake one.
void StoreCore::stop_workers() {
  for (const auto* worker : {&sync_worker_, &flush_worker_, &compaction_worker_}) {
    if (*worker != nullptr) (*worker)->stop();
  }
}

void StoreCore::sync_log_in_background() {
  std::shared_ptr<LogWriter> log;
  {
    const std::lock_guard lock(write_mutex);
    log = log_;
  }
  if (log == nullptr || log->durable_bytes() >= log->size()) return;
  if (Status status = log->sync(log->size()); !status.ok()) (void)poison(status).ok();
}

// What is in memory goes to runs, so that the next open has no log to replay. If that fails, the log still has it.
Status StoreCore::finish_writing() {
  TSFEAT_TRY(check_writable());
  if (Status status = flush(); !status.ok()) {
    const std::lock_guard lock(write_mutex);
    (void)log_->sync(log_->size()).ok();
    return status;
  }
  TSFEAT_TRY(commit([](Manifest& next) { next.log_number = 0; }, [this] { closed_ = true; }));
  remove_files({file_path(log_name(log_number_))});
  return {};
}

Status StoreCore::close() {
  if (forked()) return {};
  {
    const std::lock_guard lock(write_mutex);
    if (stopping_.exchange(true)) return {};
  }
  stop_workers();
  Status status;
  if (opened_) {  // else the store on the disk is not this one's to change: another process may have it
    const std::lock_guard lock(compaction_mutex);
    status = finish_writing();
  }
  closed_ = true;
  const std::lock_guard lock(write_mutex);
  log_.reset();
  lock_.reset();
  return status.code() == Code::kPoisoned ? Status{} : status;  // the failure was reported when it happened
}

}  // namespace tsfeat
