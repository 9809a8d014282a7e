// A record of the log, taken into the tables it is for: at open, at refresh, and for salvage.
#pragma once

#include <map>
#include <memory>

#include "base/bytes.h"
#include "engine/table_core.h"

namespace tsfeat {

using TablesById = std::map<uint32_t, std::shared_ptr<TableCore>>;

// Write lock held, or nobody else there. kCorruption for a record that does not fit its table; one of a table that is
// not there is passed over (it was dropped since). end: where in the log the record ends.
Status replay_record(const TablesById& tables, Bytes record, LogPlace end);

}  // namespace tsfeat
