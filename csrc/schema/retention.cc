#include "schema/retention.h"

namespace tsfeat {

bool loosens(const std::optional<Retention>& current, const std::optional<Retention>& next) {
  if (!current) return false;
  if (!next) return true;
  const auto larger = [](const auto& now, const auto& then) { return now && (!then || *then > *now); };
  return larger(current->max_age, next->max_age) || larger(current->max_events, next->max_events) ||
         next->min_events > current->min_events || next->history > current->history ||
         next->event_clock != current->event_clock;
}

}  // namespace tsfeat
