// A table's schema. What decodes holds what check_schema promises, and survives being written.
#include "fuzz.h"
#include "schema/schema.h"

namespace tsfeat::fuzz {

void test_one(Bytes input) {
  ByteReader in(input);
  const Result<Schema> schema = decode_schema(in);
  if (!schema.ok()) return;
  expect(check_schema(*schema).ok(), "a decoded schema holds");
  std::string written;
  encode_schema(*schema, &written);
  ByteReader again(as_bytes(written));
  const Result<Schema> second = decode_schema(again);
  expect(second.ok() && second->same_as(*schema), "a schema that was read and written stays the same");
  for (const Column& column : schema->columns) {
    expect(schema->find_id(column.id) == &column, "columns are found by id");
    expect(schema->find(column.name).has_value(), "columns are found by name");
  }
}

void mend(std::vector<uint8_t>*) {}

}  // namespace tsfeat::fuzz
