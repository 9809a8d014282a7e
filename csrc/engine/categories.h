// The growing dictionary of one category column: strings to stable codes, in order of first appearance. Thread-safe;
// codes are only added, by the holder of the store's write lock.
#pragma once

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
  explicit CategoryDictionary(const std::vector<std::string>& values) {
    for (const std::string& value : values) add_locked(value);
  }
  int32_t find(std::string_view value) const {  // -1: never seen
    const std::shared_lock lock(mutex_);
    const auto at = codes_.find(value);
    return at == codes_.end() ? -1 : at->second;
  }
  // values[i] gets code first_code + i; those already there (a log replayed onto a newer manifest) are passed over.
  void add(uint32_t first_code, const std::vector<std::string>& values) {
    const std::unique_lock lock(mutex_);
    for (size_t i = 0; i < values.size(); ++i) {
      if (first_code + i >= values_.size()) add_locked(values[i]);
    }
  }
  uint32_t size() const {
    const std::shared_lock lock(mutex_);
    return static_cast<uint32_t>(values_.size());
  }
  std::vector<std::string> values() const {
    const std::shared_lock lock(mutex_);
    return {values_.begin(), values_.end()};
  }

 private:
  void add_locked(const std::string& value) {
    values_.push_back(value);
    codes_.emplace(values_.back(), static_cast<int32_t>(values_.size()) - 1);
  }
  mutable std::shared_mutex mutex_;
  std::deque<std::string> values_;  // a deque, so that the map's views stay valid
  std::unordered_map<std::string_view, int32_t> codes_;
};

}  // namespace tsfeat
