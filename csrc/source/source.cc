#include "source/source.h"

namespace tsfeat {

Status Source::aimed_times(int64_t* out) {
  for (const Aim& aim : aimed_) TSFEAT_TRY(times(aim.rows, out + aim.at));
  return {};
}

Status Source::aimed_versions(uint64_t* out) {
  for (const Aim& aim : aimed_) TSFEAT_TRY(versions(aim.rows, out + aim.at));
  return {};
}

Status Source::aimed_fixed(const Column& column, uint8_t* out) {
  const size_t width = column.width();
  for (const Aim& aim : aimed_) TSFEAT_TRY(fixed(column, aim.rows, out + aim.at * width));
  return {};
}

Status Source::aimed_varlen(const Column& column, codec::VarlenBuffer* out) {
  for (const Aim& aim : aimed_) TSFEAT_TRY(varlen(column, aim.rows, out));
  return {};
}

Status Source::aimed_validity(const Column& column, uint8_t* out) {
  for (const Aim& aim : aimed_) TSFEAT_TRY(validity(column, aim.rows, out + aim.at));
  return {};
}

}  // namespace tsfeat
