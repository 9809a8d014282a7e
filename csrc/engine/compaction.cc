// Compaction: what picker.h decides, carried out by job.h, put into the manifest, and the files that it replaces
// removed.

#include <algorithm>
#include <cmath>
#include <thread>
#include <utility>

#include "engine/store_core.h"

namespace tsfeat {
namespace {

using Clockwork = std::chrono::steady_clock;

// So many unmerged flushes, and compaction may use what the disk gives.
constexpr size_t kHurryRuns = 2 * kFanout;
// So many, and it no longer stands back behind a flush. Appends wait for it at 6 * kFanout.
constexpr size_t kUrgentRuns = 4 * kFanout;
constexpr std::chrono::milliseconds kLongestNap{50};

}  // namespace

Result<StoreCore::Runs> StoreCore::open_runs(const std::vector<RunMeta>& metas,
                                             const std::shared_ptr<const Schema>& schema) {
  Runs runs;
  for (const RunMeta& meta : metas) {
    TSFEAT_ASSIGN(std::shared_ptr<Run> run, Run::open(vfs, file_path(run_name(meta.number)), meta, schema, cache));
    runs.push_back(std::move(run));
  }
  return runs;
}

// Holds compaction to its rate, lets a flush go first, and ends it when the store closes.
Status StoreCore::throttle(uint64_t bytes_written, Clockwork::time_point start) {
  for (;;) {
    if (stopping_) return Status::closed("the store is closing; compaction goes on when it is opened again");
    if (inline_work()) return {};
    size_t unmerged = 0;
    for (const auto& table : all_tables()) unmerged = std::max(unmerged, level0_runs(*table));
    if (unmerged >= kUrgentRuns) return {};
    const Clockwork::duration early =
        unmerged >= kHurryRuns ? Clockwork::duration::zero() : ahead_of_rate(bytes_written, start);
    // Merges are for readers: while nobody reads, they would only take the processors that appends wait for.
    const bool stands_back = counters_.flushing && !read_since(&questions_at_merge_);
    if (early <= Clockwork::duration::zero() && !stands_back) return {};
    std::this_thread::sleep_for(stands_back ? kLongestNap : std::min<Clockwork::duration>(early, kLongestNap));
  }
}

// How much sooner it is than so many bytes are due.
Clockwork::duration StoreCore::ahead_of_rate(uint64_t bytes_written, Clockwork::time_point start) const {
  if (options.compaction_bytes_per_second == 0) return Clockwork::duration::zero();
  const double due_seconds =
      static_cast<double>(bytes_written) / static_cast<double>(options.compaction_bytes_per_second);
  return start + std::chrono::duration_cast<Clockwork::duration>(std::chrono::duration<double>(due_seconds)) -
         Clockwork::now();
}

// Whether somebody has read since this was asked last, with the same number.
bool StoreCore::read_since(uint64_t* questions_seen) const {
  const CacheStats cached = cache->stats();
  const uint64_t questions = cached.hits + cached.misses;
  return std::exchange(*questions_seen, questions) != questions;
}

Result<bool> StoreCore::compact_step() {
  const std::lock_guard lock(compaction_mutex);
  Status failure;  // a table with a damaged run must not keep the others from being compacted
  bool done = false;
  for (const auto& table : all_tables()) {
    TSFEAT_TRY(check_writable());
    if (table->dropped) continue;
    const Result<bool> step = compact_table_step(table);
    if (!step.ok() && failure.ok()) failure = step.status();
    done = step.ok() && *step;
    if (done) break;
  }
  {
    const std::lock_guard guard(failure_mutex_);
    compaction_failure_ = failure;
  }
  compacted_.notify_all();
  if (!done && !failure.ok()) return failure;
  return done;
}

Result<bool> StoreCore::compact_table_step(const std::shared_ptr<TableCore>& table) {
  const ReclaimPolicy policy = table->reclaim_policy(clock);
  const std::shared_ptr<const TableState> state = table->published().state;
  const std::vector<RunMeta> metas = state->run_metas();
  const Pick pick = pick_compaction(metas, policy);
  if (!pick.expired.empty()) {
    Runs expired;
    for (const size_t i : pick.expired) expired.push_back(state->runs[i]);
    TSFEAT_TRY(replace_runs(*table, policy, expired, {}));
    counters_.expired_runs += expired.size();
    return true;
  }
  if (pick.merge.empty()) return false;
  Runs runs;
  for (const size_t i : pick.merge) runs.push_back(state->runs[i]);
  const auto start = Clockwork::now();
  TSFEAT_TRY(merge_runs(*table, runs, policy, false, [&](double, uint64_t bytes) { return throttle(bytes, start); }));
  return true;
}

Status StoreCore::merge_runs(TableCore& table, const Runs& runs, const ReclaimPolicy& policy, bool somebody_waits,
                             const std::function<Status(double, uint64_t)>& on_progress) {
  MergeRequest request;
  request.schema = table.published().state->schema;
  uint32_t level = 0;
  uint64_t bytes_in = 0;
  for (const auto& run : runs) {
    request.sources.push_back(run->source(true));
    level = std::max(level, run->meta().level + 1);
    bytes_in += run->meta().bytes;
  }
  request.policy = policy;
  request.window = window_width(policy.retention);
  request.run = run_options(codec::Effort::kSmall);
  request.new_file = [this] { return new_run_file(); };
  request.checkpoint = on_progress;
  // Each window has a writer of its own: as many threads would be too many.
  if (somebody_waits && !request.window && !inline_work()) request.run.aside = [] { return true; };
  const std::shared_ptr<const Schema> schema = request.schema;
  counters_.compacting = true;
  share_memory();
  Result<MergeResult> merged = merge_sources(vfs, std::move(request));
  counters_.compacting = false;
  share_memory();
  if (!merged.ok()) return merged.status().code() == Code::kCorruption ? merged.status() : fail_write(merged.status());
  for (RunMeta& meta : merged->runs) meta.level = level;
  if (Status status = vfs.sync_directory(path); !status.ok()) return fail_write(status);
  TSFEAT_ASSIGN(const Runs made, open_runs(merged->runs, schema));
  TSFEAT_TRY(replace_runs(table, policy, runs, made));
  ++counters_.compactions;
  counters_.compacted_bytes_read += bytes_in;
  counters_.compacted_bytes_written += merged->bytes_written;
  counters_.dropped_events += merged->events_dropped;
  return {};
}

// In the manifest, then for readers, then on the disk. If the table was dropped meanwhile, the new files are unwanted
// instead.
Status StoreCore::replace_runs(TableCore& table, const ReclaimPolicy& policy, const Runs& old_runs,
                               const Runs& new_runs) {
  const bool by_wall = policy.retention && !policy.retention->event_clock;
  const int64_t reclaimed_at = by_wall ? policy.now : kMinTime;
  std::set<uint64_t> old_numbers;
  for (const auto& run : old_runs) old_numbers.insert(run->meta().number);
  bool found = false;
  TSFEAT_TRY(commit(
      [&](Manifest& next) {
        for (TableRecord& record : next.tables) {
          if (record.id != table.id) continue;
          found = true;
          std::erase_if(record.runs, [&](const RunMeta& run) { return old_numbers.contains(run.number); });
          for (const auto& run : new_runs) record.runs.push_back(run->meta());
          record.reclaimed_at = std::max(record.reclaimed_at, reclaimed_at);
        }
      },
      [&] {
        table.update([&](TableState& state) {
          std::erase_if(state.runs, [&](const auto& run) { return old_numbers.contains(run->meta().number); });
          state.runs.insert(state.runs.end(), new_runs.begin(), new_runs.end());
          state.reclaimed_at = std::max(state.reclaimed_at, reclaimed_at);
        });
      }));
  std::vector<std::string> unwanted;
  for (const auto& run : found ? old_runs : new_runs) unwanted.push_back(file_path(run_name(run->meta().number)));
  remove_files(unwanted);
  return {};
}

Status StoreCore::compact_table(TableCore& table, const ReclaimPolicy& policy, bool must_rewrite,
                                const Progress& progress) {
  const std::shared_ptr<const TableState> state = table.published().state;
  const std::vector<RunMeta> metas = state->run_metas();
  const auto groups = pick_all(metas, policy, must_rewrite || !policy.tombstones->empty());
  for (size_t i = 0; i < groups.size(); ++i) {
    Runs runs;
    for (const size_t member : groups[i]) runs.push_back(state->runs[member]);
    TSFEAT_TRY(merge_runs(table, runs, policy, true, [&](double share, uint64_t) -> Status {
      const double done = (static_cast<double>(i) + share) / static_cast<double>(groups.size());
      if (stopping_ || (progress && !progress(done)))
        return Status::closed("compaction was stopped; what was done so far stays");
      return {};
    }));
  }
  if (policy.tombstones->empty()) return {};
  // Every run that held events from before these erasures has been rewritten without them.
  return commit(
      [&](Manifest& next) {
        for (TableRecord& record : next.tables) {
          if (record.id == table.id) record.tombstones = record.tombstones->without(*policy.tombstones);
        }
      },
      [&] {
        const std::lock_guard lock(write_mutex);
        table.update(
            [&](TableState& state_now) { state_now.tombstones = state_now.tombstones->without(*policy.tombstones); });
      });
}

// Erasures are carried out by every full compaction; erase also sees to it that no log holds the erased bytes any more.
Status StoreCore::compact(bool erase, const Progress& progress) {
  TSFEAT_TRY(check_writable());
  const std::vector<std::shared_ptr<TableCore>> tables = all_tables();
  for (size_t i = 0; i < tables.size(); ++i) {
    const std::lock_guard lock(compaction_mutex);
    // The policy first: its erasures cover only events that the flush behind it brings into runs.
    const ReclaimPolicy policy = tables[i]->reclaim_policy(clock);
    TSFEAT_TRY(flush());
    if (tables[i]->dropped) continue;
    TSFEAT_TRY(compact_table(*tables[i], policy, false, [&](double share) {
      return !progress || progress((static_cast<double>(i) + share) / static_cast<double>(tables.size()));
    }));
  }
  if (erase) {
    {
      const std::lock_guard lock(write_mutex);
      TSFEAT_TRY(check_writable());
      TSFEAT_TRY(seal_generation());
    }
    TSFEAT_TRY(flush());
  }
  if (progress) (void)progress(1.0);
  return {};
}

void StoreCore::remove_files(const std::vector<std::string>& paths) {
  {
    const std::lock_guard lock(files_mutex_);
    unwanted_files_.insert(unwanted_files_.end(), paths.begin(), paths.end());
    if (pins_ > 0) return;
  }
  std::vector<std::string> now;
  {
    const std::lock_guard lock(files_mutex_);
    now.swap(unwanted_files_);
  }
  // What cannot be removed is an orphan, which the next open removes.
  for (const std::string& file : now) (void)vfs.remove(file).ok();
}

void StoreCore::unpin() {
  {
    const std::lock_guard lock(files_mutex_);
    --pins_;
  }
  remove_files({});
}

}  // namespace tsfeat
