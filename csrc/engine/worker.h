// A background thread that runs a step when woken, or when its interval has passed, until it is stopped.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace tsfeat {

class Worker {
 public:
  Worker(std::function<void()> step, std::chrono::milliseconds interval);
  ~Worker() { stop(); }
  // Waits for the step under way; there will be no other. Once from one thread.
  void stop();
  void wake();

 private:
  void run();

  const std::function<void()> step_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tsfeat
