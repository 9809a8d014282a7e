// Erasures not yet carried out in every file: (key, before, version) marks. An event is erased if a mark for its key
// has event.time < before (or everything) and event.version <= mark.version.
//
// Immutable and cheap to extend: an extended copy shares all earlier layers with the old one (layers merge as in an
// LSM, so n erasures cost O(n log n)). Thread-safe to read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/key.h"
#include "wal/record.h"

namespace tsfeat {

struct Mark {
  int64_t until = 0;  // inclusive: the last erased time
  uint64_t version = 0;
  bool erases(int64_t time, uint64_t event_version) const { return time <= until && event_version <= version; }
};

class Tombstones {
 public:
  static std::shared_ptr<const Tombstones> none();
  virtual ~Tombstones() = default;
  virtual std::shared_ptr<const Tombstones> with(const DeleteRecord& record) const = 0;
  // Without the marks that `done` has: an erasing compaction carried them out in every file.
  virtual std::shared_ptr<const Tombstones> without(const Tombstones& done) const = 0;
  virtual bool empty() const = 0;
  virtual uint64_t count() const = 0;
  virtual uint64_t memory_bytes() const = 0;
  // Appends the key's marks.
  virtual void find(const KeyView& key, std::vector<Mark>* out) const = 0;
  virtual void encode(std::string* out) const = 0;
  static Result<std::shared_ptr<const Tombstones>> decode(ByteReader& in);
};

}  // namespace tsfeat
