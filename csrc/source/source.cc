#include "source/source.h"

namespace tsfeat {

BlockBounds BlockBounds::of_times(RowRange rows, int64_t min, int64_t max) {
  const auto bits = [](int64_t time) { return order_bits(Type::kInt64, reinterpret_cast<const uint8_t*>(&time)); };
  return {rows, true, false, false, bits(min), bits(max)};
}

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
