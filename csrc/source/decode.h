// From slices to arrays: the one way in which read, scan, flush and compaction turn rows into values.
#pragma once

#include <cstdint>
#include <span>

#include "source/source.h"

namespace tsfeat {

// Where a column goes: `fixed` has room for the slices' events (width bytes each), or `varlen` is appended to;
// validity (1 = present, one byte an event) is written if it is not null.
struct ColumnSink {
  uint8_t* fixed = nullptr;
  codec::VarlenBuffer* varlen = nullptr;
  uint8_t* validity = nullptr;
};

// Decodes one column of the slices, in order. Events of a source that lacks the column get its default (or null).
Status decode_column(const Column& column, std::span<const Slice> slices, const ColumnSink& sink);
Status decode_times(std::span<const Slice> slices, int64_t* out);
Status decode_versions(std::span<const Slice> slices, uint64_t* out);

}  // namespace tsfeat
