// Law 5: which events a read may see, and which may be forgotten. In the table's unit of time.
//
// A key's events, newest first, have ranks 1, 2, ...; visible iff rank <= min_events, or rank <= max_events and
// time >= R - max_age. Both conditions only ever turn from true to false along that walk, so what is visible is a
// prefix of it: the newest `visible_count` events.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "schema/types.h"

namespace tsfeat {

struct Retention {
  std::optional<int64_t> max_age;
  std::optional<uint64_t> max_events;
  uint64_t min_events = 0;
  int64_t history = 0;
  bool event_clock = false;
  bool operator==(const Retention&) const = default;

  // The oldest time that age alone lets a read at R see.
  int64_t oldest_visible(int64_t read_at) const { return max_age ? saturating_sub(read_at, *max_age) : kMinTime; }
  uint64_t most_events() const { return max_events.value_or(std::numeric_limits<uint64_t>::max()); }
  // Of `total` events, `young` of them with time >= oldest_visible(R), how many are visible.
  uint64_t visible_count(uint64_t total, uint64_t young) const {
    return std::min(total, std::max(min_events, std::min(most_events(), young)));
  }
};

// Whether some event that `next` could show may already be gone under `current` (so `current` must be carried out
// first).
bool loosens(const std::optional<Retention>& current, const std::optional<Retention>& next);

}  // namespace tsfeat
