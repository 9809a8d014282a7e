// Batches and erasures to log records.

#include <algorithm>
#include <bit>
#include <cstring>

#include "wal/log_format.h"
#include "wal/record.h"
#include "wal/record_layout.h"

namespace tsfeat {
namespace {

using namespace record_layout;

static_assert(EncodedRecord::kRoomBytes == log_format::kRecordHeaderBytes);
constexpr size_t kKeptBytes = 1 << 20;  // of an encoded record's memory
constexpr size_t kFirstColumn = 2;      // behind keys and times

struct ColumnShape {
  const ColumnView* view = nullptr;
  Described described;
};

enum class Order : uint8_t { kUnsigned, kSigned, kNone };  // none: no integers

Order order_of(Type type) {
  switch (type) {
    case Type::kInt16:
    case Type::kInt32:
    case Type::kInt64:
    case Type::kCategory:
      return Order::kSigned;
    case Type::kUint16:
    case Type::kUint32:
    case Type::kUint64:
      return Order::kUnsigned;
    default:
      return Order::kNone;
  }
}

uint64_t bytes_of(const ColumnView& view, uint64_t rows) {
  return static_cast<uint64_t>(view.offsets[rows] - view.offsets[0]);
}

ColumnShape shape_of(uint32_t id, const ColumnView& view, bool varlen, uint32_t width, Order order, uint64_t rows) {
  ColumnShape shape{&view, {id, kFixedForm, width, {0, width}}};
  Described& described = shape.described;
  if (view.validity != nullptr) described.form |= kValidityFlag;
  if (varlen) {
    described.form |= kVarlenForm;
    described.size = bytes_of(view, rows);
    described.narrow = {0, std::max(1U, (static_cast<uint32_t>(std::bit_width(described.size)) + 7) / 8)};
  } else if (order != Order::kNone) {
    described.narrow = plan_narrow(view.fixed, rows, width, order == Order::kSigned);
    if (described.narrow.bytes < width) described.form |= kNarrowFlag;
  }
  return shape;
}

void put_narrow(const uint8_t* values, uint64_t rows, uint32_t width, const Narrow& narrow, EncodedRecord* to) {
  write_narrow(values, rows, width, narrow, to->extend(rows * narrow.bytes));
  to->pad(kAlign);
}

void put_aligned(const void* data, size_t size, EncodedRecord* to) {
  to->append({static_cast<const uint8_t*>(data), size});
  to->pad(kAlign);
}

void put_column(const ColumnShape& column, uint64_t rows, EncodedRecord* to) {
  const ColumnView& view = *column.view;
  const Described& described = column.described;
  const auto width = static_cast<uint32_t>(described.size);
  if (described.varlen()) {
    // Where each value ends, counted from the first one's start.
    const Narrow ends{static_cast<uint64_t>(view.offsets[0]), described.narrow.bytes};
    put_narrow(reinterpret_cast<const uint8_t*>(view.offsets + 1), rows, 8, ends, to);
    put_aligned(view.data + view.offsets[0], described.size, to);
  } else if (described.is_narrow()) {
    put_narrow(view.fixed, rows, width, described.narrow, to);
  } else {
    put_aligned(view.fixed, rows * width, to);
  }
  if (view.validity != nullptr) put_aligned(view.validity, rows, to);
}

void describe(const Described& column, ByteWriter& out) {
  out.varint(column.id);
  out.fixed(column.form);
  out.varint(column.size);
  if (column.varlen() || column.is_narrow()) out.fixed(static_cast<uint8_t>(column.narrow.bytes));
  if (column.is_narrow()) out.fixed(column.narrow.base);
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

}  // namespace

void EncodedRecord::clear() {
  size_ = 0;
  if (capacity_ <= kKeptBytes) return;
  buffer_.reset();
  capacity_ = 0;
}

uint8_t* EncodedRecord::extend(size_t bytes) {
  if (buffer_ == nullptr || size_ + bytes > capacity_) {
    const size_t capacity = std::max({size_ + bytes, capacity_ + capacity_ / 2, size_t{4096}});
    auto larger = std::make_unique_for_overwrite<uint8_t[]>(kRoomBytes + capacity + kSlackBytes);
    if (size_ > 0) std::memcpy(larger.get() + kRoomBytes, buffer_.get() + kRoomBytes, size_);
    buffer_ = std::move(larger);
    capacity_ = capacity;
  }
  uint8_t* const at = buffer_.get() + kRoomBytes + size_;
  size_ += bytes;
  return at;
}

void EncodedRecord::append(Bytes bytes) {
  uint8_t* const at = extend(bytes.size());
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
}

void EncodedRecord::pad(size_t alignment) {
  const size_t bytes = (alignment - size_ % alignment) % alignment;
  std::memset(extend(bytes), 0, bytes);
}

void encode_batch(const BatchHeader& header, const Schema& schema, const Batch& batch, EncodedRecord* to) {
  const ColumnView times{reinterpret_cast<const uint8_t*>(batch.times), nullptr, nullptr, nullptr};
  const bool signed_keys = batch.key_type == KeyType::kInt64;
  std::vector<ColumnShape> shapes;
  shapes.reserve(batch.columns.size() + 2);
  shapes.push_back(shape_of(0, batch.keys, is_varlen(batch.key_type), 8,
                            signed_keys ? Order::kSigned : Order::kUnsigned, batch.rows));
  shapes.push_back(shape_of(0, times, false, 8, Order::kSigned, batch.rows));
  for (size_t i = 0; i < batch.columns.size(); ++i) {
    const Column& column = schema.columns[i];
    shapes.push_back(shape_of(column.id, batch.columns[i], is_varlen(column.type), column.width(),
                              order_of(column.type), batch.rows));
  }
  std::string head;
  ByteWriter out(&head);
  out.fixed(static_cast<uint8_t>(RecordKind::kBatch));
  out.varint(header.table_id);
  out.varint(header.version);
  out.fixed(header.wall_clock);
  out.text(header.source);
  out.fixed(header.position);
  put_categories(header.categories, out);
  out.varint(batch.rows);
  for (size_t i = 0; i < shapes.size(); ++i) {
    if (i == kFirstColumn) out.varint(batch.columns.size());
    describe(shapes[i].described, out);
  }
  if (batch.columns.empty()) out.varint(0);
  to->clear();
  put_aligned(head.data(), head.size(), to);
  for (const ColumnShape& shape : shapes) put_column(shape, batch.rows, to);
}

void encode_delete(const DeleteRecord& record, EncodedRecord* to) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.fixed(static_cast<uint8_t>(RecordKind::kDelete));
  out.varint(record.table_id);
  out.varint(record.version);
  out.varint(record.erasures.size());
  for (const DeleteRecord::Erasure& erasure : record.erasures) {
    out.text(erasure.key);
    out.fixed(static_cast<uint8_t>(erasure.everything));
    out.fixed(erasure.before);
  }
  to->clear();
  to->append(as_bytes(bytes));
}

}  // namespace tsfeat
