#include "engine/input.h"

#include <algorithm>
#include <cstring>

#include "schema/utf8.h"

namespace tsfeat {
namespace {

constexpr uint64_t kMaxKeyBytes = 65'535;
constexpr int64_t kMaxValueBytes = int64_t{1} << 30;

std::string_view text_at(const ColumnView& view, uint64_t index) {
  const Bytes bytes = view.varlen(index);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Status PreparedBatch::prepare(const AppendRequest& request) {
  rows_ = request.rows;
  const Schema& schema = *state_.schema;
  if (request.columns.size() != schema.columns.size()) {
    return Status::schema("table '" + table_name_ + "' changed its columns during the append; try again");
  }
  batch_.rows = rows_;
  batch_.key_type = schema.key_type;
  TSFEAT_TRY(prepare_keys(request));
  TSFEAT_TRY(prepare_times(request));
  batch_.columns.resize(schema.columns.size());
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    TSFEAT_TRY(prepare_column(schema.columns[i], request.columns[i], &batch_.columns[i]));
  }
  return {};
}

Status PreparedBatch::refuse(const std::string& column, uint64_t row, const std::string& what) const {
  return Status::schema(where(column) + ", row " + std::to_string(first_row_ + row) + ": " + what);
}

uint8_t* PreparedBatch::keep(size_t bytes) {
  kept_.push_back(std::make_unique<uint8_t[]>(std::max<size_t>(bytes, 1)));
  return kept_.back().get();
}

Status PreparedBatch::check_offsets(const InputColumn& input, uint64_t values, const std::string& column) const {
  const int64_t* offsets = input.view.offsets;
  if (offsets[0] < 0 || static_cast<uint64_t>(offsets[values]) > input.data_bytes) {
    return Status::schema(where(column) + ": its offsets point outside its data");
  }
  for (uint64_t i = 0; i < values; ++i) {
    if (offsets[i + 1] < offsets[i]) return refuse(column, i, "its offsets descend");
    if (offsets[i + 1] - offsets[i] > kMaxValueBytes) return refuse(column, i, "the value is longer than 1 GiB");
  }
  return {};
}

Status PreparedBatch::prepare_keys(const AppendRequest& request) {
  const Schema& schema = *state_.schema;
  batch_.keys = request.keys.view;
  if (!is_varlen(schema.key_type)) return {};
  TSFEAT_TRY(check_offsets(request.keys, rows_, schema.key_name));
  for (uint64_t row = 0; row < rows_; ++row) {
    const std::string_view key = text_at(batch_.keys, row);
    if (key.size() > kMaxKeyBytes) return refuse(schema.key_name, row, "a key has at most 65535 bytes");
    if (schema.key_type == KeyType::kString && !is_utf8(key))
      return refuse(schema.key_name, row, "the key is not valid UTF-8");
  }
  return {};
}

Status PreparedBatch::prepare_times(const AppendRequest& request) {
  batch_.times = request.times;
  if (rows_ == 0) return {};
  int64_t newest = kMinTime;
  int64_t oldest = kMaxTime;
  for (uint64_t row = 0; row < rows_; ++row) {
    newest = std::max(newest, request.times[row]);
    oldest = std::min(oldest, request.times[row]);
  }
  if (oldest == kMinTime) {
    const auto at = std::find(request.times, request.times + rows_, kMinTime) - request.times;
    return refuse(state_.schema->time_name, static_cast<uint64_t>(at), "the time is NaT; every event needs a time");
  }
  newest_time_ = newest;
  return {};
}

Status PreparedBatch::prepare_stored(const DecodedBatch& stored) {
  rows_ = stored.batch.rows;
  batch_ = stored.batch;
  batch_.columns.assign(state_.schema->columns.size(), {});
  for (uint64_t row = 0; row < rows_; ++row)
    newest_time_ = std::max(newest_time_.value_or(kMinTime), batch_.times[row]);
  for (size_t i = 0; i < batch_.columns.size(); ++i) {
    const Column& column = state_.schema->columns[i];
    const auto found = std::find(stored.column_ids.begin(), stored.column_ids.end(), column.id);
    if (found == stored.column_ids.end()) {
      TSFEAT_TRY(fill_default(column, &batch_.columns[i]));
      continue;
    }
    batch_.columns[i] = stored.batch.columns[static_cast<size_t>(found - stored.column_ids.begin())];
    if (column.type != Type::kCategory) continue;
    const uint32_t size = std::max<uint32_t>(1, state_.categories.at(column.id)->size());
    for (uint64_t row = 0; row < rows_; ++row) {
      if (load<uint32_t>(batch_.columns[i].fixed + row * 4) >= size)
        return Status::corruption("a batch has an unknown category code");
    }
  }
  return {};
}

Status PreparedBatch::prepare_column(const Column& column, const InputColumn& input, ColumnView* out) {
  if (input.absent) return fill_default(column, out);
  TSFEAT_TRY(check_validity(column, input, &out->validity));
  if (column.type == Type::kCategory) return prepare_category(column, input, out);
  return is_varlen(column.type) ? prepare_varlen(column, input, out) : prepare_fixed(column, input, out);
}

Status PreparedBatch::fill_default(const Column& column, ColumnView* out) {
  if (!column.default_value && !column.nullable) {
    return Status::schema(where(column.name) + ": missing, and it has no default; pass it, or declare it nullable");
  }
  const Value value = column.default_value.value_or(Value{});
  if (!value.valid) {
    uint8_t* validity = keep(rows_);
    std::memset(validity, 0, rows_);
    out->validity = validity;
  }
  if (is_varlen(column.type)) {
    const size_t size = value.valid ? value.bytes.size() : 0;
    uint8_t* data = keep(size * rows_);
    auto* offsets = reinterpret_cast<int64_t*>(keep((rows_ + 1) * 8));
    for (uint64_t row = 0; row <= rows_; ++row) offsets[row] = static_cast<int64_t>(row * size);
    for (uint64_t row = 0; row < rows_ && size > 0; ++row) std::memcpy(data + row * size, value.bytes.data(), size);
    out->offsets = offsets;
    out->data = data;
    return {};
  }
  const size_t width = column.width();
  uint8_t* fixed = keep(width * rows_);
  std::memset(fixed, 0, width * rows_);
  for (uint64_t row = 0; row < rows_ && value.valid; ++row) std::memcpy(fixed + row * width, value.bytes.data(), width);
  out->fixed = fixed;
  return {};
}

Status PreparedBatch::check_validity(const Column& column, const InputColumn& input, const uint8_t** validity) {
  *validity = nullptr;
  if (input.view.validity == nullptr) return {};
  const auto* null = static_cast<const uint8_t*>(rows_ == 0 ? nullptr : std::memchr(input.view.validity, 0, rows_));
  if (null == nullptr) return {};
  if (!column.nullable) {
    return refuse(column.name, static_cast<uint64_t>(null - input.view.validity),
                  "null, but the column is not nullable; declare it as tsfeat.Column(type, nullable=True)");
  }
  *validity = input.view.validity;
  return {};
}

Status PreparedBatch::prepare_fixed(const Column& column, const InputColumn& input, ColumnView* out) {
  const size_t width = column.width();
  out->fixed = input.view.fixed;
  if (column.type == Type::kBool) {
    for (uint64_t row = 0; row < rows_; ++row) {
      if (out->fixed[row] > 1 && out->valid(row)) return refuse(column.name, row, "a bool is 0 or 1 in memory");
    }
  }
  if (out->validity == nullptr) return {};
  uint8_t* zeroed = keep(width * rows_);
  std::memcpy(zeroed, input.view.fixed, width * rows_);
  for (uint64_t row = 0; row < rows_; ++row) {
    if (!out->valid(row)) std::memset(zeroed + row * width, 0, width);
  }
  out->fixed = zeroed;
  return {};
}

Status PreparedBatch::prepare_varlen(const Column& column, const InputColumn& input, ColumnView* out) {
  TSFEAT_TRY(check_offsets(input, rows_, column.name));
  out->offsets = input.view.offsets;
  out->data = input.view.data;
  if (column.type == Type::kString) {
    for (uint64_t row = 0; row < rows_; ++row) {
      if (out->valid(row) && !is_utf8(text_at(input.view, row)))
        return refuse(column.name, row, "the string is not valid UTF-8");
    }
  }
  if (out->validity == nullptr) return {};
  auto* offsets = reinterpret_cast<int64_t*>(keep((rows_ + 1) * 8));
  uint8_t* data = keep(static_cast<size_t>(input.view.offsets[rows_] - input.view.offsets[0]));
  offsets[0] = 0;
  for (uint64_t row = 0; row < rows_; ++row) {
    const Bytes value = out->valid(row) ? input.view.varlen(row) : Bytes{};
    if (!value.empty()) std::memcpy(data + offsets[row], value.data(), value.size());
    offsets[row + 1] = offsets[row] + static_cast<int64_t>(value.size());
  }
  out->offsets = offsets;
  out->data = data;
  return {};
}

Status PreparedBatch::prepare_category(const Column& column, const InputColumn& input, ColumnView* out) {
  const bool dictionary = input.indices != nullptr;
  const uint64_t strings = dictionary ? input.dictionary_size : rows_;
  TSFEAT_TRY(check_offsets(input, strings, column.name));
  auto* codes = reinterpret_cast<int32_t*>(keep(rows_ * 4));
  fresh_codes_.clear();
  // Only strings that some row uses get codes: a batch's dictionary may hold more.
  constexpr int32_t kUnknown = -1;
  std::vector<int32_t> of_index(dictionary ? strings : 0, kUnknown);
  for (uint64_t row = 0; row < rows_; ++row) {
    codes[row] = 0;
    if (!out->valid(row)) continue;
    if (!dictionary) {
      TSFEAT_TRY(category_code(column, text_at(input.view, row), row, &codes[row]));
      continue;
    }
    const int32_t index = input.indices[row];
    if (index < 0 || static_cast<uint64_t>(index) >= strings) {
      return refuse(column.name, row, "the dictionary has no index " + std::to_string(index));
    }
    int32_t& code = of_index[static_cast<size_t>(index)];
    if (code == kUnknown)
      TSFEAT_TRY(category_code(column, text_at(input.view, static_cast<uint64_t>(index)), row, &code));
    codes[row] = code;
  }
  out->fixed = reinterpret_cast<const uint8_t*>(codes);
  return {};
}

Status PreparedBatch::category_code(const Column& column, std::string_view text, uint64_t row, int32_t* code) {
  const CategoryDictionary& dictionary = *state_.categories.at(column.id);
  *code = loading_ ? dictionary.find_reserved(text) : dictionary.find(text);
  if (*code >= 0) return {};
  if (column.closed) {
    const std::string shown(text.substr(0, 80));
    return refuse(column.name, row, std::string("'").append(shown).append("' is not one of its closed categories"));
  }
  if (!is_utf8(text)) return refuse(column.name, row, "the category is not valid UTF-8");
  NewCategories& fresh = fresh_of(column);
  const auto seen = fresh_codes_.find(std::string(text));
  if (seen != fresh_codes_.end()) {
    *code = seen->second;
    return {};
  }
  *code = static_cast<int32_t>(fresh.first_code + fresh.values.size());
  fresh.values.emplace_back(text);
  fresh_codes_.emplace(text, *code);
  return {};
}

// The column's new categories; an append's begin with what loads have reserved, whose codes come before its own.
NewCategories& PreparedBatch::fresh_of(const Column& column) {
  if (!new_categories_.empty() && new_categories_.back().column_id == column.id) return new_categories_.back();
  const CategoryDictionary& dictionary = *state_.categories.at(column.id);
  const std::vector<std::string> reserved = dictionary.reserved();
  const uint32_t published = dictionary.size();
  if (loading_) {
    new_categories_.push_back({column.id, published + static_cast<uint32_t>(reserved.size()), {}});
  } else {
    for (const std::string& value : reserved)
      fresh_codes_.emplace(value, static_cast<int32_t>(published + fresh_codes_.size()));
    new_categories_.push_back({column.id, published, reserved});
  }
  return new_categories_.back();
}

}  // namespace tsfeat
