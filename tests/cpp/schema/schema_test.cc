#include "schema/schema.h"

#include <gtest/gtest.h>

#include <functional>

#include "schema/random_schema.h"

namespace tsfeat {
namespace {

using schema_testing::random_schema;

std::string encoded(const Schema& schema) {
  std::string out;
  encode_schema(schema, &out);
  return out;
}

TEST(Schema, SurvivesEncoding) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; ++round) {
    const Schema schema = random_schema(random);
    ASSERT_TRUE(check_schema(schema).ok()) << check_schema(schema).message();
    const std::string bytes = encoded(schema);
    ByteReader in(as_bytes(bytes));
    const Result<Schema> decoded = decode_schema(in);
    ASSERT_TRUE(decoded.ok()) << decoded.status().message();
    EXPECT_TRUE(in.done());
    EXPECT_TRUE(decoded->same_as(schema));
    EXPECT_EQ(decoded->columns, schema.columns);
    EXPECT_EQ(decoded->next_column_id, schema.next_column_id);
    EXPECT_EQ(encoded(*decoded), bytes);
    for (size_t i = 0; i < schema.columns.size(); ++i) {
      EXPECT_EQ(decoded->find(schema.columns[i].name), i);
      EXPECT_EQ(decoded->find_id(schema.columns[i].id), &decoded->columns[i]);
    }
    EXPECT_EQ(decoded->find("no such column"), std::nullopt);
    EXPECT_EQ(decoded->find_id(schema.next_column_id), nullptr);
  }
}

// Whatever comes out of damaged bytes, if anything, is a schema that every other part can rely on.
void decode_damaged(const std::string& bytes) {
  ByteReader in(as_bytes(bytes));
  const Result<Schema> decoded = decode_schema(in);
  if (!decoded.ok()) {
    EXPECT_EQ(decoded.status().code(), Code::kCorruption);
    return;
  }
  EXPECT_TRUE(check_schema(*decoded).ok());
  for (const Column& column : decoded->columns) EXPECT_EQ(decoded->find_id(column.id), &column);
}

TEST(Schema, DamagedBytesAreRefusedOrSound) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 20; ++round) {
    const std::string bytes = encoded(random_schema(random));
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      decode_damaged(flipped);
    }
    for (size_t size = 0; size < bytes.size(); ++size) {
      ByteReader in(as_bytes(bytes).first(size));
      EXPECT_FALSE(decode_schema(in).ok());
    }
  }
}

TEST(Schema, HugeDeclaredLengthsAllocateNothing) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.text("key");
  out.fixed<uint8_t>(2);
  out.text("time");
  out.fixed<uint8_t>(2);
  out.varint(5);
  out.varint(~uint64_t{0});
  decode_damaged(bytes);
}

TEST(Schema, NamesAreChecked) {
  const auto refused = [](std::string_view name) { return check_name("column", name).code() == Code::kSchema; };
  EXPECT_FALSE(refused("a"));
  EXPECT_FALSE(refused("spa ce/.."));
  EXPECT_FALSE(refused("gr\xC3\xBC\xC3\x9F"));
  EXPECT_FALSE(refused(std::string(255, 'x')));
  EXPECT_TRUE(refused(std::string(256, 'x')));
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused("\xFF"));
  EXPECT_TRUE(refused("a\nb"));
  EXPECT_TRUE(refused("a\x7F"));
  EXPECT_TRUE(refused(std::string_view("a\0b", 3)));
}

TEST(Schema, ContradictionsAreRefused) {
  Schema good;
  good.key_name = "key";
  good.time_name = "time";
  Column column;
  column.id = 1;
  column.name = "x";
  column.type = Type::kCategory;
  column.closed = true;
  column.declared_categories = {"a", "b"};
  good.columns = {column};
  good.next_column_id = 2;
  ASSERT_TRUE(check_schema(good).ok());
  const auto refuses = [&](const auto& change) {
    Schema bad = good;
    change(bad);
    return check_schema(bad).code() == Code::kSchema;
  };
  EXPECT_TRUE(refuses([](Schema& schema) { schema.time_name = "key"; }));
  EXPECT_TRUE(refuses([](Schema& schema) { schema.columns[0].name = "key"; }));
  EXPECT_TRUE(refuses([](Schema& schema) { schema.columns.push_back(schema.columns[0]); }));
  EXPECT_TRUE(refuses([](Schema& schema) { schema.columns[0].dimension = 2; }));
  EXPECT_TRUE(refuses([](Schema& schema) { schema.columns[0].declared_categories.clear(); }));
  EXPECT_TRUE(refuses([](Schema& schema) { schema.columns[0].declared_categories = {"a", "a"}; }));
  EXPECT_TRUE(refuses([](Schema& schema) { schema.columns[0].declared_categories = {"\xC0\x80"}; }));
  EXPECT_TRUE(refuses([](Schema& schema) { schema.columns[0].type = Type::kString; }));
  EXPECT_TRUE(refuses([](Schema& schema) { schema.columns[0].default_value = Value{true, "three"}; }));
  EXPECT_TRUE(refuses([](Schema& schema) {
    schema.columns[0] = Column{};
    schema.columns[0].name = "v";
    schema.columns[0].type = Type::kVectorFloat32;
    schema.columns[0].dimension = 65'536;
  }));
}

TEST(Schema, WhatAUserSeesTellsTwoApartAndIdsDoNot) {
  Schema one;
  one.key_name = "key";
  one.time_name = "time";
  Column& column = one.columns.emplace_back();
  column.name = "x";
  column.type = Type::kCategory;
  column.closed = true;
  column.declared_categories = {"a"};
  const auto same = [&](const std::function<void(Schema*)>& change) {
    Schema other = one;
    change(&other);
    EXPECT_EQ(one.same_as(other), other.same_as(one));
    return one.same_as(other);
  };
  EXPECT_TRUE(same([](Schema*) {}));
  EXPECT_TRUE(same([](Schema* s) { s->columns[0].id = s->next_column_id++; }));
  EXPECT_FALSE(same([](Schema* s) { s->key_name = "k"; }));
  EXPECT_FALSE(same([](Schema* s) { s->key_type = KeyType::kBinary; }));
  EXPECT_FALSE(same([](Schema* s) { s->time_name = "t"; }));
  EXPECT_FALSE(same([](Schema* s) { s->unit = TimeUnit::kSecond; }));
  EXPECT_FALSE(same([](Schema* s) { s->columns.clear(); }));
  EXPECT_FALSE(same([](Schema* s) { s->columns[0].name = "y"; }));
  EXPECT_FALSE(same([](Schema* s) { s->columns[0].type = Type::kString; }));
  EXPECT_FALSE(same([](Schema* s) { s->columns[0].dimension = 2; }));
  EXPECT_FALSE(same([](Schema* s) { s->columns[0].nullable = true; }));
  EXPECT_FALSE(same([](Schema* s) { s->columns[0].closed = false; }));
  EXPECT_FALSE(same([](Schema* s) { s->columns[0].declared_categories = {"b"}; }));
}

}  // namespace
}  // namespace tsfeat
