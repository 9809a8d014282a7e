// The log that A3's application keeps for itself, since RocksDB knows nothing of events that are still in its tails:
// each batch's arrays as they came, with a header and a checksum. Only the writing half.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workload.h"

namespace bench {

class ApplicationLog {
 public:
  ~ApplicationLog() { close(); }
  void open(const std::string& path);
  void close();
  void append(const Events& events, const std::vector<uint32_t>& widths, bool sync);
  // All events are elsewhere.
  void clear();

 private:
  std::string path_;
  int file_ = -1;
};

}  // namespace bench
