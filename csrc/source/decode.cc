#include "source/decode.h"

#include <cstring>

namespace tsfeat {
namespace {

bool default_is_valid(const Column& column) { return column.default_value && column.default_value->valid; }

void fill_fixed(const Column& column, uint64_t events, uint8_t* out) {
  const std::string bytes = default_is_valid(column) ? column.default_value->bytes : std::string(column.width(), '\0');
  for (uint64_t event = 0; event < events; ++event) std::memcpy(out + event * bytes.size(), bytes.data(), bytes.size());
}

void fill_varlen(const Column& column, uint64_t events, codec::VarlenBuffer* out) {
  for (uint64_t event = 0; event < events; ++event) {
    if (default_is_valid(column)) out->data += column.default_value->bytes;
    out->offsets.push_back(static_cast<int64_t>(out->data.size()));
  }
}

template <typename T>
void copy_typed(const uint8_t* from, uint64_t count, uint8_t* out) {
  for (uint64_t i = 0; i < count; ++i) store<T>(out + i * sizeof(T), load<T>(from + i * sizeof(T)));
}

// Few values at a time: a call of memcpy would cost more than the copy.
void copy_values(const uint8_t* from, uint64_t count, uint32_t width, uint8_t* out) {
  if (count > 16) {
    std::memcpy(out, from, count * width);
  } else if (width == 8) {
    copy_typed<uint64_t>(from, count, out);
  } else if (width == 4) {
    copy_typed<uint32_t>(from, count, out);
  } else if (width == 1) {
    copy_typed<uint8_t>(from, count, out);
  } else {
    std::memcpy(out, from, count * width);
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
  part.ranges.clear();
  part.events = 0;
  return part_count_++;
}

void SliceDecoder::start(std::span<const Slice> slices) {
  slices_ = slices;
  part_count_ = 0;
  events_ = 0;
  alternating_ = false;
  slice_part_.clear();
  size_t at = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    const Slice& slice = slices[i];
    if (part_count_ == 0 || parts_[at].source != slice.source) {
      const size_t before = part_count_;
      at = part_of(slice.source);
      if (part_count_ == before && !alternating_) {
        alternating_ = true;
        for (size_t part = 0; part < part_count_; ++part) {
          slice_part_.insert(slice_part_.end(), parts_[part].ranges.size(), static_cast<uint32_t>(part));
        }
      }
    }
    parts_[at].ranges.push_back(slice.rows);
    parts_[at].events += slice.rows.size();
    events_ += slice.rows.size();
    if (alternating_) slice_part_.push_back(static_cast<uint32_t>(at));
  }
  for (at = 0; at < part_count_; ++at) parts_[at].source->aim(parts_[at].ranges);
}

// decode(part, to) writes the part's values, end to end.
template <typename Decode>
Status SliceDecoder::each_part(uint32_t width, uint8_t* out, Decode decode) {
  if (alternating_) scratch_.resize(events_ * width);
  uint8_t* to = alternating_ ? scratch_.data() : out;
  for (size_t at = 0; at < part_count_; ++at) {
    TSFEAT_TRY(decode(parts_[at], to));
    to += parts_[at].events * width;
  }
  if (alternating_) deal(width, out);
  return {};
}

// From the scratch, where each part's values stand end to end, into the slices' order.
void SliceDecoder::deal(uint32_t width, uint8_t* out) {
  taken_.clear();
  uint64_t begin = 0;
  for (size_t at = 0; at < part_count_; begin += parts_[at++].events) taken_.push_back(begin);
  for (size_t i = 0; i < slices_.size(); ++i) {
    const uint64_t count = slices_[i].rows.size();
    uint64_t& from = taken_[slice_part_[i]];
    copy_values(scratch_.data() + from * width, count, width, out);
    from += count;
    out += count * width;
  }
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
  if (is_varlen(column.type)) {
    TSFEAT_TRY(varlen(column, sink.varlen));
  } else {
    TSFEAT_TRY(each_part(column.width(), sink.fixed, [&](const Part& part, uint8_t* to) -> Status {
      if (part.source->has_column(column.id)) return part.source->aimed_fixed(column, to);
      fill_fixed(column, part.events, to);
      return {};
    }));
  }
  if (sink.validity == nullptr) return {};
  return each_part(1, sink.validity, [&](const Part& part, uint8_t* to) -> Status {
    if (part.source->has_column(column.id)) return part.source->aimed_validity(column, to);
    std::memset(to, default_is_valid(column) ? 1 : 0, part.events);
    return {};
  });
}

Status SliceDecoder::times(int64_t* out) {
  return each_part(sizeof(int64_t), reinterpret_cast<uint8_t*>(out), [](const Part& part, uint8_t* to) {
    return part.source->aimed_times(reinterpret_cast<int64_t*>(to));
  });
}

Status SliceDecoder::versions(uint64_t* out) {
  return each_part(sizeof(uint64_t), reinterpret_cast<uint8_t*>(out), [](const Part& part, uint8_t* to) {
    return part.source->aimed_versions(reinterpret_cast<uint64_t*>(to));
  });
}

}  // namespace tsfeat
