#include "wal/record.h"

#include <cstring>

namespace tsfeat {
namespace {

// docs/format.md, "Log records". Everything that is read in place lies at a multiple of 8 bytes from the record's
// start.
constexpr size_t kAlign = 8;
size_t padding(size_t size) { return (kAlign - size % kAlign) % kAlign; }

enum Form : uint8_t { kFixedForm = 0, kVarlenForm = 1, kValidityFlag = 2 };

const uint8_t kZeros[kAlign] = {};

// Collects parts; small ones are copied to scratch, whose address is only known in the end: hence offsets first.
class PartList {
 public:
  explicit PartList(EncodedRecord* out) : out_(out) {}
  ByteWriter scratch() { return ByteWriter(&out_->scratch); }
  void close_scratch() {
    if (out_->scratch.size() > taken_) pieces_.push_back({nullptr, taken_, out_->scratch.size() - taken_});
    taken_ = out_->scratch.size();
  }
  void aligned(const void* data, size_t size) {
    if (size > 0) pieces_.push_back({static_cast<const uint8_t*>(data), 0, size});
    if (padding(size) > 0) pieces_.push_back({kZeros, 0, padding(size)});
  }
  void finish() {
    const auto* base = reinterpret_cast<const uint8_t*>(out_->scratch.data());
    for (const Piece& piece : pieces_) {
      out_->parts.emplace_back(piece.data == nullptr ? base + piece.offset : piece.data, piece.size);
    }
  }

 private:
  struct Piece {
    const uint8_t* data;
    size_t offset;
    size_t size;
  };
  EncodedRecord* out_;
  std::vector<Piece> pieces_;
  size_t taken_ = 0;
};

struct ColumnShape {
  const ColumnView* view;
  bool varlen;
  uint32_t width;
};

void put_column(const ColumnShape& column, uint64_t rows, PartList& parts) {
  if (column.varlen) {
    parts.aligned(column.view->offsets, (rows + 1) * 8);
    const int64_t first = column.view->offsets[0];
    parts.aligned(column.view->data + first, static_cast<size_t>(column.view->offsets[rows] - first));
  } else {
    parts.aligned(column.view->fixed, rows * column.width);
  }
  if (column.view->validity != nullptr) parts.aligned(column.view->validity, rows);
}

void describe(const ColumnShape& column, uint32_t id, uint64_t rows, ByteWriter& out) {
  out.varint(id);
  out.fixed(static_cast<uint8_t>((column.varlen ? kVarlenForm : kFixedForm) |
                                 (column.view->validity != nullptr ? kValidityFlag : 0)));
  out.varint(column.varlen ? static_cast<uint64_t>(column.view->offsets[rows] - column.view->offsets[0])
                           : column.width);
}

void put_categories(const std::vector<NewCategories>& categories, ByteWriter& out) {
  out.varint(categories.size());
  for (const NewCategories& fresh : categories) {
    out.varint(fresh.column_id);
    out.varint(fresh.first_code);
    out.varint(fresh.values.size());
    for (const std::string& value : fresh.values) out.text(value);
  }
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

struct Described {
  uint32_t id = 0;
  uint8_t form = 0;
  uint64_t size = 0;  // bytes in all of a varlen column; width of a fixed one
};

// Walks the aligned body behind the head.
class BodyReader {
 public:
  BodyReader(Bytes record, size_t at) : record_(record), at_(at) {}
  const uint8_t* take(uint64_t size) {
    const uint64_t whole = size + padding(size);
    if (whole < size || whole > record_.size() - at_) {
      ok_ = false;
      return nullptr;
    }
    const uint8_t* data = record_.data() + at_;
    at_ += whole;
    return data;
  }
  // size: all of a varlen column's bytes, or a fixed one's width.
  ColumnView column(uint8_t form, uint64_t size, uint64_t rows, DecodedBatch* out) {
    ColumnView view;
    if ((form & kVarlenForm) != 0) {
      const uint8_t* offsets = take((rows + 1) * 8);
      view.data = take(size);
      if (ok_ && valid_offsets(reinterpret_cast<const int64_t*>(offsets), rows, size)) {
        view.offsets = rebased(reinterpret_cast<const int64_t*>(offsets), rows, out);
      } else {
        ok_ = false;
      }
    } else {
      view.fixed = size != 0 && rows > record_.size() / size ? take(record_.size() + 1) : take(rows * size);
    }
    if ((form & kValidityFlag) != 0) view.validity = take(rows);
    return view;
  }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && at_ == record_.size(); }

 private:
  static bool valid_offsets(const int64_t* offsets, uint64_t rows, uint64_t size) {
    for (uint64_t row = 0; row < rows; ++row) {
      if (offsets[row] < 0 || offsets[row + 1] < offsets[row]) return false;
    }
    return offsets[0] >= 0 && static_cast<uint64_t>(offsets[rows] - offsets[0]) == size;
  }
  // The writer's offsets may start anywhere (a sliced array); the bytes in the record start at the first.
  static const int64_t* rebased(const int64_t* offsets, uint64_t rows, DecodedBatch* out) {
    if (offsets[0] == 0) return offsets;
    std::string& moved = out->aligned.emplace_back((rows + 1) * 8, '\0');
    for (uint64_t row = 0; row <= rows; ++row) store(moved.data() + row * 8, offsets[row] - offsets[0]);
    return reinterpret_cast<const int64_t*>(moved.data());
  }
  Bytes record_;
  size_t at_;
  bool ok_ = true;
};

Status damaged(const char* what) { return Status::corruption(std::string("a log record is not well formed: ") + what); }

}  // namespace

void encode_batch(const BatchHeader& header, const Schema& schema, const Batch& batch, EncodedRecord* to) {
  PartList parts(to);
  ByteWriter out = parts.scratch();
  out.fixed(static_cast<uint8_t>(RecordKind::kBatch));
  out.varint(header.table_id);
  out.varint(header.version);
  out.fixed(header.wall_clock);
  out.text(header.source);
  out.fixed(header.position);
  put_categories(header.categories, out);
  out.varint(batch.rows);
  const ColumnShape keys{&batch.keys, is_varlen(batch.key_type), 8};
  describe(keys, 0, batch.rows, out);
  out.varint(batch.columns.size());
  std::vector<ColumnShape> columns;
  for (size_t i = 0; i < batch.columns.size(); ++i) {
    columns.push_back({&batch.columns[i], is_varlen(schema.columns[i].type), schema.columns[i].width()});
    describe(columns.back(), schema.columns[i].id, batch.rows, out);
  }
  to->scratch.append(padding(to->scratch.size()), '\0');
  parts.close_scratch();
  put_column(keys, batch.rows, parts);
  parts.aligned(batch.times, batch.rows * 8);
  for (const ColumnShape& column : columns) put_column(column, batch.rows, parts);
  parts.finish();
}

void encode_delete(const DeleteRecord& record, EncodedRecord* to) {
  PartList parts(to);
  ByteWriter out = parts.scratch();
  out.fixed(static_cast<uint8_t>(RecordKind::kDelete));
  out.varint(record.table_id);
  out.varint(record.version);
  out.varint(record.erasures.size());
  for (const DeleteRecord::Erasure& erasure : record.erasures) {
    out.text(erasure.key);
    out.fixed(static_cast<uint8_t>(erasure.everything));
    out.fixed(erasure.before);
  }
  parts.close_scratch();
  parts.finish();
}

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
  out.batch.rows = in.varint();
  out.batch.key_type = schema.key_type;
  const auto describe_next = [&in] {
    Described next;
    next.id = static_cast<uint32_t>(in.varint());
    next.form = in.fixed<uint8_t>();
    next.size = in.varint();
    return next;
  };
  const Described keys = describe_next();
  std::vector<Described> columns;
  for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) columns.push_back(describe_next());
  if (!in.ok() || out.batch.rows > record.size()) return damaged("head");
  if (((keys.form & kVarlenForm) != 0) != is_varlen(schema.key_type)) return damaged("key type");

  const size_t head = record.size() - in.remaining();
  BodyReader body(record, head + padding(head));
  if (head + padding(head) > record.size()) return damaged("head");
  out.batch.keys = body.column(keys.form, keys.size, out.batch.rows, &out);
  out.batch.times = reinterpret_cast<const int64_t*>(body.take(out.batch.rows * 8));
  for (const Described& described : columns) {
    const Column* column = schema.find_id(described.id);
    if (column == nullptr) return damaged("it has a column that its table lacks");
    const bool varlen = (described.form & kVarlenForm) != 0;
    if (varlen != is_varlen(column->type) || (!varlen && described.size != column->width()))
      return damaged("column type");
    out.column_ids.push_back(described.id);
    out.batch.columns.push_back(body.column(described.form, described.size, out.batch.rows, &out));
  }
  if ((keys.form & kVarlenForm) == 0 && keys.size != 8) return damaged("key width");
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
