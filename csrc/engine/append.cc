// Appending: check, log, memtable, publish. (From the log's side: replay.cc.)

#include <algorithm>
#include <chrono>

#include "base/planted.h"
#include "engine/input.h"
#include "engine/store_core.h"

namespace tsfeat {
namespace {

// So many unmerged flushes slow every read; appends wait for compaction rather than let them grow.
constexpr size_t kStallRuns = 6 * kFanout;

// When a generation is sealed, appends wait for the sync of what its log has not synced yet: so the background starts
// on it sooner.
constexpr uint64_t kSyncAheadBytes = uint64_t{2} << 20;

}  // namespace

Result<uint64_t> StoreCore::append(TableCore& table, const AppendRequest& request) {
  TSFEAT_TRY(check_open());
  TSFEAT_TRY(check_writable());
  TSFEAT_ASSIGN(std::unique_lock<std::mutex> lock, lock_for_append(table));
  TSFEAT_TRY(check_open());
  TSFEAT_TRY(check_writable());
  if (table.dropped) return Status::not_found("table '" + table.name + "' was dropped");
  const TableCore::Published now = table.published();
  if (request.source) {
    const std::optional<int64_t> stored = table.position(*request.source);
    if (stored && request.position <= *stored) {
      // Known, but perhaps not yet durable: a caller that asks for that gets it, also the second time.
      lock.unlock();
      TSFEAT_TRY(sync_if_asked(request));
      return now.version;
    }
  }
  PreparedBatch prepared(table.name, *now.state);
  TSFEAT_TRY(prepared.prepare(request));

  BatchFacts facts{now.version + 1,
                   request.rows,
                   prepared.newest_time(),
                   TableCore::wall_now(*now.state, clock),
                   request.source.value_or(""),
                   request.position,
                   {}};
  TSFEAT_TRY(all_or_poison([&] { return write_batch(table, *now.state, prepared, &facts); }));
  const bool grew = active_bytes_ >= shared_at_bytes_ + memory_step();
  if (grew) shared_at_bytes_ = active_bytes_;
  const bool sync_ahead = sync_worker_ != nullptr && log_->size() >= synced_ahead_bytes_ + kSyncAheadBytes;
  if (sync_ahead) synced_ahead_bytes_ = log_->size();
  lock.unlock();
  if (grew) share_memory();
  if (sync_ahead) sync_worker_->wake();
  TSFEAT_TRY(sync_if_asked(request));
  return facts.version;
}

// Into the log, into memory, and then for readers to see.
Status StoreCore::write_batch(TableCore& table, const TableState& state, const PreparedBatch& prepared,
                              BatchFacts* facts) {
  const BatchHeader header{table.id,      facts->version,  facts->wall_clock,
                           facts->source, facts->position, prepared.new_categories()};
  encode_batch(header, *state.schema, prepared.batch(), &record_);
  if (planted("early_position")) table.publish_batch({0, 0, {}, 0, facts->source, facts->position, {}});
  if (Status status = log_->append(record_); !status.ok()) {
    return status.code() == Code::kSchema ? status : poison(status);  // kSchema: refused before a byte was written
  }
  for (const NewCategories& fresh : header.categories) {
    state.categories.at(fresh.column_id)->add(fresh.first_code, fresh.values);
  }
  facts->logged = {log_number_, log_->size()};
  if (planted("early_version")) table.publish_batch(*facts);
  Memtable& memtable = *state.memtables.back();
  active_bytes_ -= memtable.memory_bytes();
  memtable.insert(prepared.batch(), facts->version);
  active_bytes_ += memtable.memory_bytes();
  table.publish_batch(*facts);
  return {};
}

Status StoreCore::sync_if_asked(const AppendRequest& request) {
  if (planted("early_acknowledge")) return {};
  return request.sync.value_or(options.sync == SyncPolicy::kAlways) ? sync_log() : Status();
}

// A log that was finished meanwhile is durable already.
Status StoreCore::sync_log() {
  std::shared_ptr<LogWriter> log;
  {
    const std::lock_guard lock(write_mutex);
    log = log_;
  }
  if (log == nullptr) return {};  // closed since, and all written
  Status status = log->sync(log->size());
  return status.ok() ? status : poison(status);
}

size_t StoreCore::level0_runs(const TableCore& table) const {
  const TableCore::Published now = table.published();
  return static_cast<size_t>(std::count_if(now.state->runs.begin(), now.state->runs.end(),
                                           [](const auto& run) { return run->meta().level == 0; }));
}

// Waits, or works, until there is room. Backpressure is what bounds memory, and the number of runs.
Result<std::unique_lock<std::mutex>> StoreCore::lock_for_append(const TableCore& table) {
  std::unique_lock lock(write_mutex);
  if (!full()) return lock;
  const auto start = std::chrono::steady_clock::now();
  while (!sealed_.empty() && !stopping_ && check_writable().ok()) {
    if (inline_work()) {
      lock.unlock();
      TSFEAT_TRY(flush_one());
      lock.lock();
    } else {
      flush_worker_->wake();
      ++appends_waiting_;
      flushed_.wait_for(lock, std::chrono::milliseconds(100));
      --appends_waiting_;
      // A flush that fails for lack of space is the append's failure: waiting for ever would hide it.
      const std::lock_guard guard(failure_mutex_);
      if (!flush_failure_.ok() && !sealed_.empty()) return flush_failure_;
    }
  }
  while (!inline_work() && level0_runs(table) >= kStallRuns && !stopping_ && check_writable().ok()) {
    compaction_worker_->wake();
    compacted_.wait_for(lock, std::chrono::milliseconds(100));
    const std::lock_guard guard(failure_mutex_);
    if (!compaction_failure_.ok()) break;  // shown by stats(); reads get slower, appends go on
  }
  TSFEAT_TRY(check_open());
  TSFEAT_TRY(check_writable());
  if (sealed_.empty() && full()) TSFEAT_TRY(seal_generation());
  const auto waited = std::chrono::steady_clock::now() - start;
  counters_.write_stall_ns +=
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(waited).count());
  if (!inline_work()) {
    flush_worker_->wake();
    return lock;
  }
  lock.unlock();
  TSFEAT_TRY(flush_one());
  // A compaction that fails is shown by stats(); reads get slower, appends go on (unless it poisoned the store).
  for (Result<bool> more = true; more.ok() && *more;) more = compact_step();
  lock.lock();
  return lock;
}

}  // namespace tsfeat
