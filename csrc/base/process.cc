#include "base/process.h"

#include <pthread.h>

#include <atomic>

namespace tsfeat {
namespace {

// Constant-initialized, and lock-free: the child of a multithreaded parent may touch nothing that takes a lock.
std::atomic<uint64_t> generation{0};

void count_fork() { generation.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

uint64_t fork_generation() {
  static const int registered = pthread_atfork(nullptr, nullptr, count_fork);
  static_cast<void>(registered);
  return generation.load(std::memory_order_relaxed);
}

}  // namespace tsfeat
