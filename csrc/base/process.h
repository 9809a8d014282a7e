// Telling a forked child from the process that opened a store.
#pragma once

#include <cstdint>

namespace tsfeat {

// How many forks lie between this process and the one that first asked: a store remembers the value at its open, and
// any other value later means "I am a copy in a child, whose threads and locks were left behind". Thread-safe.
uint64_t fork_generation();

}  // namespace tsfeat
