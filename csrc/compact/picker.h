// Which runs to merge, and which to drop whole. Pure decisions over what the manifest knows.
//
// Size-tiered by levels: flushes make level 0; `kFanout` runs of one level (of one time window, where there are
// windows) merge into one of the next, so an event is rewritten once per level, and a light user's history gathers in
// few runs. Since events are never overwritten, any runs may merge: no order between runs needs to be kept.
//
// A table whose retention is by age alone is cut into time windows of an eighth of max_age: merges do not cross them,
// so that runs expire whole, by a change of the manifest and an unlink.
#pragma once

#include <optional>
#include <vector>

#include "compact/reclaim.h"
#include "run/run.h"

namespace tsfeat {

inline constexpr size_t kFanout = 8;

// Width of the table's windows, if it has them.
std::optional<int64_t> window_width(const std::optional<Retention>& retention);
int64_t window_of(int64_t time, int64_t width);

struct Pick {
  std::vector<size_t> expired;  // no permitted read can see any of their events
  std::vector<size_t> merge;    // into new runs; empty: nothing to do
};
Pick pick_compaction(std::span<const RunMeta> runs, const ReclaimPolicy& policy);

// What a full compaction merges: groups (one a window, or one in all, so that ranks are exact), of at least two runs,
// or of one that is as a flush left it, may hold what retention can take, or `must_rewrite`.
std::vector<std::vector<size_t>> pick_all(std::span<const RunMeta> runs, const ReclaimPolicy& policy,
                                          bool must_rewrite);

}  // namespace tsfeat
