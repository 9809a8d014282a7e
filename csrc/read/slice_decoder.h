// Decodes a list of slices, column by column, as source/decode.h does; but where many short slices lie close together
// in a source (what a filter leaves, or two sources that interleave), it decodes their span once and picks the rows out
// of that.
#pragma once

#include <span>
#include <vector>

#include "source/decode.h"

namespace tsfeat {

class SliceDecoder {
 public:
  // The slices outlive the decoder.
  explicit SliceDecoder(std::span<const Slice> slices);

  Status column(const Column& column, const ColumnSink& sink);
  Status times(int64_t* out);

 private:
  // Consecutive slices that are decoded in one way.
  struct Segment {
    size_t begin = 0;  // of slices_
    size_t end = 0;
    size_t first_span = 0;  // of spans_; none: straight into the output
    size_t end_span = 0;
    uint64_t events = 0;
    uint64_t scratch_events = 0;
  };

  size_t plan_direct(size_t begin);
  size_t plan_gather(size_t begin);
  void add_direct(size_t begin, size_t end, uint64_t events);
  std::span<const Slice> slices(const Segment& s) const { return slices_.subspan(s.begin, s.end - s.begin); }
  std::span<const Slice> spans(const Segment& s) const {
    return {spans_.data() + s.first_span, s.end_span - s.first_span};
  }
  Status gather(const Column& column, const Segment& segment, const ColumnSink& sink);
  void pick(const Segment& segment, const uint8_t* from, uint32_t width, uint8_t* out) const;
  void pick_varlen(const Segment& segment, codec::VarlenBuffer* out) const;

  const std::span<const Slice> slices_;
  std::vector<Segment> segments_;
  std::vector<Slice> spans_;
  std::vector<uint32_t> offsets_;  // of each slice of gathered segments in its scratch; empty if there are none
  std::vector<uint8_t> scratch_;
  std::vector<uint8_t> scratch_validity_;
  codec::VarlenBuffer scratch_varlen_;
};

}  // namespace tsfeat
