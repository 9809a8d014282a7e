#include "memtable/row_layout.h"

#include <cstring>

namespace tsfeat {
namespace {

constexpr uint32_t kVarlenFieldBytes = 12;

template <typename T>
void write_column(const uint8_t* values, size_t count, size_t offset, uint8_t* const* targets) {
  for (size_t i = 0; i < count; ++i) store<T>(targets[i] + offset, load<T>(values + i * sizeof(T)));
}

void write_fixed(const uint8_t* values, uint32_t width, size_t count, size_t offset, uint8_t* const* targets) {
  switch (width) {
    case 1:
      return write_column<uint8_t>(values, count, offset, targets);
    case 2:
      return write_column<uint16_t>(values, count, offset, targets);
    case 4:
      return write_column<uint32_t>(values, count, offset, targets);
    case 8:
      return write_column<uint64_t>(values, count, offset, targets);
    default:
      for (size_t i = 0; i < count; ++i) std::memcpy(targets[i] + offset, values + i * width, width);
  }
}

void write_varlen(const ColumnView& column, uint64_t first, size_t count, size_t offset, uint8_t* const* targets,
                  Arena* arena) {
  for (size_t i = 0; i < count; ++i) {
    const Bytes value = column.varlen(first + i);
    uint8_t* copy = nullptr;
    if (!value.empty()) {
      copy = arena->allocate(value.size(), 1);
      std::memcpy(copy, value.data(), value.size());
    }
    store<const uint8_t*>(targets[i] + offset, copy);
    store<uint32_t>(targets[i] + offset + 8, static_cast<uint32_t>(value.size()));
  }
}

}  // namespace

RowLayout::RowLayout(const Schema& schema) {
  uint32_t offset = 16;
  for (const Column& column : schema.columns) {
    fields.push_back({column.width(), offset});
    offset += is_varlen(column.type) ? kVarlenFieldBytes : column.width();
  }
  nulls_offset = offset;
  const bool nullable =
      std::any_of(schema.columns.begin(), schema.columns.end(), [](const Column& c) { return c.nullable; });
  stride = offset + (nullable ? (fields.size() + 7) / 8 : 0);
}

// A column at a time: the loops have no branches, and the few rows written together stay in the first-level cache.
void RowLayout::write(const Batch& batch, uint64_t first, size_t count, uint64_t version, uint8_t* const* targets,
                      Arena* arena) const {
  write_column<int64_t>(reinterpret_cast<const uint8_t*>(batch.times + first), count, 0, targets);
  for (size_t i = 0; i < count; ++i) store<uint64_t>(targets[i] + kVersionOffset, version);
  if (const size_t null_bytes = stride - nulls_offset; null_bytes > 0) {
    for (size_t i = 0; i < count; ++i) std::memset(targets[i] + nulls_offset, 0, null_bytes);
  }
  for (size_t at = 0; at < fields.size(); ++at) {
    const ColumnView& column = batch.columns[at];
    const Field& field = fields[at];
    if (field.width == 0) {
      write_varlen(column, first, count, field.offset, targets, arena);
    } else {
      write_fixed(column.fixed + first * field.width, field.width, count, field.offset, targets);
    }
    if (column.validity == nullptr) continue;
    for (size_t i = 0; i < count; ++i) {
      const unsigned null = column.validity[first + i] == 0 ? 1U : 0U;
      uint8_t& bits = targets[i][nulls_offset + at / 8];
      bits = static_cast<uint8_t>(bits | null << (at % 8));
    }
  }
}

}  // namespace tsfeat
