// Random, valid schemas: what the tests of schema, wal, catalog and engine share.
#pragma once

#include <random>
#include <string>

#include "schema/schema.h"

namespace tsfeat::schema_testing {

inline std::string random_text(std::mt19937_64& random, size_t longest) {
  std::string text;
  for (size_t size = random() % (longest + 1); size > 0; --size) text += static_cast<char>('a' + random() % 26);
  return text;
}

inline Column random_column(std::mt19937_64& random, uint32_t id) {
  Column column;
  column.id = id;
  column.name = "c" + std::to_string(id);
  column.type = static_cast<Type>(1 + random() % 16);
  if (is_vector(column.type)) column.dimension = static_cast<uint32_t>(1 + random() % 7);
  column.nullable = random() % 2 == 0;
  if (column.type == Type::kCategory && random() % 2 == 0) {
    column.closed = true;
    for (size_t i = 1 + random() % 3; i > 0; --i) column.declared_categories.push_back("v" + std::to_string(i));
  }
  if (random() % 3 == 0) {
    Value value;
    value.valid = !column.nullable || random() % 2 == 0;
    if (value.valid) value.bytes = is_varlen(column.type) ? random_text(random, 20) : std::string(column.width(), '\0');
    column.default_value = value;
  }
  return column;
}

inline Schema random_schema(std::mt19937_64& random) {
  Schema schema;
  schema.key_name = "key";
  schema.time_name = "time";
  schema.key_type = static_cast<KeyType>(1 + random() % 4);
  schema.unit = static_cast<TimeUnit>(1 + random() % 4);
  for (size_t columns = random() % 12; columns > 0; --columns) {
    schema.next_column_id += static_cast<uint32_t>(random() % 3);
    schema.columns.push_back(random_column(random, schema.next_column_id++));
  }
  return schema;
}

}  // namespace tsfeat::schema_testing
