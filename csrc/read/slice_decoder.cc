#include "read/slice_decoder.h"

#include <algorithm>
#include <cstring>

namespace tsfeat {
namespace {

// A call for one slice of one column costs about what decoding this many values does.
constexpr uint64_t kShortRows = 32;
constexpr uint64_t kLargestGapRows = 64;
constexpr uint64_t kLargestScratchRows = 4096;

bool is_short(const Slice& slice) { return slice.rows.size() < kShortRows; }

template <typename T>
void pick_typed(std::span<const Slice> slices, const uint32_t* offsets, const uint8_t* from, uint8_t* out) {
  for (const Slice& slice : slices) {
    const uint8_t* at = from + *offsets++ * sizeof(T);
    for (uint64_t i = 0; i < slice.rows.size(); ++i, at += sizeof(T), out += sizeof(T)) store<T>(out, load<T>(at));
  }
}

ColumnSink sink_at(const ColumnSink& sink, uint64_t at, uint32_t width) {
  return {sink.fixed == nullptr ? nullptr : sink.fixed + at * width, sink.varlen,
          sink.validity == nullptr ? nullptr : sink.validity + at};
}

}  // namespace

SliceDecoder::SliceDecoder(std::span<const Slice> slices) : slices_(slices) {
  for (size_t at = 0; at < slices.size();) at = is_short(slices[at]) ? plan_gather(at) : plan_direct(at);
}

void SliceDecoder::add_direct(size_t begin, size_t end, uint64_t events) {
  if (segments_.empty() || segments_.back().first_span != segments_.back().end_span) {
    segments_.push_back({.begin = begin, .end = begin});
  }
  segments_.back().end = end;
  segments_.back().events += events;
}

size_t SliceDecoder::plan_direct(size_t begin) {
  size_t end = begin;
  uint64_t events = 0;
  for (; end < slices_.size() && !is_short(slices_[end]); ++end) events += slices_[end].rows.size();
  add_direct(begin, end, events);
  return end;
}

// Takes short slices while the scratch has room, each into the open span of its source, or a new one.
size_t SliceDecoder::plan_gather(size_t begin) {
  const size_t first_span = spans_.size();
  if (offsets_.size() < slices_.size()) offsets_.resize(slices_.size());
  uint64_t events = 0;
  uint64_t scratch = 0;
  size_t end = begin;
  for (; end < slices_.size() && is_short(slices_[end]) && scratch < kLargestScratchRows; ++end) {
    const Slice& slice = slices_[end];
    // The newest span of this source is among the last few: sources are few, and so are rows of a request in one
    // window.
    size_t at = spans_.size();
    const size_t oldest = std::max(first_span, spans_.size() - std::min<size_t>(spans_.size(), 8));
    while (at > oldest && spans_[at - 1].source != slice.source) --at;
    const bool joins = at > oldest && slice.rows.begin >= spans_[at - 1].rows.end &&
                       slice.rows.begin - spans_[at - 1].rows.end <= kLargestGapRows;
    if (!joins) {
      spans_.push_back({slice.source, {slice.rows.begin, slice.rows.begin}});
      at = spans_.size();
    }
    RowRange& span = spans_[at - 1].rows;
    scratch += slice.rows.end - span.end;
    span.end = slice.rows.end;
    events += slice.rows.size();
    offsets_[end] = static_cast<uint32_t>(at - 1);  // the span, until all their sizes are known
  }
  if (2 * (spans_.size() - first_span) > end - begin) {  // hardly any share a span
    spans_.resize(first_span);
    add_direct(begin, end, events);
    return end;
  }
  std::vector<uint64_t> starts;
  uint64_t start = 0;
  for (size_t at = first_span; at < spans_.size(); start += spans_[at++].rows.size()) starts.push_back(start);
  for (size_t at = begin; at < end; ++at) {
    const size_t span = offsets_[at];
    offsets_[at] = static_cast<uint32_t>(starts[span - first_span] + slices_[at].rows.begin - spans_[span].rows.begin);
  }
  segments_.push_back({begin, end, first_span, spans_.size(), events, scratch});
  return end;
}

Status SliceDecoder::column(const Column& column, const ColumnSink& sink) {
  uint64_t at = 0;
  for (const Segment& segment : segments_) {
    const ColumnSink part = sink_at(sink, at, column.width());
    if (segment.first_span == segment.end_span) {
      TSFEAT_TRY(decode_column(column, slices(segment), part));
    } else {
      TSFEAT_TRY(gather(column, segment, part));
    }
    at += segment.events;
  }
  return {};
}

Status SliceDecoder::times(int64_t* out) {
  for (const Segment& segment : segments_) {
    if (segment.first_span == segment.end_span) {
      TSFEAT_TRY(decode_times(slices(segment), out));
    } else {
      scratch_.resize(segment.scratch_events * sizeof(int64_t));
      TSFEAT_TRY(decode_times(spans(segment), reinterpret_cast<int64_t*>(scratch_.data())));
      pick(segment, scratch_.data(), sizeof(int64_t), reinterpret_cast<uint8_t*>(out));
    }
    out += segment.events;
  }
  return {};
}

Status SliceDecoder::gather(const Column& column, const Segment& segment, const ColumnSink& sink) {
  const uint32_t width = column.width();
  ColumnSink scratch;
  if (sink.validity != nullptr) {
    scratch_validity_.resize(segment.scratch_events);
    scratch.validity = scratch_validity_.data();
  }
  if (width == 0) {
    scratch_varlen_.offsets.assign(1, 0);
    scratch_varlen_.data.clear();
    scratch.varlen = &scratch_varlen_;
  } else {
    scratch_.resize(segment.scratch_events * width);
    scratch.fixed = scratch_.data();
  }
  TSFEAT_TRY(decode_column(column, spans(segment), scratch));
  if (width == 0) {
    pick_varlen(segment, sink.varlen);
  } else {
    pick(segment, scratch_.data(), width, sink.fixed);
  }
  if (sink.validity != nullptr) pick(segment, scratch_validity_.data(), 1, sink.validity);
  return {};
}

void SliceDecoder::pick(const Segment& segment, const uint8_t* from, uint32_t width, uint8_t* out) const {
  const uint32_t* const offsets = offsets_.data() + segment.begin;
  switch (width) {
    case 1:
      return pick_typed<uint8_t>(slices(segment), offsets, from, out);
    case 2:
      return pick_typed<uint16_t>(slices(segment), offsets, from, out);
    case 4:
      return pick_typed<uint32_t>(slices(segment), offsets, from, out);
    case 8:
      return pick_typed<uint64_t>(slices(segment), offsets, from, out);
    default:
      for (size_t at = segment.begin; at < segment.end; ++at) {
        const size_t bytes = slices_[at].rows.size() * width;
        std::memcpy(out, from + size_t{offsets_[at]} * width, bytes);
        out += bytes;
      }
  }
}

void SliceDecoder::pick_varlen(const Segment& segment, codec::VarlenBuffer* out) const {
  for (size_t at = segment.begin; at < segment.end; ++at) {
    const int64_t* const offsets = scratch_varlen_.offsets.data() + offsets_[at];
    const uint64_t count = slices_[at].rows.size();
    const int64_t shift = static_cast<int64_t>(out->data.size()) - offsets[0];
    out->data.append(scratch_varlen_.data, static_cast<size_t>(offsets[0]),
                     static_cast<size_t>(offsets[count] - offsets[0]));
    for (uint64_t i = 1; i <= count; ++i) out->offsets.push_back(offsets[i] + shift);
  }
}

}  // namespace tsfeat
