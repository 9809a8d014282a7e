// What may be forgotten: erased events, and those that no permitted read can see any more (law 5).
//
// A permitted read stands at R >= now - history, at a version >= the one current at now - history. An event is kept iff
// one of them sees it. Rank grows with R and with the version, and age with R, so the most lenient read decides: R* =
// max(now - history, time + 1) and v* = max(horizon version, the event's own).
//
// Given only some of a key's events (a merge of some runs), ranks come out too small, which keeps more, never less. And
// forgetting an event never brings another back: those that rank before it and are still visible stay.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "catalog/tombstones.h"
#include "schema/retention.h"
#include "source/decode.h"

namespace tsfeat {

struct ReclaimPolicy {
  std::optional<Retention> retention;
  int64_t now = 0;
  uint64_t horizon_version = 0;  // current at now - history
  std::shared_ptr<const Tombstones> tombstones = Tombstones::none();

  int64_t horizon_time() const { return retention ? saturating_sub(now, retention->history) : kMinTime; }
  // No read that is still permitted sees an event older than this by age; kMinTime if min_events or no max_age forbids
  // to say so.
  int64_t expired_before() const;
};

class Reclaimer {
 public:
  explicit Reclaimer(ReclaimPolicy policy) : policy_(std::move(policy)) {}
  // Appends to `kept` what is to be kept of a key's parts (one slice a source, as KeyMerge gives them), in order,
  // oldest first.
  Status choose(const KeyView& key, std::span<const Slice> parts, std::vector<Slice>* kept);
  uint64_t dropped_events() const { return dropped_events_; }

 private:
  Result<bool> nothing_to_drop(std::span<const Slice> parts) const;
  Status drop(std::span<const Slice> merged, std::vector<Slice>* kept);
  void mark_erased();
  void mark_expired();
  std::vector<uint64_t>::iterator first_up_to(uint64_t version);

  const ReclaimPolicy policy_;
  uint64_t dropped_events_ = 0;
  // Of the key at hand; kept between keys for their capacity.
  std::vector<Mark> marks_;
  SliceDecoder decoder_;
  std::vector<Slice> merged_;
  std::vector<int64_t> times_;
  std::vector<uint64_t> versions_;
  std::vector<uint8_t> keep_;
  std::vector<uint64_t> late_versions_;
};

}  // namespace tsfeat
