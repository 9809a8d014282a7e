// One table of an open store: its current state, as readers take it, and what appends keep up to date.
//
// Readers take a Published under a short lock and are then on their own: TableState is immutable, and what it points to
// lives as long as they hold it. States are replaced by the holder of the store's write lock (appends, schema changes)
// and by the holder of its manifest lock (flush, compaction); `update` makes each replacement atomic.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/manifest.h"
#include "compact/reclaim.h"
#include "engine/categories.h"
#include "memtable/memtable.h"
#include "read/read.h"
#include "run/run.h"

namespace tsfeat {

struct TableState {
  std::shared_ptr<const Schema> schema;
  std::optional<Retention> retention;
  int64_t horizon_time = kMinTime;  // floors left by a loosened retention
  uint64_t horizon_version = 0;
  int64_t reclaimed_at = kMinTime;  // as in TableRecord
  std::shared_ptr<const Tombstones> tombstones = Tombstones::none();
  std::vector<std::shared_ptr<Memtable>> memtables;  // oldest first; the last one takes appends
  std::vector<std::shared_ptr<Run>> runs;
  std::map<uint32_t, std::shared_ptr<CategoryDictionary>> categories;  // by column id

  std::vector<RunMeta> run_metas() const;
};

// Where a log record ends: of the segment with this number. 0: in no log, but in the manifest.
struct LogPlace {
  uint64_t log = 0;
  uint64_t bytes = 0;
  auto operator<=>(const LogPlace&) const = default;
};

// What a batch, or a load, adds to what is known of its table.
struct BatchFacts {
  uint64_t version = 0;
  uint64_t rows = 0;
  std::optional<int64_t> newest_time;  // of the batch
  int64_t wall_clock = 0;
  std::string source;
  int64_t position = 0;
  LogPlace logged;
};

class TableCore {
 public:
  // record: from the manifest; runs: opened, in its order; pages: for its memtables.
  TableCore(const TableRecord& record, std::vector<std::shared_ptr<Run>> runs, std::shared_ptr<PagePool> pages);

  const uint32_t id;
  const std::string name;
  std::atomic<bool> dropped{false};

  struct Published {
    std::shared_ptr<const TableState> state;
    uint64_t version = 0;
    std::optional<int64_t> newest_time;
  };
  Published published() const;
  void update(const std::function<void(TableState&)>& change);
  // To add an empty memtable for the state's schema to it.
  void add_memtable(TableState& state) const;

  // The wall clock in the table's unit; and the table's "now": that, or the newest event time.
  static int64_t wall_now(const TableState& state, const Clock& clock);
  static int64_t now(const Published& at, const Clock& clock);

  // Becomes what `other`, made anew from a later manifest, is (read-only stores).
  void take(TableCore& other);

  // After a batch is in the log and the memtable: what readers see from now on. Write lock held.
  void publish_batch(const BatchFacts& facts);
  // The newest version that is known to be on stable storage, given how far the newest log is.
  uint64_t durable_version(LogPlace durable);

  uint64_t loads = 0;  // under way; write lock held

  std::optional<int64_t> position(const std::string& source) const;
  View view(const Clock& clock, bool scan) const;
  // What a compaction that starts now may forget.
  ReclaimPolicy reclaim_policy(const Clock& clock) const;
  TableRecord record(const Clock& clock) const;  // for the manifest; the runs are those of the state
  uint64_t events_appended() const;

 private:
  uint64_t version_at(const Published& at, const Clock& clock) const;
  void note_logged(uint64_t version, LogPlace end);

  const std::shared_ptr<PagePool> pages_;
  mutable std::mutex mutex_;  // guards what follows; held for moments
  Published published_;
  VersionClock wall_clock_, event_clock_;  // which version was current when, on either clock
  std::map<std::string, int64_t> positions_;
  uint64_t events_appended_ = 0;
  uint64_t durable_version_ = 0;
  // Ends of batches that may not be durable yet, with their versions; thinned when many, but for the newest.
  std::vector<std::pair<LogPlace, uint64_t>> logged_;
};

// The same as publish_batch for a table's record on its way into the manifest.
void count_batch(const BatchFacts& facts, TableRecord* record);

}  // namespace tsfeat
