// The growing dictionary of one category column: strings to stable codes, in order of first appearance. Thread-safe;
// codes are only added, by the holder of the store's write lock.
//
// A bulk load needs codes before its events count. It reserves them: they follow the others, and nobody but loads sees
// them, until they are published: by the load's commit, or by an append that adds values itself and takes those before
// its own along. Reserved codes that nobody published are given back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tsfeat {

class CategoryDictionary {
 public:
  explicit CategoryDictionary(const std::vector<std::string>& values) : published_(values.size()) {
    for (const std::string& value : values) add_locked(value);
  }
  int32_t find(std::string_view value) const {  // -1: never seen
    const std::shared_lock lock(mutex_);
    const auto at = codes_.find(value);
    return at == codes_.end() || at->second >= static_cast<int32_t>(published_) ? -1 : at->second;
  }
  // values[i] gets code first_code + i; those already there (reserved, or a log replayed onto a newer manifest) are
  // passed over.
  void add(uint32_t first_code, const std::vector<std::string>& values) {
    const std::unique_lock lock(mutex_);
    for (size_t i = 0; i < values.size(); ++i) {
      if (first_code + i >= values_.size()) add_locked(values[i]);
    }
    published_ = std::max(published_, first_code + values.size());
  }
  uint32_t size() const {
    const std::shared_lock lock(mutex_);
    return static_cast<uint32_t>(published_);
  }
  std::vector<std::string> values() const {
    const std::shared_lock lock(mutex_);
    return {values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(published_)};
  }

  // ---- for loads
  int32_t find_reserved(std::string_view value) const {  // or published; -1: neither
    const std::shared_lock lock(mutex_);
    const auto at = codes_.find(value);
    return at == codes_.end() ? -1 : at->second;
  }
  // Those that follow the published ones, in the order of their codes.
  std::vector<std::string> reserved() const {
    const std::shared_lock lock(mutex_);
    return {values_.begin() + static_cast<std::ptrdiff_t>(published_), values_.end()};
  }
  void reserve(const std::vector<std::string>& values) {
    const std::unique_lock lock(mutex_);
    for (const std::string& value : values) add_locked(value);
  }
  void give_back_reserved() {
    const std::unique_lock lock(mutex_);
    for (; values_.size() > published_; values_.pop_back()) codes_.erase(values_.back());
  }

 private:
  void add_locked(const std::string& value) {
    values_.push_back(value);
    codes_.emplace(values_.back(), static_cast<int32_t>(values_.size()) - 1);
  }
  mutable std::shared_mutex mutex_;
  std::deque<std::string> values_;  // a deque, so that the map's views stay valid
  size_t published_ = 0;            // the first so many; those behind them are reserved
  std::unordered_map<std::string_view, int32_t> codes_;
};

}  // namespace tsfeat
