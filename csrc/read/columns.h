// The last step of a read and of a chunk of a scan: arrays of the exact size, filled column by column.
//
// columns: -1 is the time, else the position in the schema.
#pragma once

#include "read/read.h"

namespace tsfeat {

// Arrays for so many events, to be filled.
void allocate_columns(const Schema& schema, std::span<const int> columns, uint64_t events,
                      std::vector<ColumnResult>* out);
// Fills the events of these slices in: they stand end to end from place `first` on, or each slice's from its place on.
// Values of variable width are appended, so who asks for them asks for the slices in order: to `out`, or to `texts`
// (one a column) if there are any. So threads may fill different events of the same arrays at once.
Status decode_columns(const Schema& schema, std::span<const int> columns, std::span<const Slice> slices, uint64_t first,
                      std::span<const uint64_t> places, std::vector<ColumnResult>* out,
                      std::span<codec::VarlenBuffer> texts = {});
// Appends what another thread put into its texts.
void append_texts(std::span<const codec::VarlenBuffer> texts, std::vector<ColumnResult>* out);
// When all is filled in: lets go of the validity of what has no null.
void finish_columns(uint64_t events, std::vector<ColumnResult>* out);

bool has_varlen(const Schema& schema, std::span<const int> columns);

}  // namespace tsfeat
