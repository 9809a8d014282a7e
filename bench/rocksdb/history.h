// Reads over any layout. A layout says how to walk one user's events from the newest backwards; from that follow the
// batch reads and the join, the same for all of them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "chunk.h"
#include "system.h"

namespace bench {

using WantedTypes = std::array<bool, 256>;

// A walk through one user's events.
class History {
 public:
  virtual ~History() = default;
  // What was appended until now is seen from here on.
  virtual void refresh() = 0;
  // Stands before the user's newest event with a time < before (INT64_MAX: no bound). wanted: a hint that only events
  // of these types matter, or null.
  virtual void seek(uint64_t user, int64_t before, const WantedTypes* wanted) = 0;
  // The next older chunk, valid until the next call; of it, only rows before the bound count. `want` is how many
  // events will be used at most. False if there is none.
  virtual bool older(uint64_t want, Chunk* chunk) = 0;
};

// Batch reads, in the order of the request.
class Reader {
 public:
  Reader(const Workload& workload, History* history);
  void read(const Question& question, Answer* answer);

 private:
  void fill(const Chunk& chunk, int64_t before, uint64_t row_begin, uint64_t* head);

  History* history_;
  std::vector<uint32_t> widths_;
  int type_column_ = -1;
  Arrays arrays_;
  std::vector<int64_t> offsets_;
  const WantedTypes* wanted_ = nullptr;
  WantedTypes wanted_room_{};
  std::vector<uint32_t> selected_;
};

// A join by merging: labels sorted by user and moment, each user's events decoded once, from the newest moment
// backwards, and each label's rows copied out of them.
class Join {
 public:
  Join(const Workload& workload, History* history);
  void begin(const Question& question);
  void next(Answer* answer);

 private:
  // Makes the window hold the newest n events before the moment, or all if there are fewer.
  void move_window(uint64_t user, int64_t before);
  void extend_window(const Chunk& chunk);
  int64_t window_time(uint64_t element) const { return Field::load<int64_t>(window_.at(time_at_, element)); }

  History* history_;
  std::vector<uint32_t> widths_;
  Question question_;
  std::vector<uint64_t> order_;  // label rows by user, then newest moment first
  uint64_t done_ = 0;

  Arrays window_;  // elements low_ .. high_ are valid
  size_t time_at_ = 0;
  uint64_t low_ = 0, high_ = 0;
  bool started_ = false, exhausted_ = false;
  uint64_t user_ = 0;

  Arrays out_;
  std::vector<int64_t> offsets_;
};

// Makes the arrays an answer of these rows.
void show(const Arrays& arrays, const std::vector<int64_t>& offsets, Answer* answer);
std::vector<uint32_t> widths_of(const Workload& workload);

}  // namespace bench
