// A disk in memory that can lose power. What was not synced may or may not survive, in 512-byte blocks and directory
// entries, each on its own; what was synced does. For tests: deterministic for a seed.
//
// At first there is the directory "/" alone; a path without a leading slash starts there too, and ".." is refused.
// A rename survives as a whole or not at all. A file's sync does not make its name durable: sync_directory does.
// Bytes that were never synced, in a part of a file that was never durable, may come back as zeros or as garbage.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "vfs/vfs.h"

namespace tsfeat {

enum class Survival { kRandom, kNone, kAll };

class MemoryVfs : public Vfs {
 public:
  static std::unique_ptr<MemoryVfs> create(uint64_t seed);
  // The disk as the next boot may find it. This one stays as it was; locks are free on the new one.
  virtual std::unique_ptr<MemoryVfs> power_loss(Survival survival) = 0;
  virtual std::map<std::string, std::string> files() const = 0;  // as the running system sees them
  // Damage from outside: durable at once, neither logged nor faulted.
  virtual Status write_file(const std::string& path, Bytes content) = 0;
};

}  // namespace tsfeat
