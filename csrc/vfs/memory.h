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

// What a power loss leaves of what was not synced.
enum class Survival {
  kRandom,   // any of it, each block, size and name on its own
  kNone,     // nothing
  kAll,      // all
  kNewest,   // of each file only the last write, and of the names only the last change (and what that rests on)
  kOldest,   // only the first
  kSizes,    // names and sizes without the data
  kNames,    // names alone: a renamed file with nothing in it
  kTorn,     // all, but each file's last write stops at a block
  kGarbage,  // all, but never durable blocks hold what was on the disk before
};

class MemoryVfs : public Vfs {
 public:
  static std::unique_ptr<MemoryVfs> create(uint64_t seed);
  // The disk as the next boot may find it. This one stays as it was; locks are free on the new one.
  virtual std::unique_ptr<MemoryVfs> power_loss(Survival survival) = 0;
  // The disk as the next process finds it when this one is killed: all is there, and what was not synced still is not.
  virtual std::unique_ptr<MemoryVfs> kill() = 0;
  // The syncs-th sync from now (1 is the next), of a file or a directory, fails with EIO, once. What a file's was to
  // write is lost: the running system goes on seeing it, but no later sync makes it durable. 0: none fails.
  virtual void fail_sync_after(uint64_t syncs) = 0;
  virtual uint64_t syncs() const = 0;                            // so far
  virtual uint64_t open_files() const = 0;                       // handles that live
  virtual std::map<std::string, std::string> files() const = 0;  // as the running system sees them
  // Damage from outside: durable at once, neither logged nor faulted.
  virtual Status write_file(const std::string& path, Bytes content) = 0;
};

}  // namespace tsfeat
