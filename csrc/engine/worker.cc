#include "engine/worker.h"

#include <utility>

namespace tsfeat {

Worker::Worker(std::function<void()> step, std::chrono::milliseconds interval)
    : step_(std::move(step)), interval_(interval), thread_([this] { run(); }) {}

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

void Worker::run() {
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
