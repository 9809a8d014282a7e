// Salvage: every event of a damaged store that can still be read, as a new store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "source/source.h"
#include "vfs/vfs.h"

namespace tsfeat {

struct RepairReport {
  struct Loss {
    std::string file;
    uint64_t offset = 0;
    uint64_t bytes = 0;                                       // 0: not known, or the file is missing
    std::string table;                                        // empty: not known
    std::optional<RowRange> rows;                             // of the run
    std::optional<uint64_t> events;                           // how many are lost; nothing: not known
    std::optional<std::pair<std::string, std::string>> keys;  // first and last, as text
    std::string message;
  };
  uint64_t files = 0;        // looked at
  uint64_t events = 0;       // salvaged
  uint64_t lost_events = 0;  // as far as they could be counted, each once
  std::vector<Loss> losses;
  std::vector<std::string> notes;  // what follows from the losses, for whoever uses the new store
};

// Reads the store at `path`, which nobody may have open for writing, and changes nothing there. Writes what is whole to
// `target`, a directory that is missing or empty, as a store of its own: the same tables, versions and erasures, in
// files that share nothing with the old ones. On error the target is no store.
//
// Events are taken one by one: from the pages of a run around damaged ones, from log records behind damaged ones. What
// the manifest says is needed to make sense of any of them: without it, kCorruption.
Result<RepairReport> repair(Vfs& vfs, const Clock& clock, const std::string& path, const std::string& target);

}  // namespace tsfeat
