#include "compact/picker.h"

#include <algorithm>
#include <map>

namespace tsfeat {
namespace {

constexpr int64_t kWindowsPerMaxAge = 8;
constexpr double kExpiredShareToRewrite = 0.5;

// The run's window; nothing if there are no windows or it crosses a border (a flush does).
std::optional<int64_t> window_of_run(const RunMeta& run, std::optional<int64_t> width) {
  if (!width) return std::nullopt;
  const int64_t first = window_of(run.stats.min_time, *width);
  return first == window_of(run.stats.max_time, *width) ? std::optional(first) : std::nullopt;
}

// Share of a run that age has expired, if its events were spread evenly over its time.
double expired_share(const RunMeta& run, int64_t expired_before) {
  if (run.stats.min_time >= expired_before) return 0;
  const double span = static_cast<double>(run.stats.max_time) - static_cast<double>(run.stats.min_time) + 1;
  return (static_cast<double>(expired_before) - static_cast<double>(run.stats.min_time)) / span;
}

}  // namespace

std::optional<int64_t> window_width(const std::optional<Retention>& retention) {
  if (!retention || !retention->max_age || retention->min_events > 0) return std::nullopt;
  return std::max<int64_t>(1, *retention->max_age / kWindowsPerMaxAge);
}

int64_t window_of(int64_t time, int64_t width) { return time / width - static_cast<int64_t>(time % width < 0); }

Pick pick_compaction(std::span<const RunMeta> runs, const ReclaimPolicy& policy) {
  Pick pick;
  const int64_t expired_before = policy.expired_before();
  const std::optional<int64_t> width = window_width(policy.retention);
  // Crossing runs (key: no window) are merged apart from those that lie in one window, else they would drag these
  // along.
  std::map<std::pair<uint32_t, std::optional<int64_t>>, std::vector<size_t>> tiers;
  for (size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].stats.max_time < expired_before) {
      pick.expired.push_back(i);
    } else {
      tiers[{runs[i].level, runs[i].level == 0 ? std::nullopt : window_of_run(runs[i], width)}].push_back(i);
    }
  }
  for (const auto& [tier, members] : tiers) {
    if (members.size() >= kFanout) {
      pick.merge = members;
      return pick;
    }
  }
  for (size_t i = 0; i < runs.size(); ++i) {
    const bool expired = runs[i].stats.max_time < expired_before;
    if (!expired && expired_share(runs[i], expired_before) > kExpiredShareToRewrite) {
      pick.merge = {i};
      return pick;
    }
  }
  return pick;
}

std::vector<std::vector<size_t>> pick_all(std::span<const RunMeta> runs, const ReclaimPolicy& policy,
                                          bool must_rewrite) {
  const std::optional<int64_t> width = window_width(policy.retention);
  std::vector<std::vector<size_t>> groups;
  // Ranks are exact only where all of a key's events are at hand; and a run that crosses borders may have events for
  // any window. Either way all are merged together (and split again).
  bool together = policy.retention && policy.retention->max_events;
  std::map<std::optional<int64_t>, std::vector<size_t>> windows;
  for (size_t i = 0; i < runs.size(); ++i) {
    const std::optional<int64_t> window = window_of_run(runs[i], width);
    together = together || (width && !window);
    windows[window].push_back(i);
  }
  if (together && !runs.empty()) {
    std::vector<size_t> all(runs.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    return {all};
  }
  for (auto& [window, members] : windows) {
    // Alone, a run is still worth rewriting where it is as a flush left it, or where retention may have something to
    // take.
    const bool rewrite = must_rewrite || policy.retention || runs[members.front()].level == 0;
    if (members.size() > 1 || rewrite) groups.push_back(std::move(members));
  }
  return groups;
}

}  // namespace tsfeat
