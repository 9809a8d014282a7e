// What many threads did to one table and saw of it, written down as it happened and checked afterwards.
//
// Batch after batch holds one event for each key, all at one time, so that order is arrival alone: what a read of
// version V must show of a key is the batches V, V - 1, V - 2, ... And a batch is known by its item, which its writer
// chose before it knew the version.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "engine/store.h"

namespace tsfeat::concurrency {

inline constexpr uint64_t kKeys = 4;
inline constexpr uint64_t kErasedKey = kKeys - 1;  // the only one that deletions name
inline constexpr size_t kNewest = 8;               // events of each key that a read asks for

Schema history_schema();

struct Append {
  uint64_t version = 0;
  uint64_t item = 0;
};

// One read of all keys.
struct Observation {
  uint64_t version = 0;                // that the read states
  uint64_t at_least = 0;               // newest version that some append had returned before the read began
  uint64_t erased_before = 0;          // of the erased key: up to this version it was erased before the read began ...
  uint64_t erased_after = 0;           // ... and no further than this when it had ended
  std::vector<uint64_t> items[kKeys];  // newest first
};

// Shared by the threads; what is told before an operation begins, and after it ends, makes real-time order.
class History {
 public:
  // Returns false once the store is closed; records what the append returned.
  bool append(Table& table, uint64_t item, std::vector<Append>* mine);
  bool erase(Table& table);
  // version: as of an older one. False once the store is closed.
  bool read(const Table& table, std::optional<uint64_t> version, std::vector<Observation>* mine);

  uint64_t newest_returned() const { return newest_returned_; }
  uint64_t operations() const { return operations_; }
  // An error that is not the end of the store.
  void fail(const std::string& what);
  std::string failure() const;

 private:
  bool goes_on(const Status& status, const char* what);

  std::atomic<uint64_t> newest_returned_{0};
  std::atomic<uint64_t> erased_before_{0};
  std::atomic<uint64_t> erase_may_reach_{0};
  std::atomic<uint64_t> operations_{0};
  std::mutex erase_mutex_;
  mutable std::mutex failure_mutex_;
  std::string failure_;
};

// Empty if the observations, each thread's in its order, are what some order of the appends allows; else what is wrong.
// follower: versions may lag behind what was returned.
std::string check(const std::vector<uint64_t>& item_of_version, const std::vector<Observation>& thread, bool follower);

// Versions from 1 on without a gap, or what is wrong.
std::string items_by_version(const std::vector<std::vector<Append>>& writers, std::vector<uint64_t>* items);

}  // namespace tsfeat::concurrency
