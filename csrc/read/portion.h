// Large requests in portions: rows in order of their keys, so that those of one key share what is decoded; one portion
// a thread at a time. A small request is one portion, in its own order.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "read/chooser.h"
#include "read/plan.h"
#include "read/read.h"

namespace tsfeat {

struct SliceList {
  std::vector<Slice> slices;
  size_t held_bytes() const { return slices.capacity() * sizeof(Slice); }
};

// Some rows of a request, from their keys to the answer's arrays. One thread at a time.
class Portion {
 public:
  // All outlive the portion. The request was checked. in_order: rows must be worked on one after the other as they are
  // (values of variable width are appended).
  Portion(const View& view, const View::Sources& sources, const ReadRequest& request, const RowList& rows,
          bool in_order);

  // Chooses the rows' events. counts[row]: how many they are.
  Status choose(int64_t* counts);
  // The same, but only counts.
  Status count(int64_t* counts);
  // Puts what was chosen into the arrays: a row's events stand from offsets[row] on. Values of variable width go to
  // texts(), but for the first portion's.
  Status decode(std::span<const int64_t> offsets, std::vector<ColumnResult>* out);
  std::span<const codec::VarlenBuffer> texts() const { return texts_; }

 private:
  void put_in_order();
  template <typename Answer>
  Status each_row(int64_t* counts, Answer answer);
  std::vector<uint64_t> places(std::span<const int64_t> offsets) const;

  const View& view_;
  const View::Sources& sources_;
  const ReadRequest& request_;
  RowList rows_;
  const bool in_order_;
  std::vector<uint32_t> order_;
  const std::unique_ptr<FilterEvaluator> filter_;
  Chooser chooser_;
  const Lent<SliceList> lent_slices_;
  std::vector<Slice>& slices_ = lent_slices_->slices;
  std::vector<codec::VarlenBuffer> texts_;
};

class Portions {
 public:
  // Both outlive the portions. in_order: as of a portion.
  Portions(View& view, const ReadRequest& request, bool in_order);
  // Takes one step with each portion; the first failure (of the first portion) is the step's.
  Status each(const std::function<Status(Portion&)>& step);
  // After all decoded: what they have of values of variable width, in order.
  void append_texts(std::vector<ColumnResult>* out) const;

 private:
  struct Share {
    View::Sources sources;
    std::optional<Portion> portion;
  };

  View& view_;
  std::optional<Portion> first_;
  std::vector<std::unique_ptr<Share>> others_;
};

}  // namespace tsfeat
