// Merging sources into new runs: flush (one memtable) and compaction (many runs) are this one job.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compact/reclaim.h"
#include "run/run.h"
#include "vfs/vfs.h"

namespace tsfeat {

struct NewFile {
  uint64_t number = 0;
  std::string path;
};

struct MergeRequest {
  std::shared_ptr<const Schema> schema;
  std::vector<std::unique_ptr<Source>> sources;  // whose owners the caller keeps
  ReclaimPolicy policy;                          // empty: keep everything
  std::optional<int64_t> window;                 // split the output at multiples of this width
  RunOptions run;
  std::function<NewFile()> new_file;
  // Called now and then with the share done and the bytes written so far: may wait (throttle); an error ends the job.
  std::function<Status(double share, uint64_t bytes_written)> checkpoint;
};

struct MergeResult {
  std::vector<RunMeta> runs;  // none if nothing was left
  uint64_t events_in = 0;
  uint64_t events_dropped = 0;
  uint64_t bytes_written = 0;
};

// On error, the files made so far are removed as far as that works (else they are orphans, which the next open
// removes).
Result<MergeResult> merge_sources(Vfs& vfs, MergeRequest request);

}  // namespace tsfeat
