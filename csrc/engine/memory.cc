// Memory is one pool: what memtables, runs and work in progress do not take, the block cache may.

#include <algorithm>

#include "compact/hot_values.h"
#include "engine/store_core.h"

namespace tsfeat {
namespace {

// Of memory_bytes. What reads and appends under way take, and what a flush and a compaction take besides.
constexpr uint64_t kCallsShare = 16;
constexpr uint64_t kFlushShare = 16;
constexpr uint64_t kCompactionShare = 8;
constexpr uint64_t kLeastCacheShare = 8;
constexpr uint64_t kStepShare = 64;

}  // namespace

uint64_t StoreCore::memory_step() const { return std::max<uint64_t>(1, options.memory_bytes / kStepShare); }

uint64_t StoreCore::table_memory() const {
  uint64_t bytes = 0;
  for (const auto& table : all_tables()) {
    const std::shared_ptr<const TableState> state = table->published().state;
    for (const auto& memtable : state->memtables) bytes += memtable->memory_bytes();
    for (const auto& run : state->runs) bytes += run->memory_bytes();
  }
  return bytes;
}

void StoreCore::share_memory() {
  if (options.cache_bytes != 0) return;
  const uint64_t all = options.memory_bytes;
  uint64_t taken = table_memory() + pages->kept_bytes() + all / kCallsShare;
  if (writable) taken += memory_step();  // until this is looked at again
  if (counters_.flushing) taken += all / kFlushShare;
  if (counters_.compacting) taken += std::max(all / kCompactionShare, kHotValuesSearchBytes);
  cache->set_capacity(std::max(all / kLeastCacheShare, all - std::min(all, taken)));
}

}  // namespace tsfeat
