// Scratch that is lent and given back: buffers that a read would allocate and free, kept by the thread for its next.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace tsfeat {

// A T that was used before, if the thread has one to spare: whoever borrows it clears what it uses. May be given back
// in another thread. T has held_bytes(): what is too large is not kept.
template <typename T>
class Lent {
 public:
  Lent() {
    auto& spare = spares();
    if (spare.empty()) {
      lent_ = std::make_unique<T>();
    } else {
      lent_ = std::move(spare.back());
      spare.pop_back();
    }
  }
  ~Lent() {
    auto& spare = spares();
    if (spare.size() < kMostSpares && lent_->held_bytes() <= kMostBytes) spare.push_back(std::move(lent_));
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  T* operator->() const { return lent_.get(); }
  T& operator*() const { return *lent_; }

 private:
  static constexpr size_t kMostSpares = 4;
  static constexpr size_t kMostBytes = size_t{256} << 10;
  static std::vector<std::unique_ptr<T>>& spares() {
    static thread_local std::vector<std::unique_ptr<T>> spare = [] {
      std::vector<std::unique_ptr<T>> room;
      room.reserve(kMostSpares);  // so that giving back cannot fail
      return room;
    }();
    return spare;
  }

  std::unique_ptr<T> lent_;
};

}  // namespace tsfeat
