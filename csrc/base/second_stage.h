// The second stage of a pipeline: works on pieces that the first stage, its owner, gives it, in their order.
//
// It does so at once, in the owner's thread, or aside, in a thread of its own, which starts when it is first wanted and
// lives as long as the stage. The results are the same.
//
// Ownership: once there is that thread, a piece that was worked on is kept, to be filled again; else it goes: of stages
// that work by turns there may be many. Threads: one owner; `work` is never called by two threads at a time, and
// everything it did is seen by the owner after finish().
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/status.h"

namespace tsfeat {

template <typename Piece>
class SecondStage {
 public:
  // most_waiting: give() waits while so many pieces do.
  SecondStage(std::function<Status(Piece&)> work, size_t most_waiting)
      : work_(std::move(work)), most_waiting_(most_waiting) {}
  // Pieces that wait are dropped.
  ~SecondStage() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  SecondStage(const SecondStage&) = delete;
  SecondStage& operator=(const SecondStage&) = delete;

  // One to fill.
  std::unique_ptr<Piece> blank() {
    const std::lock_guard lock(mutex_);
    if (blanks_.empty()) return std::make_unique<Piece>();
    std::unique_ptr<Piece> piece = std::move(blanks_.back());
    blanks_.pop_back();
    return piece;
  }

  // aside: the owner would rather go on. The first failure so far; once there is one, pieces are dropped. An exception
  // of `work` comes out of here or of finish().
  Status give(std::unique_ptr<Piece> piece, bool aside) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.size() < most_waiting_ || failed(); });
    if (failed()) return failure();
    waiting_.push_back(std::move(piece));
    if (waiting_.size() == 1 && !working_ && !(aside && started())) {
      work_on_next(lock);
    } else {
      changed_.notify_all();
    }
    return failure();
  }

  // Waits until all pieces were worked on.
  Status finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return (waiting_.empty() && !working_) || failed(); });
    return failure();
  }

 private:
  bool failed() const { return thrown_ != nullptr || !status_.ok(); }
  Status failure() const {
    if (thrown_ != nullptr) std::rethrow_exception(thrown_);
    return status_;
  }

  bool started() {
    if (thread_.joinable()) return true;
    try {
      blanks_.reserve(most_waiting_ + 2);
      thread_ = std::thread([this] { run(); });
      return true;
    } catch (const std::system_error&) {
      return false;  // the system gives no more threads; the owner's does the work
    }
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || (!waiting_.empty() && !working_); });
      if (stopping_) return;
      work_on_next(lock);
    }
  }

  void work_on_next(std::unique_lock<std::mutex>& lock) {
    std::unique_ptr<Piece> piece = std::move(waiting_.front());
    waiting_.pop_front();
    working_ = true;
    lock.unlock();
    Status status;
    std::exception_ptr thrown;
    try {
      status = work_(*piece);
    } catch (...) {
      thrown = std::current_exception();
    }
    lock.lock();
    working_ = false;
    if (!failed()) {
      status_ = std::move(status);
      thrown_ = std::move(thrown);
    }
    if (failed()) waiting_.clear();
    if (blanks_.size() < blanks_.capacity()) blanks_.push_back(std::move(piece));  // allocates nothing
    changed_.notify_all();
  }

  const std::function<Status(Piece&)> work_;
  const size_t most_waiting_;
  std::mutex mutex_;  // guards what follows, but for thread_, which is the owner's
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Piece>> waiting_;
  std::vector<std::unique_ptr<Piece>> blanks_;
  bool working_ = false;
  bool stopping_ = false;
  Status status_;
  std::exception_ptr thrown_;
  std::thread thread_;
};

}  // namespace tsfeat
