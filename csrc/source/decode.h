// From slices to arrays: the one way in which read, scan, flush and compaction turn rows into values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "source/source.h"

namespace tsfeat {

// Where a column goes: `fixed` has room for the events (width bytes each), or `varlen` is appended to; validity (1 =
// present, one byte an event) is written if it is not null.
struct ColumnSink {
  uint8_t* fixed = nullptr;
  codec::VarlenBuffer* varlen = nullptr;
  uint8_t* validity = nullptr;
};

// Decodes lists of slices, column by column. Each source is asked once a column, for all its slices. Keeps its buffers
// from list to list.
class SliceDecoder {
 public:
  // The slices outlive the calls that decode them. Aims their sources: one decoder at a time uses a source. The events
  // stand end to end in the arrays, from place `first` on; or each slice's from its place on.
  void start(std::span<const Slice> slices, uint64_t first = 0, std::span<const uint64_t> places = {});
  uint64_t events() const { return events_; }
  size_t held_bytes() const;

  // Events of a source that lacks the column get its default (or null). Values of variable width are always end to end.
  Status column(const Column& column, const ColumnSink& sink);
  Status times(int64_t* out);
  Status versions(uint64_t* out);

 private:
  // What one source has of the slices.
  struct Part {
    Source* source = nullptr;
    std::vector<Aim> aims;
    uint64_t events = 0;
  };

  size_t part_of(Source* source);
  void deal(std::span<const Slice> slices, uint64_t first, std::span<const uint64_t> places);
  std::span<const Part> parts() const { return {parts_.data(), part_count_}; }
  Status varlen(const Column& column, codec::VarlenBuffer* out);
  void deal_varlen(std::span<const codec::VarlenBuffer> from, codec::VarlenBuffer* out);

  std::span<const Slice> slices_;
  std::vector<Part> parts_;  // [0, part_count_) are in use
  size_t part_count_ = 0;
  uint64_t events_ = 0;
  bool alternating_ = false;          // some source's slices do not stand side by side
  std::vector<uint32_t> slice_part_;  // then: of each slice
  std::vector<uint64_t> taken_;
};

}  // namespace tsfeat
