// Wraps another Vfs and makes its calls fail on order. Counts every call of Vfs and of the Files it opened.
#pragma once

#include <memory>

#include "vfs/vfs.h"

namespace tsfeat {

class FaultVfs : public Vfs {
 public:
  static std::unique_ptr<FaultVfs> create(Vfs* wrapped);  // does not own it
  // The calls-th call from now (1 is the next) fails with error_number; so do all after it, unless once. 0: none fails.
  // A failing write leaves the first half of its data; any other failing call does nothing.
  virtual void fail_after(uint64_t calls, int error_number, bool once) = 0;
  virtual uint64_t calls() const = 0;
};

}  // namespace tsfeat
