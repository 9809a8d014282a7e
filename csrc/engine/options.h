// What a store can be told. Every option has a default that suits a laptop.
#pragma once

#include <cstdint>

namespace tsfeat {

enum class SyncPolicy : uint8_t {
  kAlways,    // every append waits for stable storage
  kInterval,  // the log is synced in the background, at least every sync_interval_ms while there is something to sync
  kNever,     // only when asked (sync=True), at a flush and at close
};

struct StoreOptions {
  uint64_t memory_bytes = uint64_t{256} << 20;  // all of the engine: write buffers, cache, compaction
  uint64_t cache_bytes = 0;                     // of it, the block cache; 0: what the rest does not take at the moment
  uint64_t write_buffer_bytes = 0;              // of it, memtables; 0: a quarter of memory_bytes
  SyncPolicy sync = SyncPolicy::kInterval;
  uint64_t sync_interval_ms = 1000;
  uint32_t background_threads = 2;  // 0: work is done by the calls that cause it (deterministic)
  uint32_t read_threads = 2;        // that share a large read, the caller's included
  uint64_t compaction_bytes_per_second = uint64_t{64} << 20;  // 0: no limit
  uint32_t page_rows = 1024;

  // Of memtables that are flushed together: while one such generation is flushed, the next one fills.
  uint64_t generation_bytes() const { return (write_buffer_bytes != 0 ? write_buffer_bytes : memory_bytes / 4) / 2; }
};

}  // namespace tsfeat
