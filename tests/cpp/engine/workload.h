// A scripted life of a store that uses every operation, and what may be true of the store after it broke off somewhere.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/events_table.h"

namespace tsfeat::engine_testing {

inline constexpr uint64_t kErasedKey = 99;

// One table's part of the oracle: each batch is unattempted, attempted or acknowledged as durable.
struct TableOracle {
  std::vector<Rows> attempted;
  size_t durable = 0;   // so many batches must be there
  size_t returned = 0;  // so many have been accepted
  bool create_returned = false;
  bool drop_attempted = false;
  size_t erase_attempted_at = 0;  // batches accepted at the (one) erasure; 0: none
  bool erase_returned = false;
};

struct Oracle {
  std::map<std::string, TableOracle> tables;
  bool go_on = false;  // after an error, with the next step
  uint64_t errors = 0;
  std::string last_error;
};

inline constexpr const char* kStorePath = "store";
inline constexpr const char* kCheckpointPath = "copy";

// Runs the script; the first error ends it, unless the oracle says to go on.
void run_workload(Vfs& vfs, const Clock& clock, Oracle* oracle);
// Opens the store and compares. no_loss: the power did not fail, so all that was accepted must be there.
void check_store(Vfs& vfs, const Clock& clock, const Oracle& oracle, bool no_loss,
                 const std::string& path = kStorePath);

}  // namespace tsfeat::engine_testing
