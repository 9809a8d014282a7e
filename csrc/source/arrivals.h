// Which version an event of some time most likely has. Events arrive nearly in the order of their times, so the version
// of most follows from their time and from when each batch ended; a run stores only how far off that is.
#pragma once

#include <cstdint>
#include <vector>

namespace tsfeat {

// The last time of the events that came with a version.
struct Arrival {
  uint64_t version = 0;
  int64_t last_time = 0;
};

// Immutable, so that threads may share it.
class Arrivals {
 public:
  Arrivals() = default;
  // Entries that ascend in both.
  explicit Arrivals(std::vector<Arrival> entries);
  // From all that is known, in any order: of each version the greatest time; of these the most that ascend in both
  // (the longest increasing subsequence: a batch of old events, or one event from the future, leaves the others in
  // place); of these at most `most`, evenly.
  static Arrivals choose(std::vector<Arrival> known, uint64_t most);

  // What expects the same at all times from `first` to `last`.
  Arrivals between(int64_t first, int64_t last) const;

  const std::vector<Arrival>& entries() const { return entries_; }
  uint64_t memory_bytes() const;
  // The version of the first entry that does not end before `time`, or else of the last; 0 if there are none.
  uint64_t expected(int64_t time) const;
  // versions[i] minus, or plus, what is expected at times[i], modulo 2^64.
  void subtract_expected(const int64_t* times, uint64_t count, uint64_t* versions) const;
  void add_expected(const int64_t* times, uint64_t count, uint64_t* versions) const;

 private:
  void make_guide();

  std::vector<Arrival> entries_;
  // For each stretch of 2^shift_ times from the first entry's on: the first entry that does not end before it.
  std::vector<uint32_t> guide_;
  unsigned shift_ = 0;
};

}  // namespace tsfeat
