// The events of the lowest versions after some version: as many versions as fit.
#pragma once

#include <cstdint>
#include <vector>

#include "compact/reclaim.h"
#include "read/read.h"

namespace tsfeat {

class ChangeWindow {
 public:
  // An event, where it lies, and whose it is.
  struct Event {
    uint64_t version = 0;
    int64_t time = 0;
    uint64_t row = 0;
    uint32_t source = 0;
    uint32_t key = 0;  // in keys
  };

  // What a reclaiming compaction would go by at the view's moment.
  static ReclaimPolicy policy_of(const View& view);

  // Takes the events of versions after `since` up to `until` out of the view, which outlives the window. Those of all
  // versions below `end` are in `events`, in order; `alone`: there are none, and the version `end` by itself has too
  // many for a window.
  Status collect(View& view, uint64_t since, uint64_t until, uint64_t most_events);

  std::vector<Event> events;
  uint64_t end = 0;
  bool alone = false;
  KeyView key(const Event& event) const { return keys_[event.key].view(); }
  Source* source(const Event& event) const { return sources_[event.source]; }

 private:
  // Keys whose rows stand side by side, decoded together.
  struct Strip {
    std::vector<std::pair<OwnedKey, RowRange>> keys;
    RowRange rows;
  };

  Status collect_from(uint32_t source);
  Status take(uint32_t source, const Strip& strip);
  void trim();
  void forget_unused_keys();
  Status reclaim(View& view);
  std::vector<uint32_t> distinct_keys();
  Status locate(std::span<const uint32_t> keys, std::vector<std::vector<Slice>>* parts);
  Status take_kept(const Slice& slice, uint32_t key);
  void sort();

  uint64_t since_ = 0;
  size_t most_events_ = 0;
  std::vector<Source*> sources_;
  View::Sources again_;  // through the cache, for look-ups
  std::vector<OwnedKey> keys_;
  std::vector<uint64_t> versions_;
  std::vector<int64_t> times_;
};

}  // namespace tsfeat
