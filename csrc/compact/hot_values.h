// Before runs are merged: which values of their columns are hot all over them, and whether a list of those makes the
// merged run smaller (codec/hot.h).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "codec/hot.h"
#include "source/source.h"

namespace tsfeat {

// What a search takes at most, however many rows there are.
inline constexpr uint64_t kHotValuesSearchBytes = uint64_t{16} << 20;

// By position in the schema; null where a list would not pay. Looks at a sample of the rows of those sources whose
// rows are numbered through (runs), always the same for the same sources. events_per_run: that the merge will write,
// about: a list costs once a run.
Result<std::vector<std::shared_ptr<const codec::HotCodes>>> find_hot_values(const Schema& schema,
                                                                            std::span<Source* const> sources,
                                                                            uint64_t events_per_run);

}  // namespace tsfeat
