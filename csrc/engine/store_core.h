// The innards of an open store, shared by the Store and its Tables. Its methods are spread over files by topic:
// open.cc (open, close), recover.cc, follow.cc (read-only stores), append.cc, load.cc, erase.cc, change.cc (tables,
// columns, retention, the manifest), views.cc, flush.cc, compaction.cc, memory.cc, checkpoint.cc, verify.cc, stats.cc.
//
// Locks, in the order in which they are taken (a thread holding one takes only later ones):
//   compaction_mutex  one compaction at a time
//   flush_mutex       one flush at a time
//   manifest_mutex    one change of the manifest at a time
//   write_mutex       orders appends, erasures and schema changes; guards the log and the generations
//   tables_mutex      the map of tables, the views
//   TableCore's own   moments
//
// Generations: each log segment belongs to one generation of memtables. When they are full the generation is sealed
// (its log finished, new memtables and a new log put in place), flushed as a whole, and its log removed. So the store
// is always: the manifest, plus the logs from log_number on.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "catalog/manifest.h"
#include "compact/job.h"
#include "compact/loader.h"
#include "compact/picker.h"
#include "engine/input.h"
#include "engine/replay.h"
#include "engine/store.h"
#include "engine/table_core.h"
#include "engine/worker.h"
#include "wal/log.h"

namespace tsfeat {

class PreparedBatch;

// Memtables whose log is finished and that wait to be flushed.
struct SealedGeneration {
  std::vector<uint64_t> logs;
  std::vector<std::pair<std::shared_ptr<TableCore>, std::shared_ptr<Memtable>>> memtables;
};

struct Counters {
  std::atomic<uint64_t> flushes{0}, flushed_bytes{0}, log_bytes{0}, log_syncs{0}, write_stall_ns{0};
  std::atomic<uint64_t> compactions{0}, compacted_bytes_read{0}, compacted_bytes_written{0}, dropped_events{0},
      expired_runs{0};
  std::atomic<bool> flushing{false}, compacting{false};
};

class StoreCore : public std::enable_shared_from_this<StoreCore> {
 public:
  StoreCore(Vfs& vfs, const Clock& clock, std::string path, bool writable, const StoreOptions& options);

  // ---- open.cc
  Status open();
  Status refresh();
  Status close();
  bool forked() const;            // whether this is a child's copy
  Status check_open() const;      // kClosed once close began, or in a forked child: for calls from outside
  Status check_writable() const;  // kStorage (EROFS) if read-only, kPoisoned if so, kClosed once all is written

  // ---- load.cc
  Result<std::unique_ptr<Load>> start_load(const std::shared_ptr<TableCore>& table);
  void begin_load(TableCore& table);
  void end_load(TableCore& table);  // published or not
  // Checks and reserves what the batch adds to the table's categories.
  Status prepare_load(const TableState& state, const AppendRequest& request, PreparedBatch* prepared);
  // One more version of the table, which the run holds. named: set when a manifest is about to name the run.
  Result<uint64_t> commit_load(TableCore& table, const std::shared_ptr<const Schema>& schema, RunLoader& loader,
                               bool* named);

  // ---- append.cc, erase.cc
  Result<uint64_t> append(TableCore& table, const AppendRequest& request);
  Result<uint64_t> erase(TableCore& table, const std::vector<KeyView>& keys, PerRow<int64_t> before);

  // ---- change.cc
  Result<std::shared_ptr<TableCore>> create_table(const std::string& name, Schema schema,
                                                  std::optional<Retention> retention);
  Result<std::shared_ptr<TableCore>> find_table(const std::string& name) const;
  std::vector<std::shared_ptr<TableCore>> all_tables() const;
  Status drop_table(const std::string& name);
  Status add_column(TableCore& table, Column column);
  Status set_retention(TableCore& table, std::optional<Retention> retention);

  // ---- views.cc
  Result<std::vector<NamedView>> views() const;
  Result<NamedView> create_view(const std::string& name, uint32_t table_id, const std::string& specification);
  Status drop_view(const std::string& name);
  Result<std::string> store_id();

  // ---- change.cc
  // The one way in which the manifest changes: takes it from the living store, lets `change` edit it, makes the log
  // durable as far as it was counted, saves, and lets `apply` bring the living store to the same state. manifest_mutex
  // is held throughout.
  Status commit(const std::function<void(Manifest&)>& change, const std::function<void()>& apply);
  // The same for a change that may fail, which then is not made; kWait: appends wait until it is (write_mutex is held).
  enum class Appends { kGoOn, kWait };
  Status commit(const std::function<Status(Manifest&)>& change, const std::function<void()>& apply, Appends appends);

  // ---- flush.cc
  Status seal_generation();  // write_mutex held: finishes the log, starts the next
  Status flush_one();        // the oldest sealed generation, if there is one
  Status flush();            // everything that was appended before the call
  Status start_log(uint64_t previous);
  RunOptions run_options(codec::Effort effort) const;

  // ---- compaction.cc
  // One pick of one table; false: nothing to do.
  Result<bool> compact_step();
  // Merges all of the table's runs; compaction_mutex held. must_rewrite: also runs that stand alone.
  Status compact_table(TableCore& table, const ReclaimPolicy& policy, bool must_rewrite, const Progress& progress);
  Status compact(bool erase, const Progress& progress);
  void remove_files(const std::vector<std::string>& paths);  // now, or when the last pin goes
  void unpin();

  // ---- follow.cc
  // How far the newest log is on stable storage.
  LogPlace durable_place() const;

  // ---- memory.cc
  // Gives the cache what is left of memory_bytes. After every change of what the rest takes; without flush, compaction
  // or open, that is when memtables have grown by memory_step().
  void share_memory();

  // ---- checkpoint.cc, verify.cc, stats.cc
  Status checkpoint(const std::string& target);
  Result<VerifyReport> verify(const Progress& progress);
  StatMap stats() const;

  // First failure wins; later writes are refused with it.
  Status poison(const Status& cause);
  // For steps after which disk and memory must agree: should memory run out on the way, the store is poisoned, and
  // opening it again finds out what the disk has.
  template <typename Act>
  auto all_or_poison(Act act) {
    try {
      return act();
    } catch (...) {
      poison_half_done();
      throw;
    }
  }
  // What a failure outside the log means: a full disk can be tried again, anything else poisons.
  Status fail_write(const Status& cause);

  std::string file_path(const std::string& name) const { return path + "/" + name; }
  uint64_t new_file_number() { return next_file_number_.fetch_add(1); }
  NewFile new_run_file() {
    const uint64_t number = new_file_number();
    return {number, file_path(run_name(number))};
  }
  bool inline_work() const { return options.background_threads == 0; }

  Vfs& vfs;
  const Clock& clock;
  const std::string path;
  const bool writable;
  const StoreOptions options;
  const std::shared_ptr<PagePool> pages;  // of memtables and cache
  const std::shared_ptr<BlockCache> cache;
  const std::shared_ptr<Helpers> helpers;  // with large reads

  std::mutex compaction_mutex, flush_mutex, manifest_mutex;
  mutable std::mutex write_mutex;

 private:
  using Runs = std::vector<std::shared_ptr<Run>>;

  using Tables = TablesById;
  using Sealable = std::vector<std::pair<std::shared_ptr<TableCore>, std::shared_ptr<Memtable>>>;

  // open.cc, recover.cc, follow.cc
  Status open_writable();
  Status create_store();
  Status remove_orphans(const Manifest& manifest);
  Status recover_logs(const Manifest& manifest, const Tables& tables);
  Status finish_writing();
  Status follow(bool* raced);
  Status follow_logs(const Manifest& manifest, const Tables& tables, std::map<uint64_t, uint64_t>* replayed);
  void take_tables(const Tables& tables);
  void take_views(std::vector<NamedView> views);  // views.cc
  Result<Tables> open_tables(const Manifest& manifest);
  std::shared_ptr<Run> open_or_break(const RunMeta& meta, const std::shared_ptr<const Schema>& schema);
  Result<std::vector<uint64_t>> logs_from(uint64_t number) const;
  Result<ReplayResult> replay_into(const Tables& tables, uint64_t number, uint64_t from, bool last);
  // memory.cc
  uint64_t table_memory() const;  // of memtables and of what runs keep
  uint64_t memory_step() const;
  // flush.cc
  Status start_generation();
  Sealable unsealed_memtables() const;  // write_mutex held
  Status flush_generation(const SealedGeneration& generation);
  void publish_flush(const SealedGeneration& generation, const std::map<uint32_t, Runs>& made);

  // append.cc: with the write lock held and room in the memtable.
  Status write_batch(TableCore& table, const TableState& state, const PreparedBatch& prepared, BatchFacts* facts);
  Result<std::unique_lock<std::mutex>> lock_for_append(const TableCore& table);
  bool full() const { return active_bytes_ >= options.generation_bytes(); }
  size_t level0_runs(const TableCore& table) const;
  Status sync_if_asked(const AppendRequest& request);
  Status sync_log();  // all that is in it by now
  // change.cc
  Manifest manifest_now() const;
  // load.cc
  uint32_t level_of_load(uint64_t run_bytes) const;
  // compaction.cc
  Result<bool> compact_table_step(const std::shared_ptr<TableCore>& table);
  Status merge_runs(TableCore& table, const Runs& runs, const ReclaimPolicy& policy, bool somebody_waits,
                    const std::function<Status(double, uint64_t)>& on_progress);
  Status replace_runs(TableCore& table, const ReclaimPolicy& policy, const Runs& old_runs, const Runs& new_runs);
  Result<Runs> open_runs(const std::vector<RunMeta>& metas, const std::shared_ptr<const Schema>& schema);
  Status throttle(uint64_t bytes_written, std::chrono::steady_clock::time_point start);
  std::chrono::steady_clock::duration ahead_of_rate(uint64_t bytes_written,
                                                    std::chrono::steady_clock::time_point start) const;
  bool read_since(uint64_t* questions_seen) const;
  // checkpoint.cc
  Status write_checkpoint(const std::string& target, Manifest* manifest,
                          const std::function<Status(uint64_t*)>& copy_tables);
  Status copy_table(const std::string& target, const TableState& state, uint64_t version, TableRecord* record,
                    uint64_t* next_number);
  // verify.cc, stats.cc
  void verify_manifest(VerifyReport* out);
  void verify_run(Run& run, VerifyReport* out);
  void verify_log(uint64_t number, VerifyReport* out);
  StatMap table_stats(const TableCore& table) const;
  StatMap failure_stats() const;
  // background work
  void start_workers();
  void stop_workers();
  void sync_log_in_background();

  std::unique_ptr<FileLock> lock_;
  const uint64_t opened_in_process_;   // fork generation
  bool opened_ = false;                // for writing, to the end
  std::atomic<bool> stopping_{false};  // close began: calls are refused, background jobs end early
  std::atomic<bool> closed_{false};    // nothing is written any more

  void poison_half_done() noexcept;

  mutable std::mutex failure_mutex_;  // guards the four
  Status half_done_;                  // made early: to say that memory has run out takes some
  Status poisoned_;
  Status flush_failure_;       // of the latest try
  Status compaction_failure_;  // of the latest try

  mutable std::shared_mutex tables_mutex;
  std::map<std::string, std::shared_ptr<TableCore>> tables_;
  std::vector<NamedView> views_;  // as in the manifest

  // Under manifest_mutex.
  std::string store_id_;
  uint64_t generation_ = 0;
  uint32_t next_table_id_ = 1;
  uint32_t next_view_id_ = 1;
  std::atomic<uint64_t> next_file_number_{1};

  // Under write_mutex.
  std::shared_ptr<LogWriter> log_;
  uint64_t log_number_ = 0;                   // of log_
  EncodedRecord record_;                      // of the append at hand
  uint64_t synced_ahead_bytes_ = 0;           // of log_, when the background was told to sync last
  std::deque<SealedGeneration> sealed_;       // oldest first
  size_t active_bytes_ = 0;                   // of the memtables that are not sealed
  size_t shared_at_bytes_ = 0;                // active_bytes_ when memory was shared last
  std::condition_variable flushed_;           // a sealed generation went
  std::atomic<uint32_t> appends_waiting_{0};  // for that
  std::condition_variable compacted_;         // a compaction ended

  // Read-only stores: how far each log has been replayed, for refresh. Under write_mutex.
  std::map<uint64_t, uint64_t> replayed_bytes_;
  LogPlace durable_log_;  // what the newest log's seals said

  std::mutex files_mutex_;
  std::vector<std::string> unwanted_files_;
  uint64_t pins_ = 0;

  // What read_since() told the flush and the compaction last.
  uint64_t questions_at_flush_ = 0, questions_at_merge_ = 0;

  mutable Counters counters_;
  std::unique_ptr<Worker> flush_worker_, compaction_worker_, sync_worker_;
};

}  // namespace tsfeat
