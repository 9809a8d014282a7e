// Log records back to batches and erasures.
#include "wal/record.h"

#include <algorithm>
#include <cstring>

#include "wal/record_layout.h"

namespace tsfeat {
namespace {

using namespace record_layout;

Described take_description(ByteReader& in) {
  Described column;
  column.id = static_cast<uint32_t>(in.varint());
  column.form = in.fixed<uint8_t>();
  column.size = in.varint();
  if (column.varlen() || column.is_narrow()) column.narrow.bytes = in.fixed<uint8_t>();
  if (column.is_narrow()) column.narrow.base = in.fixed<uint64_t>();
  return column;
}

// Whether it describes a column of this kind and, if fixed, width.
bool describes(const Described& column, bool varlen, uint32_t width) {
  if ((column.form & ~(kVarlenForm | kValidityFlag | kNarrowFlag)) != 0 || column.varlen() != varlen) return false;
  if (varlen) return !column.is_narrow() && column.narrow.bytes >= 1 && column.narrow.bytes <= 8;
  if (column.size != width) return false;
  const bool integers = width == 2 || width == 4 || width == 8;
  return !column.is_narrow() || (integers && column.narrow.bytes >= 1 && column.narrow.bytes < width);
}

std::vector<NewCategories> take_categories(ByteReader& in) {
  std::vector<NewCategories> out;
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    NewCategories fresh;
    fresh.column_id = static_cast<uint32_t>(in.varint());
    fresh.first_code = static_cast<uint32_t>(in.varint());
    for (uint64_t count = in.varint(); count > 0 && in.ok(); --count) fresh.values.emplace_back(in.text());
    out.push_back(std::move(fresh));
  }
  return out;
}

// Walks the aligned body behind the head. What it gives out is null where the record is too short.
class BodyReader {
 public:
  BodyReader(Bytes record, size_t at, DecodedBatch* out) : record_(record), at_(at), out_(out) {}

  ColumnView column(const Described& column, uint64_t rows) {
    ColumnView view;
    if (column.varlen()) {
      view.offsets = offsets(column, rows);
      view.data = take(column.size);
    } else {
      view.fixed = fixed(column, rows);
    }
    if (column.has_validity()) view.validity = take(rows);
    return view;
  }
  const uint8_t* fixed(const Described& column, uint64_t rows) {
    if (!column.is_narrow()) return take_array(rows, column.size);
    const uint8_t* const packed = take_array(rows, column.narrow.bytes);
    return packed == nullptr ? nullptr : widen(packed, rows, column.narrow, static_cast<uint32_t>(column.size));
  }
  bool done() const { return ok_ && at_ == record_.size(); }

 private:
  const uint8_t* take(uint64_t size) {
    const uint64_t whole = size + padding(size);
    if (!ok_ || whole < size || whole > record_.size() - at_) {
      ok_ = false;
      return nullptr;
    }
    const uint8_t* data = record_.data() + at_;
    at_ += whole;
    return data;
  }
  const uint8_t* take_array(uint64_t rows, uint64_t width) {
    ok_ = ok_ && (width == 0 || rows <= record_.size() / width);
    return take(rows * width);
  }
  uint8_t* room(uint64_t bytes) {
    out_->widened.push_back(std::make_unique_for_overwrite<uint8_t[]>(std::max<uint64_t>(1, bytes)));
    return out_->widened.back().get();
  }
  const uint8_t* widen(const uint8_t* packed, uint64_t rows, const Narrow& narrow, uint32_t width) {
    uint8_t* const wide = room(rows * width);
    read_narrow({packed, rows * narrow.bytes}, rows, narrow, width, wide);
    return wide;
  }
  const int64_t* offsets(const Described& column, uint64_t rows) {
    const uint8_t* const packed = take_array(rows, column.narrow.bytes);
    if (packed == nullptr) return nullptr;
    auto* const wide = reinterpret_cast<int64_t*>(room((rows + 1) * 8));
    wide[0] = 0;
    read_narrow({packed, rows * column.narrow.bytes}, rows, {0, column.narrow.bytes}, 8,
                reinterpret_cast<uint8_t*>(wide + 1));
    for (uint64_t row = 0; row < rows; ++row) ok_ = ok_ && wide[row] <= wide[row + 1];
    ok_ = ok_ && static_cast<uint64_t>(wide[rows]) == column.size;
    return wide;
  }

  Bytes record_;
  size_t at_;
  DecodedBatch* out_;
  bool ok_ = true;
};

Status damaged(const char* what) { return Status::corruption(std::string("a log record is not well formed: ") + what); }

}  // namespace

Result<RecordKind> record_kind(Bytes record) {
  ByteReader in(record);
  const auto kind = in.fixed<uint8_t>();
  if (kind == static_cast<uint8_t>(RecordKind::kBatch) || kind == static_cast<uint8_t>(RecordKind::kDelete)) {
    return static_cast<RecordKind>(kind);
  }
  return damaged("its kind is unknown");
}

Result<uint32_t> record_table_id(Bytes record) {
  ByteReader in(record);
  in.fixed<uint8_t>();
  const uint64_t id = in.varint();
  if (!in.ok() || id > UINT32_MAX) return damaged("table id");
  return static_cast<uint32_t>(id);
}

Result<DecodedBatch> decode_batch(Bytes record, const Schema& schema) {
  ByteReader in(record);
  DecodedBatch out;
  in.fixed<uint8_t>();
  out.header.table_id = static_cast<uint32_t>(in.varint());
  out.header.version = in.varint();
  out.header.wall_clock = in.fixed<int64_t>();
  out.header.source = in.text();
  out.header.position = in.fixed<int64_t>();
  out.header.categories = take_categories(in);
  const uint64_t rows = out.batch.rows = in.varint();
  out.batch.key_type = schema.key_type;
  const Described keys = take_description(in);
  const Described times = take_description(in);
  std::vector<Described> columns;
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) columns.push_back(take_description(in));
  // The times take at least a byte a row.
  if (!in.ok() || rows > record.size()) return damaged("head");
  if (!describes(keys, is_varlen(schema.key_type), 8) || keys.has_validity()) return damaged("keys");
  if (!describes(times, false, 8) || times.has_validity()) return damaged("times");
  for (const Described& described : columns) {
    const Column* column = schema.find_id(described.id);
    if (column == nullptr) return damaged("it has a column that its table lacks");
    if (!describes(described, is_varlen(column->type), column->width())) return damaged("column type");
  }
  const size_t head = record.size() - in.remaining();
  if (head + padding(head) > record.size()) return damaged("head");
  BodyReader body(record, head + padding(head), &out);
  out.batch.keys = body.column(keys, rows);
  out.batch.times = reinterpret_cast<const int64_t*>(body.fixed(times, rows));
  for (const Described& described : columns) {
    out.column_ids.push_back(described.id);
    out.batch.columns.push_back(body.column(described, rows));
  }
  if (!body.done()) return damaged("its parts do not add up to its length");
  return out;
}

Result<DeleteRecord> decode_delete(Bytes record) {
  ByteReader in(record);
  DeleteRecord out;
  in.fixed<uint8_t>();
  out.table_id = static_cast<uint32_t>(in.varint());
  out.version = in.varint();
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    DeleteRecord::Erasure erasure;
    erasure.key = in.text();
    erasure.everything = in.fixed<uint8_t>() != 0;
    erasure.before = in.fixed<int64_t>();
    out.erasures.push_back(std::move(erasure));
  }
  if (!in.done()) return damaged("erasure");
  return out;
}

}  // namespace tsfeat
