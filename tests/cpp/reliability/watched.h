// Wraps a Vfs and tells an observer of every call before it is made and after. What the trials stand on: the power
// fails before a call, an order is checked after one.
#pragma once

#include <memory>
#include <string>

#include "vfs/vfs.h"

namespace tsfeat::reliability {

enum class CallKind {
  kOpen,
  kCreate,  // open of a file that may be new, or is emptied
  kRead,
  kWrite,
  kSync,
  kAllocate,
  kTruncate,
  kRename,
  kRemove,
  kLink,
  kMakeDirectory,
  kSyncDirectory,
  kLock,
  kLook,  // size, list, exists, free_bytes
};

struct Call {
  CallKind kind;
  const std::string& path;
  const std::string& to;  // of a rename or link
  uint64_t offset = 0;    // of a write
  bool changes() const { return kind != CallKind::kOpen && kind != CallKind::kRead && kind != CallKind::kLook; }
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void before(const Call&) {}
  virtual void after(const Call&, const Status&) {}
};

// Owns neither; the observer may be null.
std::unique_ptr<Vfs> watch(Vfs& wrapped, Observer* observer);

}  // namespace tsfeat::reliability
