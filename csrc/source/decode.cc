#include "source/decode.h"

#include <cstring>

namespace tsfeat {
namespace {

bool default_is_valid(const Column& column) { return column.default_value && column.default_value->valid; }

void fill_fixed(const Column& column, std::span<const Aim> aims, uint8_t* out) {
  const size_t width = column.width();
  const std::string bytes = default_is_valid(column) ? column.default_value->bytes : std::string(width, '\0');
  for (const Aim& aim : aims) {
    for (uint64_t event = aim.at; event < aim.at + aim.rows.size(); ++event) {
      std::memcpy(out + event * width, bytes.data(), width);
    }
  }
}

void fill_varlen(const Column& column, uint64_t events, codec::VarlenBuffer* out) {
  for (uint64_t event = 0; event < events; ++event) {
    if (default_is_valid(column)) out->data += column.default_value->bytes;
    out->offsets.push_back(static_cast<int64_t>(out->data.size()));
  }
}

}  // namespace

// Sources are few, and slices of one mostly follow each other.
size_t SliceDecoder::part_of(Source* source) {
  for (size_t at = part_count_; at-- > 0;) {
    if (parts_[at].source == source) return at;
  }
  if (part_count_ == parts_.size()) parts_.emplace_back();
  Part& part = parts_[part_count_];
  part.source = source;
  part.aims.clear();
  part.events = 0;
  return part_count_++;
}

void SliceDecoder::start(std::span<const Slice> slices, uint64_t first, std::span<const uint64_t> places) {
  slices_ = slices;
  part_count_ = 0;
  events_ = 0;
  alternating_ = false;
  slice_part_.clear();
  deal(slices, first, places);
  for (size_t at = 0; at < part_count_; ++at) parts_[at].source->aim(parts_[at].aims);
}

void SliceDecoder::deal(std::span<const Slice> slices, uint64_t first, std::span<const uint64_t> places) {
  for (size_t i = 0; i < slices.size();) {
    Source* const source = slices[i].source;
    const size_t before = part_count_;
    const size_t at = part_of(source);
    if (at != before && !alternating_) {
      alternating_ = true;
      for (size_t part = 0; part < part_count_; ++part) {
        slice_part_.insert(slice_part_.end(), parts_[part].aims.size(), static_cast<uint32_t>(part));
      }
    }
    Part& part = parts_[at];
    const uint64_t had = events_;
    for (; i < slices.size() && slices[i].source == source; ++i) {
      part.aims.push_back({slices[i].rows, places.empty() ? first + events_ : places[i]});
      events_ += slices[i].rows.size();
      if (alternating_) slice_part_.push_back(static_cast<uint32_t>(at));
    }
    part.events += events_ - had;
  }
}

size_t SliceDecoder::held_bytes() const {
  size_t bytes = parts_.capacity() * sizeof(Part) + slice_part_.capacity() * 4 + taken_.capacity() * 8;
  for (const Part& part : parts_) bytes += part.aims.capacity() * sizeof(Aim);
  return bytes;
}

Status SliceDecoder::varlen(const Column& column, codec::VarlenBuffer* out) {
  std::vector<codec::VarlenBuffer> apart(alternating_ ? part_count_ : 0);
  for (size_t at = 0; at < part_count_; ++at) {
    codec::VarlenBuffer* const to = alternating_ ? &apart[at] : out;
    if (parts_[at].source->has_column(column.id)) {
      TSFEAT_TRY(parts_[at].source->aimed_varlen(column, to));
    } else {
      fill_varlen(column, parts_[at].events, to);
    }
  }
  if (alternating_) deal_varlen(apart, out);
  return {};
}

void SliceDecoder::deal_varlen(std::span<const codec::VarlenBuffer> from, codec::VarlenBuffer* out) {
  taken_.assign(part_count_, 0);
  for (size_t i = 0; i < slices_.size(); ++i) {
    const codec::VarlenBuffer& part = from[slice_part_[i]];
    uint64_t& at = taken_[slice_part_[i]];
    const uint64_t count = slices_[i].rows.size();
    const int64_t first = part.offsets[at];
    const int64_t shift = static_cast<int64_t>(out->data.size()) - first;
    out->data.append(part.data, static_cast<size_t>(first), static_cast<size_t>(part.offsets[at + count] - first));
    for (uint64_t row = 1; row <= count; ++row) out->offsets.push_back(part.offsets[at + row] + shift);
    at += count;
  }
}

Status SliceDecoder::column(const Column& column, const ColumnSink& sink) {
  if (is_varlen(column.type)) TSFEAT_TRY(varlen(column, sink.varlen));
  for (const Part& part : parts()) {
    const bool has = part.source->has_column(column.id);
    if (!is_varlen(column.type)) {
      if (has) {
        TSFEAT_TRY(part.source->aimed_fixed(column, sink.fixed));
      } else {
        fill_fixed(column, part.aims, sink.fixed);
      }
    }
    if (sink.validity == nullptr) continue;
    if (has) {
      TSFEAT_TRY(part.source->aimed_validity(column, sink.validity));
    } else {
      for (const Aim& aim : part.aims) {
        std::memset(sink.validity + aim.at, default_is_valid(column) ? 1 : 0, aim.rows.size());
      }
    }
  }
  return {};
}

Status SliceDecoder::times(int64_t* out) {
  for (const Part& part : parts()) TSFEAT_TRY(part.source->aimed_times(out));
  return {};
}

Status SliceDecoder::versions(uint64_t* out) {
  for (const Part& part : parts()) TSFEAT_TRY(part.source->aimed_versions(out));
  return {};
}

}  // namespace tsfeat
