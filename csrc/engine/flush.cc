// From memtables to runs: sealing a generation and flushing it.

#include <algorithm>

#include "base/planted.h"
#include "engine/store_core.h"

namespace tsfeat {
namespace {

constexpr uint64_t kLeastReserveBytes = uint64_t{4} << 10;
constexpr uint64_t kMostReserveBytes = uint64_t{8} << 20;

}  // namespace

RunOptions StoreCore::run_options(codec::Effort effort) const { return {options.page_rows, effort}; }

Status StoreCore::start_log(uint64_t previous) {
  const uint64_t number = new_file_number();
  const uint64_t reserve_bytes = std::clamp(options.generation_bytes() / 4, kLeastReserveBytes, kMostReserveBytes);
  TSFEAT_ASSIGN(log_, LogWriter::create(vfs, path, log_name(number), number, previous, reserve_bytes));
  log_number_ = number;
  synced_ahead_bytes_ = 0;
  return {};
}

// The log is finished before the next one begins: what survives a crash is then a prefix.
Status StoreCore::seal_generation() {
  return all_or_poison([this] { return start_generation(); });
}

Status StoreCore::start_generation() {
  if (Status status = log_->finish(); !status.ok()) return poison(status);
  counters_.log_bytes += log_->size();
  counters_.log_syncs += log_->sync_count();
  const uint64_t finished = log_number_;
  if (planted("descriptor")) static_cast<void>(new std::shared_ptr<LogWriter>(log_));
  if (Status status = start_log(finished); !status.ok()) return poison(status);
  SealedGeneration generation{{finished}, unsealed_memtables()};
  for (const auto& [table, memtable] : generation.memtables) {
    // Once a table, however many memtables it filled: its last one was sealed with the others.
    if (table->published().state->memtables.back() != memtable) continue;
    table->update([&own = *table](TableState& next) { own.add_memtable(next); });
  }
  active_bytes_ = shared_at_bytes_ = 0;
  sealed_.push_back(std::move(generation));
  return {};
}

StoreCore::Sealable StoreCore::unsealed_memtables() const {
  std::set<const Memtable*> sealed;
  for (const SealedGeneration& generation : sealed_) {
    for (const auto& [table, memtable] : generation.memtables) sealed.insert(memtable.get());
  }
  Sealable out;
  for (const auto& table : all_tables()) {
    // Named, so that it outlives the loop: compaction may publish another meanwhile.
    for (const auto state = table->published().state; const auto& memtable : state->memtables) {
      if (!sealed.contains(memtable.get()) && !memtable->empty()) out.emplace_back(table, memtable);
    }
  }
  return out;
}

Status StoreCore::flush_one() {
  const std::lock_guard flush_lock(flush_mutex);
  SealedGeneration generation;
  {
    const std::lock_guard lock(write_mutex);
    if (sealed_.empty()) return {};
    generation = sealed_.front();
  }
  counters_.flushing = true;
  share_memory();
  const Status status = flush_generation(generation);
  counters_.flushing = false;
  generation.memtables.clear();
  share_memory();
  {
    const std::lock_guard lock(failure_mutex_);
    flush_failure_ = status;
  }
  flushed_.notify_all();
  if (!status.ok()) return fail_write(status);
  if (compaction_worker_ != nullptr) compaction_worker_->wake();
  return {};
}

Status StoreCore::flush_generation(const SealedGeneration& generation) {
  const bool read = read_since(&questions_at_flush_);
  // One run a table, from all its memtables of the generation (adding a column makes a second one).
  // Ordered by id, not by address: files get their numbers in the same order in every process.
  std::map<uint32_t, std::pair<std::shared_ptr<TableCore>, std::vector<std::shared_ptr<Memtable>>>> by_table;
  for (const auto& [table, memtable] : generation.memtables) {
    if (table->dropped) continue;
    by_table[table->id].first = table;
    by_table[table->id].second.push_back(memtable);
  }
  std::map<uint32_t, Runs> made;
  for (const auto& [table_id, source] : by_table) {
    const auto& [table, memtables] = source;
    MergeRequest request;
    request.schema = table->published().state->schema;
    for (const auto& memtable : memtables) request.sources.push_back(memtable->source(~uint64_t{0}));
    request.run = run_options(codec::Effort::kFast);
    // An append that waits for this leaves its processor idle.
    request.run.aside = [this] { return appends_waiting_ > 0; };
    request.new_file = [this] { return new_run_file(); };
    const std::shared_ptr<const Schema> schema = request.schema;
    TSFEAT_ASSIGN(const MergeResult merged, merge_sources(vfs, std::move(request)));
    TSFEAT_ASSIGN(made[table_id], open_runs(merged.runs, schema));
    // Readers would do it, one page at a time, as soon as they see the runs.
    if (read) {
      for (const auto& run : made[table_id]) run->preload();
    }
    counters_.flushed_bytes += merged.bytes_written;
  }
  if (!planted("run_name")) TSFEAT_TRY(vfs.sync_directory(path));
  TSFEAT_TRY(commit(
      [&](Manifest& next) {
        for (TableRecord& record : next.tables) {
          for (const auto& run : made[record.id]) record.runs.push_back(run->meta());
        }
        // This generation is the oldest: its logs go, and the next one's is the first that counts.
        const std::lock_guard lock(write_mutex);
        next.log_number = sealed_.size() > 1 ? sealed_[1].logs.front() : log_number_;
      },
      [&] { publish_flush(generation, made); }));
  std::vector<std::string> logs;
  for (const uint64_t number : generation.logs) logs.push_back(file_path(log_name(number)));
  remove_files(logs);
  ++counters_.flushes;
  return {};
}

void StoreCore::publish_flush(const SealedGeneration& generation, const std::map<uint32_t, Runs>& made) {
  const std::lock_guard lock(write_mutex);
  std::set<const Memtable*> gone;
  for (const auto& [table, memtable] : generation.memtables) gone.insert(memtable.get());
  for (const auto& table : all_tables()) {
    table->update([&](TableState& state) {
      std::erase_if(state.memtables, [&](const auto& memtable) {
        // Emptied leftovers of a column's addition go with them; the last one takes appends.
        return gone.contains(memtable.get()) || (memtable->empty() && memtable != state.memtables.back());
      });
      const auto runs = made.find(table->id);
      if (runs != made.end()) state.runs.insert(state.runs.end(), runs->second.begin(), runs->second.end());
    });
  }
  sealed_.pop_front();
}

Status StoreCore::flush() {
  TSFEAT_TRY(check_writable());
  size_t waiting = 0;
  {
    const std::lock_guard lock(write_mutex);
    TSFEAT_TRY(check_writable());
    if (!unsealed_memtables().empty()) TSFEAT_TRY(seal_generation());
    waiting = sealed_.size();
  }
  // What a background flush takes off meanwhile only makes this sooner done.
  for (; waiting > 0; --waiting) TSFEAT_TRY(flush_one());
  // What leaves no events to flush (a batch of none, an erasure) is in the log alone.
  return sync_log();
}

}  // namespace tsfeat
