// Where "now" and randomness come from: the system, or a clock that a test holds still and a sequence that repeats.
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

namespace tsfeat {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t now_ns() const = 0;   // nanoseconds since 1970-01-01 UTC
  virtual uint64_t random() const = 0;  // for identifiers
  static const Clock* system();         // lives for ever
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t now_ns) : now_ns_(now_ns) {}
  int64_t now_ns() const override { return now_ns_.load(std::memory_order_relaxed); }
  uint64_t random() const override {  // SplitMix64: Steele, Lea, Flood, OOPSLA 2014
    uint64_t mixed = state_.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed) + 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  void set(int64_t now_ns) { now_ns_.store(now_ns, std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> now_ns_;
  mutable std::atomic<uint64_t> state_{0};
};

}  // namespace tsfeat
