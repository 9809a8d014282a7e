// How many bytes are held for what: shown by stats, compared with limits. Thread-safe; each number is exact, but two
// numbers read one after the other need not be of the same moment.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tsfeat {

enum class MemoryUse : unsigned char { kMemtables, kCache, kRunMetadata, kCompaction };

class MemoryAccount {
 public:
  static constexpr std::array<const char*, 4> kNames = {"memtables", "cache", "run_metadata", "compaction"};

  // Negative to give back. What was given back was added before, by the same use.
  void add(MemoryUse use, int64_t bytes) {
    used_[static_cast<size_t>(use)].fetch_add(bytes, std::memory_order_relaxed);
    total_.fetch_add(bytes, std::memory_order_relaxed);
  }
  int64_t used(MemoryUse use) const { return used_[static_cast<size_t>(use)].load(std::memory_order_relaxed); }
  int64_t total() const { return total_.load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<int64_t>, kNames.size()> used_{};
  std::atomic<int64_t> total_{0};
};

// Bytes that are given back when this dies.
class MemoryCharge {
 public:
  MemoryCharge(MemoryAccount* account, MemoryUse use, int64_t bytes) : account_(account), use_(use), bytes_(bytes) {
    account_->add(use_, bytes_);
  }
  MemoryCharge(const MemoryCharge&) = delete;
  MemoryCharge& operator=(const MemoryCharge&) = delete;
  ~MemoryCharge() { account_->add(use_, -bytes_); }
  void change_to(int64_t bytes) {
    account_->add(use_, bytes - bytes_);
    bytes_ = bytes;
  }
  int64_t bytes() const { return bytes_; }

 private:
  MemoryAccount* account_;
  MemoryUse use_;
  int64_t bytes_;
};

}  // namespace tsfeat
