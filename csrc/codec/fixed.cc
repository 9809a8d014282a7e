#include "codec/fixed.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "codec/blocks.h"
#include "codec/decimal.h"
#include "codec/dictionary.h"
#include "codec/encoding.h"
#include "codec/fixed_encode.h"
#include "codec/runs.h"
#include "codec/steps.h"
#include "codec/zstd.h"

namespace tsfeat::codec {

namespace {

constexpr uint64_t kMostPlainBytes = uint64_t{16} << 20;

constexpr bool is_lane(uint32_t width) { return width == 1 || width == 2 || width == 4 || width == 8; }

Status damaged_fixed(const char* what) { return Status::corruption(std::string("a chunk is damaged: ") + what); }

// Calls visit with a value of the lane type of `width` (which is_lane).
template <typename Visit>
auto with_lane(uint32_t width, Visit visit) {
  switch (width) {
    case 1:
      return visit(uint8_t{});
    case 2:
      return visit(uint16_t{});
    case 4:
      return visit(uint32_t{});
    default:
      return visit(uint64_t{});
  }
}

// Vectors and other wide values: no structure is looked for.
void encode_wide(const uint8_t* values, size_t size, Effort effort, ColumnHistory& history, std::string* out) {
  const Bytes plain(values, size);
  if (effort == Effort::kSmall && size >= 64 && history.frame.due()) {
    std::string chunk(1, static_cast<char>(Encoding::kRaw));
    ByteWriter(&chunk).bytes(plain);
    std::string frame;
    zstd_compress(as_bytes(chunk), &frame);
    const bool pays = frame.size() + 4 <= size - size / 8;
    history.frame.note(pays);
    if (pays) {
      out->push_back(static_cast<char>(Encoding::kZstd));
      ByteWriter(out).varint(chunk.size());
      out->append(frame);
      return;
    }
  }
  out->push_back(static_cast<char>(Encoding::kRaw));
  ByteWriter(out).bytes(plain);
}

template <typename T>
Status check_lane(Encoding encoding, Bytes body, uint32_t count, uint32_t hot_size) {
  switch (encoding) {
    case Encoding::kConstant:
      return body.size() == sizeof(T) ? Status() : damaged_fixed("a constant of the wrong size");
    case Encoding::kBlocks:
    case Encoding::kSignLast:
      return check_blocks<T>(body, count);
    case Encoding::kSteps:
      return check_steps<T>(body, count);
    case Encoding::kDictionary:
      return check_dictionary<T>(body, count);
    case Encoding::kRuns:
      return check_runs<T>(body, count);
    case Encoding::kDecimal:
      if constexpr (sizeof(T) >= 4) return check_decimal<T>(body, count);
      return damaged_fixed("decimals of this width do not exist");
    case Encoding::kHot:
      if constexpr (sizeof(T) >= 4) return check_hot<T>(body, count, hot_size);
      return damaged_fixed("hot values of this width do not exist");
    default:
      return damaged_fixed("its encoding is unknown");
  }
}

template <typename T>
void decode_constant(Bytes body, uint32_t number, uint8_t* out) {
  const T value = load<T>(body.data());
  for (uint32_t i = 0; i < number; ++i) store<T>(out + i * sizeof(T), value);
}

template <typename T>
void decode_sign_last(Bytes body, uint32_t count, uint32_t begin, uint32_t end, uint8_t* out) {
  decode_blocks<T>(body, count, begin, end, out);
  for (uint32_t i = begin; i < end; ++i, out += sizeof(T)) store<T>(out, std::rotr(load<T>(out), 1));
}

template <typename T>
void decode_lane(Encoding encoding, Bytes body, uint32_t count, const HotValues& hot, uint32_t begin, uint32_t end,
                 uint8_t* out) {
  switch (encoding) {
    case Encoding::kBlocks:
      return decode_blocks<T>(body, count, begin, end, out);
    case Encoding::kDictionary:
      return decode_dictionary<T>(body, count, begin, end, out);
    case Encoding::kHot:
      if constexpr (sizeof(T) >= 4) decode_hot<T>(body, count, hot, begin, end, out);
      return;
    case Encoding::kConstant:
      return decode_constant<T>(body, end - begin, out);
    case Encoding::kSteps:
      return decode_steps<T>(body, count, begin, end, out);
    case Encoding::kRuns:
      return decode_runs<T>(body, begin, end, out);
    case Encoding::kSignLast:
      return decode_sign_last<T>(body, count, begin, end, out);
    default:  // kDecimal: check_fixed let no other pass
      if constexpr (sizeof(T) >= 4) decode_decimal<T>(body, count, begin, end, out);
  }
}

// Rows of an encoding that finds each of them by itself, in pieces of neighbours.
template <typename T>
void pick_pieces(Encoding encoding, Bytes body, uint32_t count, const HotValues& hot, std::span<const uint32_t> rows,
                 uint8_t* out) {
  while (!rows.empty()) {
    size_t here = 1;
    while (here < rows.size() && rows[here] == rows[here - 1] + 1) ++here;
    decode_lane<T>(encoding, body, count, hot, rows.front(), rows.front() + static_cast<uint32_t>(here), out);
    rows = rows.subspan(here);
    out += here * sizeof(T);
  }
}

template <typename T>
void pick_lane(Encoding encoding, Bytes body, uint32_t count, const HotValues& hot, std::span<const uint32_t> rows,
               uint8_t* out) {
  switch (encoding) {
    case Encoding::kBlocks:
      return pick_blocks<T>(body, count, rows, out);
    case Encoding::kDictionary:
      return pick_dictionary<T>(body, count, rows, out);
    case Encoding::kHot:
      if constexpr (sizeof(T) >= 4) pick_hot<T>(body, count, hot, rows, out);
      return;
    case Encoding::kConstant:
      return decode_constant<T>(body, static_cast<uint32_t>(rows.size()), out);
    default:
      return pick_pieces<T>(encoding, body, count, hot, rows, out);
  }
}

}  // namespace

void encode_fixed(const uint8_t* values, uint32_t count, uint32_t width, Kind kind, Effort effort, std::string* out,
                  ColumnHistory* history) {
  ColumnHistory none;
  if (history == nullptr) history = &none;
  if (!is_lane(width)) return encode_wide(values, size_t{count} * width, effort, *history, out);
  with_lane(width, [&](auto lane) {
    using T = decltype(lane);
    std::vector<T> aligned(count);  // the caller's bytes may stand anywhere
    if (count != 0) std::memcpy(aligned.data(), values, size_t{count} * sizeof(T));
    encode_lane<T>(aligned.data(), count, kind, effort, *history, out);
  });
}

Result<std::string> inflate_fixed(Bytes chunk, uint32_t count, uint32_t width) {
  if (chunk.empty()) return damaged_fixed("it is empty");
  if (chunk[0] == static_cast<uint8_t>(Encoding::kZstd)) {
    ByteReader reader(chunk.subspan(kEncodingBytes));
    const uint64_t size = reader.varint();
    // No plain chunk is larger than its values and a table, and writers keep pages small (run/page_encoder.h): a larger
    // claim is not worth an allocation.
    if (!reader.ok() || size == 0 || size > std::min(2 * uint64_t{count} * width + 256, kMostPlainBytes))
      return damaged_fixed("its plain size is wrong");
    TSFEAT_ASSIGN(std::string plain, zstd_decompress(reader.bytes(reader.remaining()), static_cast<size_t>(size)));
    if (plain[0] == static_cast<char>(Encoding::kZstd))
      return damaged_fixed("a compressed chunk in a compressed chunk");
    TSFEAT_ASSIGN(std::string plainer, inflate_fixed(as_bytes(plain), count, width));
    return plainer.empty() ? std::move(plain) : std::move(plainer);
  }
  if (chunk[0] == static_cast<uint8_t>(Encoding::kPackedDictionary)) {
    if (!is_lane(width)) return damaged_fixed("a dictionary of this width does not exist");
    TSFEAT_ASSIGN(std::string body, with_lane(width, [&](auto lane) {
                    return unpack_dictionary<decltype(lane)>(chunk.subspan(kEncodingBytes));
                  }));
    return std::string(1, static_cast<char>(Encoding::kDictionary)) + body;
  }
  return std::string();
}

Status check_fixed(Bytes chunk, uint32_t count, uint32_t width, uint32_t hot_size) {
  if (chunk.empty()) return damaged_fixed("it is empty");
  if (count > kMaxChunkValues || width == 0) return damaged_fixed("it declares impossible values");
  const auto encoding = static_cast<Encoding>(chunk[0]);
  const Bytes body = chunk.subspan(kEncodingBytes);
  if (encoding == Encoding::kRaw) {
    return body.size() == uint64_t{count} * width ? Status() : damaged_fixed("raw values of the wrong size");
  }
  if (!is_lane(width)) return damaged_fixed("wide values must be raw");
  return with_lane(width, [&](auto lane) { return check_lane<decltype(lane)>(encoding, body, count, hot_size); });
}

void decode_fixed(Bytes chunk, uint32_t count, uint32_t width, uint32_t begin, uint32_t end, uint8_t* out,
                  const HotValues& hot) {
  if (begin >= end) return;
  const auto encoding = static_cast<Encoding>(chunk[0]);
  const Bytes body = chunk.subspan(kEncodingBytes);
  if (encoding == Encoding::kRaw) {
    std::memcpy(out, body.data() + size_t{begin} * width, size_t{end - begin} * width);
    return;
  }
  with_lane(width, [&](auto lane) { decode_lane<decltype(lane)>(encoding, body, count, hot, begin, end, out); });
}

Places narrow_fixed(Bytes chunk, uint32_t count, Places within, int64_t least) {
  if (static_cast<Encoding>(chunk[0]) != Encoding::kBlocks) return within;
  return narrow_blocks(chunk.subspan(kEncodingBytes), count, within, least);
}

void pick_fixed(Bytes chunk, uint32_t count, uint32_t width, std::span<const uint32_t> rows, uint8_t* out,
                const HotValues& hot) {
  const auto encoding = static_cast<Encoding>(chunk[0]);
  const Bytes body = chunk.subspan(kEncodingBytes);
  if (encoding == Encoding::kRaw) {
    for (size_t i = 0; i < rows.size(); ++i) std::memcpy(out + i * width, body.data() + size_t{rows[i]} * width, width);
    return;
  }
  with_lane(width, [&](auto lane) { pick_lane<decltype(lane)>(encoding, body, count, hot, rows, out); });
}

}  // namespace tsfeat::codec
