#include "schema/schema.h"

#include <algorithm>
#include <set>

#include "schema/utf8.h"

namespace tsfeat {
namespace {

constexpr size_t kMaxColumns = 65'000;
constexpr uint32_t kMaxDimension = 65'535;
constexpr size_t kMaxNameBytes = 255;

Status check_column(const Column& column) {
  TSFEAT_TRY(check_name("column", column.name));
  const std::string where = "column '" + column.name + "'";
  if (column.dimension < 1 || column.dimension > kMaxDimension) {
    return Status::schema(where + ": a vector has 1 to 65535 components, not " + std::to_string(column.dimension));
  }
  if (!is_vector(column.type) && column.dimension != 1)
    return Status::schema(where + ": only a vector has a dimension");
  const std::optional<Value>& value = column.default_value;
  if (value && value->valid && !is_varlen(column.type) && value->bytes.size() != column.width()) {
    return Status::schema(where + ": its default has " + std::to_string(value->bytes.size()) + " bytes, not " +
                          std::to_string(column.width()));
  }
  if (!column.closed) return {};
  if (column.type != Type::kCategory) return Status::schema(where + ": only a category can be closed");
  if (column.declared_categories.empty()) return Status::schema(where + ": a closed category needs at least one value");
  std::set<std::string_view> seen;
  for (const std::string& category : column.declared_categories) {
    if (!is_utf8(category)) return Status::schema(where + ": a category value is not valid UTF-8");
    if (!seen.insert(category).second)
      return Status::schema(where + ": the category value '" + category + "' is given twice");
  }
  return {};
}

enum ColumnFlag : uint8_t { kNullable = 1, kClosed = 2, kHasDefault = 4, kDefaultValid = 8 };

void encode_column(const Column& column, ByteWriter& out) {
  out.varint(column.id);
  out.text(column.name);
  out.fixed(static_cast<uint8_t>(column.type));
  out.varint(column.dimension);
  uint8_t flags = 0;
  if (column.nullable) flags |= kNullable;
  if (column.closed) flags |= kClosed;
  if (column.default_value) flags |= kHasDefault;
  if (column.default_value && column.default_value->valid) flags |= kDefaultValid;
  out.fixed(flags);
  if (column.default_value) out.text(column.default_value->bytes);
  out.varint(column.declared_categories.size());
  for (const std::string& value : column.declared_categories) out.text(value);
}

Column decode_column(ByteReader& in) {
  Column column;
  column.id = static_cast<uint32_t>(in.varint());
  column.name = in.text();
  column.type = static_cast<Type>(in.fixed<uint8_t>());
  column.dimension = static_cast<uint32_t>(in.varint());
  const uint8_t flags = in.fixed<uint8_t>();
  column.nullable = (flags & kNullable) != 0;
  column.closed = (flags & kClosed) != 0;
  if ((flags & kHasDefault) != 0) column.default_value = Value{(flags & kDefaultValid) != 0, std::string(in.text())};
  const uint64_t categories = in.varint();
  for (uint64_t i = 0; i < categories && in.ok(); ++i) column.declared_categories.emplace_back(in.text());
  return column;
}

// What check_schema leaves to the types: a decoded byte may be no enumerator at all.
bool known_types(const Schema& schema) {
  const auto known = [](auto value, auto first, auto last) { return value >= first && value <= last; };
  return known(schema.key_type, KeyType::kInt64, KeyType::kBinary) &&
         known(schema.unit, TimeUnit::kSecond, TimeUnit::kNanosecond) &&
         std::all_of(schema.columns.begin(), schema.columns.end(),
                     [&](const Column& column) { return known(column.type, Type::kBool, Type::kVectorFloat64); });
}

bool valid_ids(const Schema& schema) {
  uint32_t last = 0;  // ids ascend: find_id() relies on it
  return std::all_of(schema.columns.begin(), schema.columns.end(), [&](const Column& column) {
    const bool ascends = column.id > last;
    last = column.id;
    return ascends && column.id < schema.next_column_id;
  });
}

}  // namespace

std::optional<size_t> Schema::find(std::string_view name) const {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == name) return i;
  }
  return std::nullopt;
}

const Column* Schema::find_id(uint32_t id) const {
  // Ids ascend with position, as columns are only ever added at the end.
  const auto at = std::lower_bound(columns.begin(), columns.end(), id,
                                   [](const Column& column, uint32_t wanted) { return column.id < wanted; });
  return at != columns.end() && at->id == id ? &*at : nullptr;
}

bool Schema::same_as(const Schema& other) const {
  if (key_name != other.key_name || key_type != other.key_type || time_name != other.time_name || unit != other.unit ||
      columns.size() != other.columns.size()) {
    return false;
  }
  return std::equal(columns.begin(), columns.end(), other.columns.begin(), [](const Column& a, const Column& b) {
    return a.name == b.name && a.type == b.type && a.dimension == b.dimension && a.nullable == b.nullable &&
           a.closed == b.closed && a.declared_categories == b.declared_categories;
  });
}

Status check_name(std::string_view what, std::string_view name) {
  const std::string prefix = "the name of a " + std::string(what);
  if (name.empty()) return Status::schema(prefix + " is empty; give it at least one character");
  if (name.size() > kMaxNameBytes)
    return Status::schema(prefix + " is longer than 255 bytes: '" + std::string(name.substr(0, 40)) + "...'");
  if (!is_utf8(name)) return Status::schema(prefix + " is not valid UTF-8");
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return Status::schema(prefix + " holds a control character");
  }
  return {};
}

Status check_schema(const Schema& schema) {
  TSFEAT_TRY(check_name("key", schema.key_name));
  TSFEAT_TRY(check_name("time", schema.time_name));
  if (schema.columns.size() > kMaxColumns) return Status::schema("a table has at most 65000 columns");
  std::set<std::string_view> names{schema.key_name};
  if (!names.insert(schema.time_name).second) {
    return Status::schema("key and time have the same name '" + schema.time_name + "'; rename one");
  }
  for (const Column& column : schema.columns) {
    TSFEAT_TRY(check_column(column));
    if (!names.insert(column.name).second) {
      return Status::schema("the name '" + column.name + "' is given to two columns; rename one");
    }
  }
  return {};
}

void encode_schema(const Schema& schema, std::string* to) {
  ByteWriter out(to);
  out.text(schema.key_name);
  out.fixed(static_cast<uint8_t>(schema.key_type));
  out.text(schema.time_name);
  out.fixed(static_cast<uint8_t>(schema.unit));
  out.varint(schema.next_column_id);
  out.varint(schema.columns.size());
  for (const Column& column : schema.columns) encode_column(column, out);
}

Result<Schema> decode_schema(ByteReader& in) {
  Schema schema;
  schema.key_name = in.text();
  schema.key_type = static_cast<KeyType>(in.fixed<uint8_t>());
  schema.time_name = in.text();
  schema.unit = static_cast<TimeUnit>(in.fixed<uint8_t>());
  schema.next_column_id = static_cast<uint32_t>(in.varint());
  const uint64_t columns = in.varint();
  for (uint64_t i = 0; i < columns && in.ok(); ++i) schema.columns.push_back(decode_column(in));
  if (!in.ok() || !known_types(schema) || !valid_ids(schema)) return Status::corruption("not a table schema");
  if (Status status = check_schema(schema); !status.ok())
    return Status::corruption("not a table schema: " + status.message());
  return schema;
}

}  // namespace tsfeat
