#include "compact/reclaim.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "base/planted.h"
#include "read/merge.h"

namespace tsfeat {

int64_t ReclaimPolicy::expired_before() const {
  if (!retention || !retention->max_age || retention->min_events > 0) return kMinTime;
  return retention->oldest_visible(horizon_time());
}

Status Reclaimer::choose(const KeyView& key, std::span<const Slice> parts, std::vector<Slice>* kept) {
  marks_.clear();
  policy_.tombstones->find(key, &marks_);
  if (marks_.empty()) {
    TSFEAT_ASSIGN(const bool keep_all, nothing_to_drop(parts));
    if (keep_all) return merge_parts(parts, kept);
  }
  merged_.clear();
  TSFEAT_TRY(merge_parts(parts, &merged_));
  return drop(merged_, kept);
}

// Whether the ends of the parts alone show that all is to be kept: the common case, without decoding.
Result<bool> Reclaimer::nothing_to_drop(std::span<const Slice> parts) const {
  if (!policy_.retention) return true;
  const Retention& retention = *policy_.retention;
  uint64_t total = 0;
  for (const Slice& part : parts) total += part.rows.size();
  if (total <= retention.min_events) return true;
  if (total > retention.most_events()) return false;
  if (!retention.max_age) return true;
  if (*retention.max_age == 0) return false;  // even the young may be past
  const int64_t oldest_visible = retention.oldest_visible(policy_.horizon_time());
  for (const Slice& part : parts) {
    int64_t oldest = 0;
    TSFEAT_TRY(part.source->times({part.rows.begin, part.rows.begin + 1}, &oldest));
    if (oldest < oldest_visible) return false;
  }
  return true;
}

Status Reclaimer::drop(std::span<const Slice> merged, std::vector<Slice>* kept) {
  size_t events = 0;
  for (const Slice& slice : merged) events += slice.rows.size();
  times_.resize(events);
  versions_.resize(events);
  keep_.assign(events, 1);
  decoder_.start(merged);
  TSFEAT_TRY(decoder_.times(times_.data()));
  TSFEAT_TRY(decoder_.versions(versions_.data()));
  mark_erased();
  if (policy_.retention) mark_expired();

  size_t at = 0;
  for (const Slice& slice : merged) {
    for (uint64_t row = slice.rows.begin; row < slice.rows.end; ++row, ++at) {
      if (keep_[at] == 0) {
        ++dropped_events_;
      } else if (!kept->empty() && kept->back().source == slice.source && kept->back().rows.end == row) {
        ++kept->back().rows.end;
      } else {
        kept->push_back({slice.source, {row, row + 1}});
      }
    }
  }
  return {};
}

void Reclaimer::mark_erased() {
  for (size_t i = 0; i < keep_.size(); ++i) {
    for (const Mark& mark : marks_) {
      if (mark.erases(times_[i], versions_[i])) keep_[i] = 0;
    }
  }
}

// The first of late_versions_ that a read at `version` sees.
std::vector<uint64_t>::iterator Reclaimer::first_up_to(uint64_t version) {
  return std::lower_bound(late_versions_.begin(), late_versions_.end(), version, std::greater<>());
}

// Newest to oldest, counting the events that R* and v* rank before this one (see the header):
//  - of an event older than the horizon: all newer ones up to the horizon time, of versions up to v*;
//  - of a younger one: only those at its very time that arrived later, of versions up to v*.
void Reclaimer::mark_expired() {
  const Retention& retention = *policy_.retention;
  const int64_t horizon = policy_.horizon_time();
  const int64_t oldest_visible = retention.oldest_visible(horizon);
  const uint64_t most_events =
      planted("retention") && retention.max_events ? retention.most_events() - 1 : retention.most_events();
  uint64_t known = 0;         // counted, with versions up to the horizon's
  uint64_t same_version = 0;  // counted at this time, with this version
  // Counted below the horizon time, with later versions, descending: along the walk they mostly descend. Only the
  // smallest ones can decide whether a limit is reached, and there are no more of them than the larger limit.
  late_versions_.clear();
  const auto most_counted = static_cast<std::ptrdiff_t>(
      std::min<uint64_t>(std::max(retention.min_events, retention.max_events.value_or(0)), uint64_t{1} << 40));
  for (size_t i = keep_.size(); i-- > 0;) {
    const bool old = times_[i] < horizon;
    const bool late = versions_[i] > policy_.horizon_version;
    const bool first_old = old && (i + 1 == keep_.size() || times_[i + 1] >= horizon);
    const bool new_time = i + 1 == keep_.size() || times_[i + 1] != times_[i];
    if (first_old || (!old && new_time)) known = 0;
    if (new_time || versions_[i + 1] != versions_[i]) same_version = 0;
    if (keep_[i] == 0) continue;  // erased: no read counts it

    uint64_t newer = known;
    if (late && old) {
      newer += static_cast<uint64_t>(late_versions_.end() - first_up_to(versions_[i]));
    } else if (late) {
      newer = known + same_version;
    }
    // At R* an event is one unit old at least; what is not past yet is seen by reads without `before`.
    const bool young_enough = old ? times_[i] >= oldest_visible : retention.max_age != 0 || times_[i] >= policy_.now;
    keep_[i] = newer < retention.min_events || (newer < most_events && young_enough);

    ++same_version;
    if (!late)
      ++known;
    else if (old)
      late_versions_.insert(first_up_to(versions_[i]), versions_[i]);
    if (std::ssize(late_versions_) / 2 > most_counted)
      late_versions_.erase(late_versions_.begin(), late_versions_.end() - most_counted);
  }
}

}  // namespace tsfeat
