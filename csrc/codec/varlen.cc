#include "codec/varlen.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "codec/encoding.h"
#include "codec/varlen_layout.h"
#include "codec/zstd.h"

namespace tsfeat::codec {

namespace {

Status damaged_varlen(const char* what) {
  return Status::corruption(std::string("a chunk of strings is damaged: ") + what);
}

constexpr uint32_t kStepValues = 256;  // offsets are decoded this many at a time, on the stack

// Which value stands for each: its first equal. Open addressing over hashes of the bytes.
struct Distinct {
  std::vector<uint16_t> codes;
  std::vector<uint32_t> firsts;  // row of each distinct value, in order of appearance
  size_t bytes = 0;              // of the distinct values
};

std::string_view value_of(const int64_t* offsets, const uint8_t* data, uint32_t row) {
  const auto start = static_cast<size_t>(offsets[row]);
  const auto size = static_cast<size_t>(offsets[row + 1]) - start;
  return size == 0 ? std::string_view() : std::string_view(reinterpret_cast<const char*>(data) + start, size);
}

// False as soon as more than half of the bytes, or of the values, turn out to be distinct.
bool find_distinct(const int64_t* offsets, const uint8_t* data, uint32_t count, Distinct* found) {
  constexpr uint16_t kEmpty = 0xffff;
  std::vector<uint16_t> slots(std::bit_ceil(size_t{count} * 2 + 2), kEmpty);
  const auto total = static_cast<size_t>(offsets[count] - offsets[0]);
  found->codes.resize(count);
  for (uint32_t row = 0; row < count; ++row) {
    const std::string_view value = value_of(offsets, data, row);
    size_t slot = std::hash<std::string_view>()(value) & (slots.size() - 1);
    while (slots[slot] != kEmpty && value_of(offsets, data, found->firsts[slots[slot]]) != value) {
      slot = (slot + 1) & (slots.size() - 1);
    }
    if (slots[slot] == kEmpty) {
      slots[slot] = static_cast<uint16_t>(found->firsts.size());
      found->firsts.push_back(row);
      found->bytes += value.size();
      if (found->bytes + found->firsts.size() > (total + count) / 2 + 16) return false;
    }
    found->codes[row] = slots[slot];
  }
  return true;
}

// The ends, relative to the first value's start, ascend: they are coded as deltas and can still be entered anywhere.
void write_plain(const int64_t* offsets, const uint8_t* data, uint32_t count, std::string* out) {
  std::vector<uint32_t> ends(count);
  for (uint32_t i = 0; i < count; ++i) ends[i] = static_cast<uint32_t>(offsets[i + 1] - offsets[0]);
  std::string chunk;
  encode_fixed(reinterpret_cast<const uint8_t*>(ends.data()), count, sizeof(uint32_t), Kind::kUnsigned, Effort::kFast,
               &chunk);
  ByteWriter writer(out);
  writer.fixed(static_cast<uint8_t>(VarlenEncoding::kPlain));
  writer.fixed(static_cast<uint32_t>(chunk.size()));
  out->append(chunk);
  if (count != 0) writer.bytes({data + offsets[0], static_cast<size_t>(offsets[count] - offsets[0])});
}

void write_dictionary(const int64_t* offsets, const uint8_t* data, const Distinct& found, std::string* out) {
  std::string values;
  std::vector<int64_t> ends{0};
  for (const uint32_t row : found.firsts) {
    values += value_of(offsets, data, row);
    ends.push_back(static_cast<int64_t>(values.size()));
  }
  std::string codes;
  const auto count = static_cast<uint32_t>(found.codes.size());
  encode_fixed(reinterpret_cast<const uint8_t*>(found.codes.data()), count, sizeof(uint16_t), Kind::kUnsigned,
               Effort::kFast, &codes);
  ByteWriter writer(out);
  writer.fixed(static_cast<uint8_t>(VarlenEncoding::kDictionary));
  writer.fixed(static_cast<uint16_t>(found.firsts.size()));
  writer.fixed(static_cast<uint32_t>(codes.size()));
  out->append(codes);
  write_plain(ends.data(), reinterpret_cast<const uint8_t*>(values.data()), static_cast<uint32_t>(found.firsts.size()),
              out);
}

// Ends must ascend and stay within the bytes.
Status check_plain(const PlainStrings& plain, uint32_t count) {
  TSFEAT_TRY(check_fixed(plain.ends, count, sizeof(uint32_t)));
  uint32_t before = 0;
  uint32_t ends[kStepValues];
  for (uint32_t begin = 0; begin < count; begin += kStepValues) {
    const uint32_t stop = std::min(count, begin + kStepValues);
    decode_fixed(plain.ends, count, sizeof(uint32_t), begin, stop, reinterpret_cast<uint8_t*>(ends));
    for (uint32_t i = 0; i < stop - begin; ++i) {
      if (ends[i] < before) return damaged_varlen("its values overlap");
      before = ends[i];
    }
  }
  return before == plain.data.size() ? Status() : damaged_varlen("its bytes do not add up");
}

void decode_plain(const PlainStrings& plain, uint32_t count, uint32_t begin, uint32_t end, VarlenBuffer* out) {
  uint32_t start = 0;
  if (begin != 0) decode_fixed(plain.ends, count, sizeof start, begin - 1, begin, reinterpret_cast<uint8_t*>(&start));
  const int64_t shift = static_cast<int64_t>(out->data.size()) - start;
  uint32_t ends[kStepValues];
  uint32_t last = start;
  while (begin < end) {
    const uint32_t stop = std::min(end, begin + kStepValues);
    decode_fixed(plain.ends, count, sizeof(uint32_t), begin, stop, reinterpret_cast<uint8_t*>(ends));
    for (uint32_t i = 0; i < stop - begin; ++i) out->offsets.push_back(shift + ends[i]);
    last = ends[stop - begin - 1];
    begin = stop;
  }
  out->data.append(reinterpret_cast<const char*>(plain.data.data()) + start, last - start);
}

void decode_dictionary(const DictionaryStrings& dictionary, uint32_t count, uint32_t begin, uint32_t end,
                       VarlenBuffer* out) {
  std::vector<uint32_t> ends(dictionary.distinct + size_t{1}, 0);
  decode_fixed(dictionary.values.ends, dictionary.distinct, sizeof(uint32_t), 0, dictionary.distinct,
               reinterpret_cast<uint8_t*>(ends.data() + 1));
  uint16_t codes[kStepValues];
  while (begin < end) {
    const uint32_t stop = std::min(end, begin + kStepValues);
    decode_fixed(dictionary.codes, count, sizeof(uint16_t), begin, stop, reinterpret_cast<uint8_t*>(codes));
    for (uint32_t i = 0; i < stop - begin; ++i) {
      const uint32_t start = ends[codes[i]];
      out->data.append(reinterpret_cast<const char*>(dictionary.values.data.data()) + start,
                       ends[codes[i] + size_t{1}] - start);
      out->offsets.push_back(static_cast<int64_t>(out->data.size()));
    }
    begin = stop;
  }
}

Status check_dictionary(const DictionaryStrings& dictionary, uint32_t count) {
  TSFEAT_TRY(check_fixed(dictionary.codes, count, sizeof(uint16_t)));
  uint16_t codes[kStepValues];
  for (uint32_t begin = 0; begin < count; begin += kStepValues) {
    const uint32_t stop = std::min(count, begin + kStepValues);
    decode_fixed(dictionary.codes, count, sizeof(uint16_t), begin, stop, reinterpret_cast<uint8_t*>(codes));
    for (uint32_t i = 0; i < stop - begin; ++i) {
      if (codes[i] >= dictionary.distinct) return damaged_varlen("a code is out of range");
    }
  }
  return check_plain(dictionary.values, dictionary.distinct);
}

}  // namespace

void encode_varlen(const int64_t* offsets, const uint8_t* data, uint32_t count, Effort effort, std::string* out,
                   ColumnHistory* history) {
  const size_t start = out->size();
  Distinct found;
  if (count > 1 && find_distinct(offsets, data, count, &found)) {
    write_dictionary(offsets, data, found, out);
  } else {
    write_plain(offsets, data, count, out);
  }
  const size_t plain_size = out->size() - start;
  if (effort != Effort::kSmall || plain_size < 64 || (history != nullptr && !history->frame.due())) return;
  std::string frame;
  zstd_compress(as_bytes(std::string_view(*out).substr(start)), &frame);
  const bool pays = frame.size() + 6 <= plain_size - plain_size / 8;
  if (history != nullptr) history->frame.note(pays);
  if (!pays) return;
  out->resize(start);
  out->push_back(static_cast<char>(VarlenEncoding::kZstd));
  ByteWriter(out).varint(plain_size);
  out->append(frame);
}

Result<std::string> inflate_varlen(Bytes chunk, uint32_t count) {
  if (chunk.empty()) return damaged_varlen("it is empty");
  if (chunk[0] != static_cast<uint8_t>(VarlenEncoding::kZstd)) return std::string();
  ByteReader reader(chunk.subspan(1));
  const uint64_t size = reader.varint();
  const Bytes frame = reader.bytes(reader.remaining());
  // zstd's blocks hold 128 KiB in no fewer than 4 bytes: a larger claim is not worth an allocation.
  const uint64_t most = (uint64_t{frame.size()} << 15) + uint64_t{count};
  if (!reader.ok() || size == 0 || size > most || size > UINT32_MAX) return damaged_varlen("its plain size is wrong");
  TSFEAT_ASSIGN(std::string plain, zstd_decompress(frame, static_cast<size_t>(size)));
  if (plain[0] == static_cast<char>(VarlenEncoding::kZstd))
    return damaged_varlen("a compressed chunk in a compressed chunk");
  return plain;
}

Status check_varlen(Bytes chunk, uint32_t count) {
  if (chunk.empty()) return damaged_varlen("it is empty");
  if (count > kMaxChunkValues) return damaged_varlen("it declares impossible values");
  if (chunk[0] == static_cast<uint8_t>(VarlenEncoding::kPlain)) {
    PlainStrings plain;
    return plain.open(chunk) ? check_plain(plain, count) : damaged_varlen("its head is cut off");
  }
  if (chunk[0] == static_cast<uint8_t>(VarlenEncoding::kDictionary)) {
    DictionaryStrings dictionary;
    return dictionary.open(chunk) ? check_dictionary(dictionary, count) : damaged_varlen("its head is cut off");
  }
  return damaged_varlen("its encoding is unknown");
}

void decode_varlen(Bytes chunk, uint32_t count, uint32_t begin, uint32_t end, VarlenBuffer* out) {
  if (begin >= end) return;
  if (chunk[0] == static_cast<uint8_t>(VarlenEncoding::kPlain)) {
    PlainStrings plain;
    if (plain.open(chunk)) decode_plain(plain, count, begin, end, out);
  } else {
    DictionaryStrings dictionary;
    if (dictionary.open(chunk)) decode_dictionary(dictionary, count, begin, end, out);
  }
}

}  // namespace tsfeat::codec
