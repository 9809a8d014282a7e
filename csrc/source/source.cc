#include "source/source.h"

namespace tsfeat {

Status Source::aimed_times(int64_t* out) {
  for (const RowRange& rows : aimed_) {
    TSFEAT_TRY(times(rows, out));
    out += rows.size();
  }
  return {};
}

Status Source::aimed_versions(uint64_t* out) {
  for (const RowRange& rows : aimed_) {
    TSFEAT_TRY(versions(rows, out));
    out += rows.size();
  }
  return {};
}

Status Source::aimed_fixed(const Column& column, uint8_t* out) {
  for (const RowRange& rows : aimed_) {
    TSFEAT_TRY(fixed(column, rows, out));
    out += rows.size() * column.width();
  }
  return {};
}

Status Source::aimed_varlen(const Column& column, codec::VarlenBuffer* out) {
  for (const RowRange& rows : aimed_) TSFEAT_TRY(varlen(column, rows, out));
  return {};
}

Status Source::aimed_validity(const Column& column, uint8_t* out) {
  for (const RowRange& rows : aimed_) {
    TSFEAT_TRY(validity(column, rows, out));
    out += rows.size();
  }
  return {};
}

}  // namespace tsfeat
