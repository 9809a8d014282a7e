// Planning a request: what each requested row asks, and where its key's events are, for many rows at once.
#pragma once

#include <array>
#include <cstddef>
#include <memory_resource>
#include <span>
#include <vector>

#include "read/chooser.h"
#include "read/read.h"

namespace tsfeat {

// n, versions, cut-offs and columns within what the view allows: kSchema or kRetention, naming the row.
Status check_request(const View& view, const ReadRequest& request);
// The same for one moment and version: `where` says whose ("row 3", "the scan").
Status check_moment(const View& view, const std::string& where, std::optional<int64_t> moment,
                    std::optional<int64_t> version);

// Some rows of a request, in some order; `order` is not owned.
struct RowList {
  uint64_t first = 0;
  uint64_t count = 0;
  const uint32_t* order = nullptr;  // null: the request's

  uint64_t operator[](uint64_t at) const { return order == nullptr ? first + at : order[first + at]; }
  RowList part(uint64_t from, uint64_t most) const { return {first + from, std::min(most, count - from), order}; }
};

class Plan {
 public:
  // All outlive the plan. The request was checked.
  Plan(const View& view, const View::Sources& sources, const ReadRequest& request, const Chooser& chooser);

  // One call to each source for all of the rows that may have events there.
  Status locate(const RowList& rows);
  // Again for the row at this place of the list, whose parts turned out too short: now with more of them.
  Status locate_more(uint64_t at);
  // Of the row at this place; valid until the next call.
  std::span<Part> parts(uint64_t at);
  const Question& question(uint64_t at) const { return questions_[at]; }

 private:
  void ask(const RowList& rows);
  Status locate_in(size_t place);
  bool thins(const Question& question, const SourceStats& stats) const;
  uint64_t rows_wanted(const Question& question, size_t place, uint64_t found) const;
  static Probe probe(const KeyView& key, const Question& question, uint64_t limit);

  const View& view_;
  const ReadRequest& request_;
  const Chooser& chooser_;
  // What follows is in here. The plan of a few rows fits in the first part, and allocates nothing.
  std::array<std::byte, 4096> first_memory_;
  std::pmr::monotonic_buffer_resource memory_{first_memory_.data(), first_memory_.size()};
  template <typename T>
  using List = std::pmr::vector<T>;

  List<Source*> sources_{&memory_};         // newest first, by their last event
  List<int64_t> later_max_time_{&memory_};  // of all sources after each
  List<Question> questions_{&memory_};
  std::vector<Mark> marks_;
  struct Located {
    RowRange rows;
    uint64_t cut_at = 0;  // how many were asked for, if there may be older ones
  };
  List<Located> located_{&memory_};  // row-major: sources_.size() for each row
  List<uint64_t> found_{&memory_};   // events of each row that are newer than all that later sources have
  List<Part> parts_{&memory_};
  List<Probe> probes_{&memory_};
  List<uint64_t> probe_rows_{&memory_};
  List<RowRange> answers_{&memory_};
};

}  // namespace tsfeat
