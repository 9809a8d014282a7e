#include "base/helpers.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace tsfeat {
namespace {

// How long who waits looks out for what is next before going to sleep: steps of one read follow each other quickly, and
// to wake a thread takes longer than this.
constexpr std::chrono::microseconds kLookOut{20};

thread_local bool works_alone = false;

struct Work {
  const std::function<void(size_t)>& part;
  const size_t parts;
  std::vector<std::exception_ptr> failures;
  std::atomic<size_t> next{0};
  std::atomic<size_t> done{0};

  void take_parts() {
    for (size_t at = next.fetch_add(1); at < parts; at = next.fetch_add(1)) {
      try {
        part(at);
      } catch (...) {
        failures[at] = std::current_exception();
      }
      done.fetch_add(1, std::memory_order_release);
    }
  }
};

template <typename Condition>
bool look_out(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + kLookOut;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
  }
  return true;
}

class HelperThreads final : public Helpers {
 public:
  explicit HelperThreads(size_t helpers) : helpers_(helpers) {}

  ~HelperThreads() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_came_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  size_t helpers() const override { return works_alone ? 0 : helpers_; }

  void run(size_t parts, const std::function<void(size_t)>& part) override {
    std::unique_lock mine(one_caller_, std::defer_lock);
    if (helpers() == 0 || parts < 2 || !mine.try_lock()) {
      for (size_t at = 0; at < parts; ++at) part(at);
      return;
    }
    start_threads();
    Work work{part, parts, std::vector<std::exception_ptr>(parts)};
    {
      const std::lock_guard lock(mutex_);
      work_ = &work;
      works_given_.fetch_add(1, std::memory_order_release);
    }
    work_came_.notify_all();
    work.take_parts();
    look_out([&] { return work.done.load(std::memory_order_acquire) == parts; });
    {
      std::unique_lock lock(mutex_);
      work_ = nullptr;  // who has not begun stays out
      helper_left_.wait(lock, [&] { return at_work_ == 0; });
    }
    for (const std::exception_ptr& failure : work.failures) {
      if (failure) std::rethrow_exception(failure);
    }
  }

 private:
  void start_threads() {
    try {
      while (threads_.size() < helpers_) threads_.emplace_back([this] { help(); });
    } catch (const std::system_error&) {
      // The system gives no more threads; the caller's does the work.
    }
  }

  void help() {
    uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (work_ == nullptr || works_given_.load(std::memory_order_relaxed) == seen) {
        lock.unlock();
        look_out([&] { return works_given_.load(std::memory_order_acquire) != seen; });
        lock.lock();
        work_came_.wait(lock, [&] {
          return stopping_ || (work_ != nullptr && works_given_.load(std::memory_order_relaxed) != seen);
        });
        continue;
      }
      seen = works_given_.load(std::memory_order_relaxed);
      Work* const work = work_;
      ++at_work_;
      lock.unlock();
      work->take_parts();
      lock.lock();
      if (--at_work_ == 0) helper_left_.notify_all();
    }
  }

  const size_t helpers_;
  std::mutex one_caller_;             // held throughout run(); guards threads_
  std::vector<std::thread> threads_;  // those that there are
  std::atomic<uint64_t> works_given_{0};
  std::mutex mutex_;  // guards what follows
  std::condition_variable work_came_, helper_left_;
  Work* work_ = nullptr;
  size_t at_work_ = 0;  // helpers that may be using *work_
  bool stopping_ = false;
};

}  // namespace

void work_alone() noexcept { works_alone = true; }

std::shared_ptr<Helpers> Helpers::create(size_t helpers) { return std::make_shared<HelperThreads>(helpers); }

}  // namespace tsfeat
