// A small random sequence, the same everywhere for a seed (SplitMix64: Steele, Lea, Flood, OOPSLA 2014). For
// simulations and their tests. Not thread-safe.
#pragma once

#include <cstdint>

namespace tsfeat {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  uint64_t below(uint64_t bound) { return next() % bound; }
  bool chance(uint64_t quarters) { return below(4) < quarters; }

 private:
  uint64_t state_;
};

}  // namespace tsfeat
