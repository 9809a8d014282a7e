// What the store can say of itself, safe to export as metrics.

#include "engine/store_core.h"

namespace tsfeat {
namespace {

StatValue whole(uint64_t value) { return {static_cast<int64_t>(value)}; }

}  // namespace

StatMap StoreCore::table_stats(const TableCore& table) const {
  const TableCore::Published now = table.published();
  uint64_t run_events = 0, run_bytes = 0, metadata_bytes = 0, memtable_events = 0, memtable_bytes = 0;
  std::map<uint32_t, uint64_t> levels;
  for (const auto& run : now.state->runs) {
    run_events += run->meta().stats.events;
    run_bytes += run->meta().bytes;
    metadata_bytes += run->memory_bytes();
    ++levels[run->meta().level];
  }
  for (const auto& memtable : now.state->memtables) {
    memtable_events += memtable->events();
    memtable_bytes += memtable->memory_bytes();
  }
  StatMap by_level;
  for (const auto& [level, count] : levels) by_level.emplace_back(std::to_string(level), whole(count));
  return {{"version", whole(now.version)},
          {"events_appended", whole(table.events_appended())},
          {"events", whole(run_events + memtable_events)},
          {"runs", whole(now.state->runs.size())},
          {"runs_by_level", {by_level}},
          {"bytes", whole(run_bytes)},
          {"run_metadata_bytes", whole(metadata_bytes)},
          {"memtables", whole(now.state->memtables.size())},
          {"memtable_events", whole(memtable_events)},
          {"memtable_bytes", whole(memtable_bytes)},
          {"erasures_pending", whole(now.state->tombstones->count())}};
}

StatMap StoreCore::failure_stats() const {
  const std::lock_guard lock(failure_mutex_);
  return {{"poisoned", {poisoned_.message()}},
          {"flush", {flush_failure_.message()}},
          {"compaction", {compaction_failure_.message()}}};
}

StatMap StoreCore::stats() const {
  StatMap tables;
  for (const auto& table : all_tables()) {
    tables.emplace_back(table->name, StatValue{table_stats(*table)});
  }
  const CacheStats cached = cache->stats();
  std::shared_ptr<LogWriter> log;
  {
    const std::lock_guard lock(write_mutex);
    log = log_;
  }
  const uint64_t live_log_bytes = log == nullptr ? 0 : log->size();
  return {{"tables", {std::move(tables)}},
          {"memory",
           {StatMap{{"used_bytes", whole(table_memory() + cached.held_bytes + pages->kept_bytes())},
                    {"budget_bytes", whole(options.memory_bytes)}}}},
          {"cache",
           {StatMap{{"bytes", whole(cached.bytes)},
                    {"capacity_bytes", whole(cached.capacity_bytes)},
                    {"hits", whole(cached.hits)},
                    {"misses", whole(cached.misses)},
                    {"evictions", whole(cached.evictions)}}}},
          {"log",
           {StatMap{{"live_bytes", whole(live_log_bytes)},
                    {"durable_bytes", whole(log == nullptr ? 0 : log->durable_bytes())},
                    {"written_bytes", whole(counters_.log_bytes + live_log_bytes)},
                    {"syncs", whole(counters_.log_syncs + (log == nullptr ? 0 : log->sync_count()))}}}},
          {"flush",
           {StatMap{{"count", whole(counters_.flushes)},
                    {"running", whole(counters_.flushing ? 1 : 0)},
                    {"written_bytes", whole(counters_.flushed_bytes)},
                    {"append_stall_ns", whole(counters_.write_stall_ns)}}}},
          {"compaction",
           {StatMap{{"count", whole(counters_.compactions)},
                    {"running", whole(counters_.compacting ? 1 : 0)},
                    {"read_bytes", whole(counters_.compacted_bytes_read)},
                    {"written_bytes", whole(counters_.compacted_bytes_written)},
                    {"dropped_events", whole(counters_.dropped_events)},
                    {"expired_runs", whole(counters_.expired_runs)}}}},
          {"failures", {failure_stats()}}};
}

}  // namespace tsfeat
