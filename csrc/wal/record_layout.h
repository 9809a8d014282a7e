// How a batch lies in a log record (docs/format.md, "Log records"); shared by its writer and its reader.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wal/narrow.h"

namespace tsfeat::record_layout {

// What is read in place lies at a multiple of 8 bytes from the record's start.
inline constexpr size_t kAlign = 8;
inline size_t padding(size_t size) { return (kAlign - size % kAlign) % kAlign; }

enum Form : uint8_t { kFixedForm = 0, kVarlenForm = 1, kValidityFlag = 2, kNarrowFlag = 4 };

// How a column's values lie in the body.
struct Described {
  uint32_t id = 0;
  uint8_t form = 0;
  uint64_t size = 0;  // bytes in all of a varlen column; width of a fixed one
  Narrow narrow;      // of a narrow column's values, or of a varlen column's ends

  bool varlen() const { return (form & kVarlenForm) != 0; }
  bool is_narrow() const { return (form & kNarrowFlag) != 0; }
  bool has_validity() const { return (form & kValidityFlag) != 0; }
};

}  // namespace tsfeat::record_layout
