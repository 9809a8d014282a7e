#include "run/layout.h"

#include <algorithm>

namespace tsfeat::run {
namespace {

constexpr uint32_t kMaxColumns = 65'000;
constexpr uint32_t kMaxDimension = 65'535;

bool is_type(uint8_t type) { return type >= 1 && type <= static_cast<uint8_t>(Type::kVectorFloat64); }
bool is_key_type(uint8_t type) { return type >= 1 && type <= static_cast<uint8_t>(KeyType::kBinary); }

uint64_t load_value(const uint8_t* from, uint32_t width) {
  uint64_t value = 0;
  std::memcpy(&value, from, width);
  return value;
}

}  // namespace

Layout Layout::of(const Schema& schema) {
  Layout layout;
  layout.key_type_ = schema.key_type;
  for (const Column& from : schema.columns) {
    RunColumn& column = layout.columns_.emplace_back();
    column.id = from.id;
    column.type = from.type;
    column.dimension = from.dimension;
    column.nullable = from.nullable;
  }
  layout.place();
  return layout;
}

void Layout::place() {
  forms_ = {ChunkForm{8, 0, false}, ChunkForm{8, 0, false}};
  by_id_.clear();
  for (uint32_t i = 0; i < columns_.size(); ++i) {
    RunColumn& column = columns_[i];
    column.width = element_bytes(column.type) * column.dimension;
    column.chunk = chunks();
    forms_.push_back({column.width, i, false});
    if (column.nullable) {
      column.validity_chunk = chunks();
      forms_.push_back({1, i, true});
    }
    by_id_.push_back(i);
  }
  header_bytes_ = chunks() * kChunkEntryBytes;
  for (RunColumn& column : columns_) {
    if (!is_bounded(column.type)) continue;
    column.bounds_offset = header_bytes_;
    header_bytes_ += 1 + 2 * column.width;
  }
  std::sort(by_id_.begin(), by_id_.end(), [this](uint32_t a, uint32_t b) { return columns_[a].id < columns_[b].id; });
}

void Layout::encode(std::string* out) const {
  ByteWriter writer(out);
  writer.fixed(static_cast<uint8_t>(key_type_));
  writer.fixed(static_cast<uint32_t>(columns_.size()));
  for (const RunColumn& column : columns_) {
    writer.fixed(column.id);
    writer.fixed(static_cast<uint8_t>(column.type));
    writer.fixed(static_cast<uint8_t>(column.nullable));
    writer.fixed(column.dimension);
  }
}

Result<Layout> Layout::decode(ByteReader& in) {
  Layout layout;
  const auto key_type = in.fixed<uint8_t>();
  const auto count = in.fixed<uint32_t>();
  if (!in.ok() || !is_key_type(key_type)) return Status::corruption("the index names no known key type");
  if (count > kMaxColumns || count > in.remaining()) return Status::corruption("the index has too many columns");
  layout.key_type_ = static_cast<KeyType>(key_type);
  for (uint32_t i = 0; i < count; ++i) {
    RunColumn& column = layout.columns_.emplace_back();
    column.id = in.fixed<uint32_t>();
    const auto type = in.fixed<uint8_t>();
    const auto nullable = in.fixed<uint8_t>();
    column.dimension = in.fixed<uint32_t>();
    if (!in.ok() || !is_type(type) || nullable > 1) return Status::corruption("the index describes an unknown column");
    column.type = static_cast<Type>(type);
    column.nullable = nullable != 0;
    if (column.dimension == 0 || column.dimension > (is_vector(column.type) ? kMaxDimension : 1)) {
      return Status::corruption("the index has a column of an impossible dimension");
    }
  }
  layout.place();
  const auto same_id = [&layout](uint32_t a, uint32_t b) { return layout.columns_[a].id == layout.columns_[b].id; };
  if (std::adjacent_find(layout.by_id_.begin(), layout.by_id_.end(), same_id) != layout.by_id_.end()) {
    return Status::corruption("the index has a column twice");
  }
  return layout;
}

std::optional<uint32_t> Layout::find(uint32_t column_id) const {
  const auto at = std::lower_bound(by_id_.begin(), by_id_.end(), column_id,
                                   [this](uint32_t position, uint32_t id) { return columns_[position].id < id; });
  if (at == by_id_.end() || columns_[*at].id != column_id) return std::nullopt;
  return *at;
}

std::string Layout::chunk_name(uint32_t chunk) const {
  if (chunk == kTimesChunk) return "the times";
  if (chunk == kVersionsChunk) return "the versions";
  const ChunkForm& form = forms_[chunk];
  return (form.validity ? "the validity of column " : "the values of column ") +
         std::to_string(columns_[form.column].id);
}

ColumnBounds Layout::bounds(const uint8_t* header, const RunColumn& column) const {
  const uint8_t* at = header + column.bounds_offset;
  return {at[0], load_value(at + 1, column.width), load_value(at + 1 + column.width, column.width)};
}

Status Layout::check_header(const uint8_t* header, uint32_t page_bytes) const {
  uint32_t end = header_bytes_;
  for (uint32_t chunk = 0; chunk < chunks(); ++chunk) {
    const uint32_t begin = end;
    end = chunk_end(header, chunk);
    if (end < begin || end > page_bytes) return Status::corruption("its chunks overlap or leave the page");
    if (end != begin) continue;
    if (!forms_[chunk].validity) return Status::corruption(chunk_name(chunk) + " are missing");
    if (chunk_crc(header, chunk) != 0) return Status::corruption("an empty chunk has a checksum");
  }
  if (end != page_bytes) return Status::corruption("bytes follow its last chunk");
  for (const RunColumn& column : columns_) {
    if (column.bounds_offset == 0) continue;
    const ColumnBounds stored = bounds(header, column);
    if (!is_sane(column.type, stored)) return Status::corruption("its bounds are not in order");
    const bool has_null =
        column.nullable && chunk_begin(header, column.validity_chunk) != chunk_end(header, column.validity_chunk);
    if (has_null != ((stored.flags & kHasNull) != 0)) return Status::corruption("its bounds disagree about nulls");
  }
  return {};
}

}  // namespace tsfeat::run
