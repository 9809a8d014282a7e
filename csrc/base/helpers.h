// Threads that help a caller with one large piece of work, such as a batch read, and sleep otherwise.
//
// Whoever calls run() works too, and takes whatever part no helper has begun: so a helper that wakes late costs
// nothing but its help. While the helpers are at one caller's work, others do theirs alone: under load every caller has
// a processor's worth of work of its own.
//
// Ownership: run() returns when nothing of the work is used any more. Threads start with the first run().
// Threads: everything may be called by every thread at once. A destructor waits for the helpers.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace tsfeat {

class Helpers {
 public:
  // helpers: threads besides the caller's. 0: run() is a loop.
  static std::shared_ptr<Helpers> create(size_t helpers);
  virtual ~Helpers() = default;
  // How many help this thread.
  virtual size_t helpers() const = 0;
  // Calls work(part) for each part in [0, parts), in no particular order, and waits for all of them. The first
  // exception (of the smallest part) comes out of run().
  virtual void run(size_t parts, const std::function<void(size_t part)>& work) = 0;
};

// From now on nobody helps this thread: it is one of several that share a larger work already, each at a part of its
// own, and other processors are meant for somebody else.
void work_alone() noexcept;

}  // namespace tsfeat
