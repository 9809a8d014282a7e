#include "engine/worker.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace tsfeat {
namespace {

constexpr int kLowPriorityNice = 10;

}  // namespace

Worker::Worker(std::function<void()> step, std::chrono::milliseconds interval, bool low_priority)
    : step_(std::move(step)), interval_(interval), thread_([this, low_priority] { run(low_priority); }) {}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Worker::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Worker::run(bool low_priority) {
  // Linux counts niceness by thread. A hint: where it is refused, work goes on as before.
  if (low_priority) setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kLowPriorityNice);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, interval_, [this] { return woken_ || stopping_; });
    if (stopping_) return;
    woken_ = false;
    lock.unlock();
    step_();
    lock.lock();
  }
}

}  // namespace tsfeat
