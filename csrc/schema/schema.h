// What a table is: key, time, columns. Immutable once shared; adding a column makes a new Schema.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "schema/types.h"

namespace tsfeat {

// One value of a column: absent means null. Bytes: the element (or the vector) little-endian, or the string.
struct Value {
  bool valid = false;
  std::string bytes;
  bool operator==(const Value&) const = default;
};

struct Column {
  uint32_t id = 0;  // never reused in a table; files know columns by id
  std::string name;
  Type type = Type::kInt64;
  uint32_t dimension = 1;  // components of a vector; 1 otherwise
  bool nullable = false;
  bool closed = false;                           // a category that takes no new values
  std::vector<std::string> declared_categories;  // of a closed category, in code order
  std::optional<Value> default_value;            // what appends without the column, and older events, read as

  // Bytes of a value; 0 if variable.
  uint32_t width() const { return element_bytes(type) * dimension; }
  bool operator==(const Column&) const = default;
};

struct Schema {
  std::string key_name;
  KeyType key_type = KeyType::kUint64;
  std::string time_name;
  TimeUnit unit = TimeUnit::kMillisecond;
  std::vector<Column> columns;
  uint32_t next_column_id = 1;

  // Position in `columns`, or nothing.
  std::optional<size_t> find(std::string_view name) const;
  const Column* find_id(uint32_t id) const;
  // Whether both describe the same table to a user: all but ids.
  bool same_as(const Schema& other) const;
};

// Names non-empty, distinct, valid UTF-8, at most 255 bytes, no control characters; dimensions 1..65535; at most
// 65,000 columns; closed categories distinct and non-empty.
Status check_schema(const Schema& schema);
Status check_name(std::string_view what, std::string_view name);

void encode_schema(const Schema& schema, std::string* out);
Result<Schema> decode_schema(ByteReader& in);  // kCorruption if the bytes are not a schema

}  // namespace tsfeat
