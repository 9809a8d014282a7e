// Stands in for a run whose file cannot be opened because it is damaged or missing: every read that needs it gets the
// error, and what does not need it goes on.
#pragma once

#include <memory>

#include "run/run.h"

namespace tsfeat {

std::shared_ptr<Run> make_broken_run(const RunMeta& meta, Status why);

}  // namespace tsfeat
