// When each version became current, on the table's clock: enough of it to answer "which version was current at m?" for
// every m within the retention's history. Thinned when long: then it answers with an older version, which keeps more
// and forbids less.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace tsfeat {

class VersionClock {
 public:
  // Versions ascend; clocks are clamped to not descend.
  void add(uint64_t version, int64_t clock);
  // The newest version with clock <= moment; 0 if there is none (the empty table).
  uint64_t current_at(int64_t moment) const;
  // Forgets what no moment >= horizon can ask for.
  void prune(int64_t horizon);
  int64_t last_clock() const { return marks_.empty() ? INT64_MIN : marks_.back().clock; }
  void encode(std::string* out) const;
  static Result<VersionClock> decode(ByteReader& in);

 private:
  struct VersionMark {
    uint64_t version;
    int64_t clock;
  };
  std::vector<VersionMark> marks_;
};

}  // namespace tsfeat
