// One key's parts in several sources, merged: the newest events first, in pieces.
//
// While only one source is left, or sources do not overlap in time, nothing is decoded but what shows that. Where they
// do overlap, times are decoded from the end, in steps that grow; versions only where times are equal.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "source/source.h"

namespace tsfeat {

// A key's rows in one source, or the newest of them only.
struct Part : Slice {
  bool may_have_older = false;
};

class NewestFirst {
 public:
  // Forgets what was before.
  void start(std::span<const Part> parts);
  // The next piece, of at most `most` (> 0) rows in one source; empty at the end.
  Result<Slice> next(uint64_t most);
  // Whether the end was that of a part that may have older rows: what follows is not known.
  bool ran_out() const { return ran_out_; }
  size_t held_bytes() const;

 private:
  // Where one source's rows stand; [rows.begin, rows.end) are not given out yet.
  struct Cursor {
    Source* source = nullptr;
    RowRange rows;
    bool may_have_older = false;
    bool has_head = false;
    int64_t head = 0;                // time of row rows.end - 1
    uint64_t window = 0;             // first row whose time is in `times`; rows.end or more if none is
    uint64_t step = 0;               // size of the last window
    std::vector<int64_t> times;      // of rows [window, window + times.size())
    std::vector<uint64_t> versions;  // of the same rows, once a tie asked for them; else empty
  };

  static Status find_head(Cursor& cursor);
  static Status fill_times(Cursor& cursor);
  static Result<uint64_t> version_at(Cursor& cursor, uint64_t row);
  static Result<bool> newer(Cursor& a, Cursor& b);
  static Slice take(Cursor& cursor, uint64_t begin);

  Result<size_t> newest_cursor();
  Cursor* apart_from_others();
  Result<Slice> take_overlapping(Cursor& best, uint64_t most);
  Result<Slice> take_tied(Cursor& best, std::span<Cursor* const> tied, uint64_t most);

  std::vector<Cursor> cursors_;  // capacity and buffers outlive a key
  size_t open_ = 0;              // cursors_[0, open_) have rows left
  std::vector<Cursor*> tied_;
  bool ran_out_ = false;
};

}  // namespace tsfeat
