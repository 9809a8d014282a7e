// What has arrived since a version, in the order of arrival: by version, and within one by (key, time, position in the
// batch). The place of an event among other keys of its batch is not kept.
//
// Events of one version lie all over the table, and those of many versions side by side in one run. So versions are
// taken a window at a time: the lowest that together have no more events than fit in memory are found by one pass over
// the sources that hold any of them, sorted, and given out. A version that alone has more (a bulk load) is walked in
// order of the keys instead, which is its order. Memory is that of a window; a large run is passed over once a window.
//
// Given out is exactly what is not erased and what some permitted read may still see (reclaim.h): what compaction would
// drop is not there, whether it was dropped or not.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "read/merge.h"
#include "read/read.h"

namespace tsfeat {

struct ChangesRequest {
  uint64_t since = 0;              // events of later versions ...
  uint64_t until = 0;              // ... up to this one
  std::vector<int> columns;        // as in a scan
  uint64_t window_rows = 1 << 17;  // events in a window, about: at most twice as many
  uint64_t chunk_rows = 1 << 17;   // of a version that is walked by itself
};

struct ChangesChunk {
  ScanChunk events;
  std::vector<uint64_t> versions;  // one an event
  uint64_t complete = 0;           // all events up to this version have been given out
};

class Changes {
 public:
  // Each window is a chunk, and stands on a view of its own, at its moment: nothing is held in between, and what is
  // erased meanwhile is gone. kRetention when events of the versions to come may be gone already.
  using ViewSource = std::function<Result<View>()>;
  static Result<std::unique_ptr<Changes>> create(ViewSource views, ChangesRequest request);
  virtual ~Changes() = default;
  // False at the end; `complete` is `until` then.
  virtual Result<bool> next(ChangesChunk* chunk) = 0;
};

}  // namespace tsfeat
