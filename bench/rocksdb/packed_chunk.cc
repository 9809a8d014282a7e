#include "packed_chunk.h"

#include <algorithm>
#include <bit>

#include "rows.h"

namespace bench {
namespace {

constexpr size_t kHeaderBytes = 4;
constexpr uint8_t kPlain = 255;  // where the bits would be

struct Range {
  uint64_t low = 0;
  uint8_t bits = kPlain;
};

// What does not get smaller by a quarter (random numbers, floats) is not worth unpacking. Nor are single bytes: they
// would save 0.6 bytes an event, and cost 5 to 10 % of a read that looks through the types of many chunks.
Range range_of(const std::vector<uint64_t>& values, uint32_t width) {
  uint64_t low = values[0], high = values[0];
  for (const uint64_t value : values) {  // std::minmax_element is not vectorized
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const auto bits = static_cast<uint32_t>(std::bit_width(high - low));
  if (width == 1 || bits > kMaxBits || bits_bytes(values.size(), bits) + width > values.size() * width * 3 / 4)
    return {};
  return {low, static_cast<uint8_t>(bits)};
}

uint8_t* bytes_of(std::string* bytes) { return reinterpret_cast<uint8_t*>(bytes->data()); }

// A column of up to 8 bytes, out of rows.
template <typename T>
void take_numbers(const uint8_t* from, uint32_t stride, std::vector<uint64_t>* values) {
  for (size_t i = 0; i < values->size(); ++i) (*values)[i] = Field::load<T>(from + i * stride);
}
void take_numbers(const uint8_t* from, uint32_t stride, uint32_t width, std::vector<uint64_t>* values) {
  switch (width) {
    case 1:
      return take_numbers<uint8_t>(from, stride, values);
    case 2:
      return take_numbers<uint16_t>(from, stride, values);
    case 4:
      return take_numbers<uint32_t>(from, stride, values);
    default:
      return take_numbers<uint64_t>(from, stride, values);
  }
}

}  // namespace

PackedChunk::PackedChunk(const std::vector<uint32_t>& widths) {
  fields_.push_back({.stride = RowFormat::kTimeBytes, .width = RowFormat::kTimeBytes});
  for (const uint32_t width : widths) fields_.push_back({.stride = static_cast<ptrdiff_t>(width), .width = width});
  for (const Field& field : fields_) row_bytes_ += field.width;
}

const std::string& PackedChunk::encode(const uint8_t* rows, size_t count) {
  value_.resize(kHeaderBytes);
  body_.clear();
  values_.resize(count);
  const uint8_t* column = rows;
  for (size_t i = 0; i < fields_.size(); column += fields_[i++].width) {
    const uint32_t width = fields_[i].width;
    Range range;
    if (width <= sizeof values_[0]) {
      take_numbers(column, row_bytes_, width, &values_);
      range = range_of(values_, width);
    }
    value_ += static_cast<char>(range.bits);
    const size_t begin = body_.size();
    if (range.bits != kPlain) {
      if (i > 0) value_.append(reinterpret_cast<const char*>(&range.low), width);
      body_.resize(begin + bits_bytes(count, range.bits));
      pack_bits(values_.data(), count, range.low, range.bits, bytes_of(&body_) + begin);
    } else {
      body_.resize(begin + count * width);
      const Field in_rows = {.base = column, .stride = row_bytes_, .width = width};
      in_rows.decode(0, count, width, bytes_of(&body_) + begin);
    }
  }
  const uint16_t header[] = {static_cast<uint16_t>(count), static_cast<uint16_t>(value_.size())};
  static_assert(sizeof header == kHeaderBytes);
  std::memcpy(value_.data(), header, kHeaderBytes);
  value_ += body_;
  value_.append(kBitsEndBytes, '\0');
  return value_;
}

void PackedChunk::view(int64_t first_time, const char* value, Chunk* chunk) {
  const auto* at = reinterpret_cast<const uint8_t*>(value);
  chunk->rows = Field::load<uint16_t>(at);
  const uint8_t* body = at + Field::load<uint16_t>(at + sizeof(uint16_t));
  at += kHeaderBytes;
  for (Field& field : fields_) {
    field.base = body;
    field.bits = *at++;
    field.packed = field.bits != kPlain;
    body += field.packed ? bits_bytes(chunk->rows, field.bits) : chunk->rows * field.width;
    if (!field.packed || &field == fields_.data()) continue;
    // Eight bytes are read, whatever the width: what is above it does not count in a sum.
    field.origin = Field::load<uint64_t>(at);
    at += field.width;
  }
  fields_[0].origin = static_cast<uint64_t>(first_time);
  chunk->time = fields_[0];
  chunk->columns = fields_.data() + 1;
}

}  // namespace bench
