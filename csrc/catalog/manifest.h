// What the store consists of: the one file whose replacement moves the store from one state to the next.
//
// The log from log_number on is replayed onto it. A manifest may already know what a record of that log says (it is
// taken from the living store, after a sync of the log), so replay is idempotent: versions, positions, categories,
// erasures and clocks only grow.
//
// The manifest is written whole, under a new temporary name, synced, and renamed over MANIFEST; so it is the old or the
// new one after any crash, and its length is known: a byte that changed is always found. Files that it does not name
// are orphans.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catalog/tombstones.h"
#include "catalog/version_clock.h"
#include "run/run.h"
#include "schema/retention.h"
#include "schema/schema.h"
#include "vfs/vfs.h"

namespace tsfeat {

inline constexpr uint32_t kFormatVersion = 2;

struct TableRecord {
  uint32_t id = 0;
  std::string name;
  Schema schema;
  std::optional<Retention> retention;
  uint64_t version = 0;                // of the newest batch, in runs or in the log (which was synced before)
  std::optional<int64_t> newest_time;  // ever appended: the event clock
  uint64_t events_appended = 0;
  int64_t horizon_time = kMinTime;  // reads before it raise RetentionError: set when retention was loosened
  uint64_t horizon_version = 0;
  int64_t reclaimed_at = kMinTime;  // newest wall time that compaction took for now: now does not go back behind it
  VersionClock wall_clock;          // when versions became current, by the wall
  VersionClock event_clock;         // and by the newest event time
  std::map<std::string, int64_t> positions;                 // exactly-once sources
  std::map<uint32_t, std::vector<std::string>> categories;  // column id -> values in code order
  std::shared_ptr<const Tombstones> tombstones = Tombstones::none();
  std::vector<RunMeta> runs;
};

// A read that has a name, as the layers above specify it: to the engine the specification is bytes. All versions of a
// name share an id; the versions of a name are 1, 2, 3 ... Never changed, and not dropped with its table.
struct NamedView {
  uint32_t id = 0;
  std::string name;
  uint32_t version = 0;
  uint32_t table_id = 0;
  std::string specification;
};

struct Manifest {
  std::string store_id;     // 16 random bytes
  uint64_t generation = 0;  // counts replacements
  uint64_t next_file_number = 1;
  uint64_t log_number = 0;  // the oldest log that is not flushed, and must be there; 0: closed, all is in runs
  uint32_t next_table_id = 1;
  std::vector<TableRecord> tables;
  uint32_t next_view_id = 1;
  std::vector<NamedView> views;  // in order of id, then version
};

// Names of files in a store directory: "MANIFEST", "LOCK", "<12 digits>.run", "<12 digits>.log".
std::string run_name(uint64_t number);
std::string log_name(uint64_t number);
std::optional<uint64_t> run_number(std::string_view name);
std::optional<uint64_t> log_number(std::string_view name);

std::string encode_manifest(const Manifest& manifest);
// kStorage for a newer format; kCorruption (with offset) for anything else that is not a manifest.
Result<Manifest> decode_manifest(Bytes content);
Result<Manifest> load_manifest(Vfs& vfs, const std::string& directory);  // kNotFound if there is none
Status save_manifest(Vfs& vfs, const std::string& directory, const Manifest& manifest);

}  // namespace tsfeat
