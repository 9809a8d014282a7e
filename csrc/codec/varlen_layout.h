// The parts of a plain chunk of strings.
//   plain:      0 u8 | bytes u32 | ends: a fixed chunk of u32, so many bytes | the values' bytes, end to end
//   dictionary: 1 u8 | distinct u16 | bytes u32 | codes: a fixed chunk of u16 | a plain chunk of the distinct values
//   zstd:       2 u8 | plain size varint | frame of one of the above
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace tsfeat::codec {

enum class VarlenEncoding : uint8_t { kPlain = 0, kDictionary = 1, kZstd = 2 };

struct PlainStrings {
  Bytes ends;
  Bytes data;
  bool open(Bytes chunk) {
    ByteReader reader(chunk);
    const auto encoding = static_cast<VarlenEncoding>(reader.fixed<uint8_t>());
    ends = reader.bytes(reader.fixed<uint32_t>());
    data = reader.bytes(reader.remaining());
    return reader.ok() && encoding == VarlenEncoding::kPlain;
  }
};

struct DictionaryStrings {
  uint32_t distinct = 0;
  Bytes codes;
  PlainStrings values;
  bool open(Bytes chunk) {
    ByteReader reader(chunk.subspan(1));
    distinct = reader.fixed<uint16_t>();
    codes = reader.bytes(reader.fixed<uint32_t>());
    return values.open(reader.bytes(reader.remaining())) && reader.ok();
  }
};

}  // namespace tsfeat::codec
