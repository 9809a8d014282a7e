#include "wal/record.h"

#include <gtest/gtest.h>

#include "wal/random_batch.h"

namespace tsfeat {
namespace {

using schema_testing::random_schema;
using schema_testing::random_text;
using wal_testing::RandomBatch;
using wal_testing::WholeRecord;

void expect_same(const ColumnView& expected, const ColumnView& found, bool varlen, uint32_t width, uint64_t rows) {
  for (uint64_t row = 0; row < rows; ++row) {
    ASSERT_EQ(expected.valid(row), found.valid(row));
    const Bytes wanted = varlen ? expected.varlen(row) : Bytes(expected.fixed + row * width, width);
    const Bytes got = varlen ? found.varlen(row) : Bytes(found.fixed + row * width, width);
    ASSERT_TRUE(std::equal(wanted.begin(), wanted.end(), got.begin(), got.end()));
  }
}

BatchHeader random_header(std::mt19937_64& random) {
  BatchHeader header{static_cast<uint32_t>(random()), random(), static_cast<int64_t>(random()), random_text(random, 30),
                     static_cast<int64_t>(random()),  {}};
  for (uint64_t i = random() % 3; i > 0; --i) {
    header.categories.push_back(
        {static_cast<uint32_t>(random()), static_cast<uint32_t>(random()), {"", random_text(random, 9)}});
  }
  return header;
}

TEST(Record, BatchSurvivesEncoding) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 400; ++round) {
    const Schema schema = random_schema(random);
    const RandomBatch source(random, schema, round % 4 == 0 ? 0 : random() % 40);
    const Batch& batch = source.batch;
    const BatchHeader header = random_header(random);
    EncodedRecord encoded;
    encode_batch(header, schema, batch, &encoded);
    const WholeRecord record(encoded);

    EXPECT_EQ(*record_kind(record.bytes()), RecordKind::kBatch);
    EXPECT_EQ(*record_table_id(record.bytes()), header.table_id);
    const Result<DecodedBatch> decoded = decode_batch(record.bytes(), schema);
    ASSERT_TRUE(decoded.ok()) << decoded.status().message();
    EXPECT_EQ(decoded->header.version, header.version);
    EXPECT_EQ(decoded->header.wall_clock, header.wall_clock);
    EXPECT_EQ(decoded->header.source, header.source);
    EXPECT_EQ(decoded->header.position, header.position);
    ASSERT_EQ(decoded->header.categories.size(), header.categories.size());
    for (size_t i = 0; i < header.categories.size(); ++i) {
      EXPECT_EQ(decoded->header.categories[i].column_id, header.categories[i].column_id);
      EXPECT_EQ(decoded->header.categories[i].first_code, header.categories[i].first_code);
      EXPECT_EQ(decoded->header.categories[i].values, header.categories[i].values);
    }
    ASSERT_EQ(decoded->batch.rows, batch.rows);
    expect_same(batch.keys, decoded->batch.keys, is_varlen(schema.key_type), 8, batch.rows);
    EXPECT_TRUE(std::equal(batch.times, batch.times + batch.rows, decoded->batch.times));
    ASSERT_EQ(decoded->batch.columns.size(), schema.columns.size());
    for (size_t i = 0; i < schema.columns.size(); ++i) {
      const Column& column = schema.columns[i];
      EXPECT_EQ(decoded->column_ids[i], column.id);
      expect_same(batch.columns[i], decoded->batch.columns[i], is_varlen(column.type), column.width(), batch.rows);
    }
  }
}

TEST(Record, AColumnAddedLaterIsAbsentAndAnUnknownOneRefused) {
  std::mt19937_64 random(2);
  Schema before;
  before.key_name = "key";
  before.time_name = "time";
  before.columns.push_back(schema_testing::random_column(random, 1));
  Schema after = before;
  after.columns.push_back(schema_testing::random_column(random, 2));
  const RandomBatch old_batch(random, before, 5), new_batch(random, after, 5);
  EncodedRecord old_record, new_record;
  encode_batch({}, before, old_batch.batch, &old_record);
  encode_batch({}, after, new_batch.batch, &new_record);
  const Result<DecodedBatch> decoded = decode_batch(WholeRecord(old_record).bytes(), after);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->column_ids, std::vector<uint32_t>{1});
  EXPECT_EQ(decode_batch(WholeRecord(new_record).bytes(), before).status().code(), Code::kCorruption);
}

TEST(Record, ErasureSurvivesEncoding) {
  DeleteRecord record{7, ~uint64_t{0}, {{"", 5, false}, {"key", 0, true}, {std::string(300, 'x'), kMinTime, false}}};
  EncodedRecord encoded;
  encode_delete(record, &encoded);
  WholeRecord whole(encoded);
  EXPECT_EQ(*record_kind(whole.bytes()), RecordKind::kDelete);
  EXPECT_EQ(*record_table_id(whole.bytes()), 7U);
  const Result<DeleteRecord> decoded = decode_delete(whole.bytes());
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->version, record.version);
  ASSERT_EQ(decoded->erasures.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(decoded->erasures[i].key, record.erasures[i].key);
    EXPECT_EQ(decoded->erasures[i].before, record.erasures[i].before);
    EXPECT_EQ(decoded->erasures[i].everything, record.erasures[i].everything);
  }
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(decode_delete(whole.bytes().first(size)).ok());
}

// Reads everything that a decoded batch points to: the sanitizers see what lies outside.
uint64_t touch_all(const DecodedBatch& decoded, const Schema& schema) {
  uint64_t sum = 0;
  const auto touch = [&](const ColumnView& view, bool varlen, uint32_t width) {
    for (uint64_t row = 0; row < decoded.batch.rows; ++row) {
      const Bytes value = varlen ? view.varlen(row) : Bytes(view.fixed + row * width, width);
      for (const uint8_t byte : value) sum += byte;
      sum += view.valid(row) ? 1 : 0;
    }
  };
  touch(decoded.batch.keys, is_varlen(schema.key_type), 8);
  for (uint64_t row = 0; row < decoded.batch.rows; ++row) sum += static_cast<uint64_t>(decoded.batch.times[row]);
  for (size_t i = 0; i < decoded.column_ids.size(); ++i) {
    const Column& column = *schema.find_id(decoded.column_ids[i]);
    touch(decoded.batch.columns[i], is_varlen(column.type), column.width());
  }
  return sum;
}

TEST(Record, HostileBytesAreRefusedOrSound) {
  std::mt19937_64 random(3);
  uint64_t sum = 0;
  for (int round = 0; round < 40; ++round) {
    const Schema schema = random_schema(random);
    const RandomBatch source(random, schema, random() % 6);
    EncodedRecord encoded;
    encode_batch(random_header(random), schema, source.batch, &encoded);
    WholeRecord record(encoded);
    for (size_t bit = 0; bit < record.size() * 8; ++bit) {
      record.data()[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      const Result<DecodedBatch> decoded = decode_batch(record.bytes(), schema);
      if (decoded.ok())
        sum += touch_all(*decoded, schema);
      else
        EXPECT_EQ(decoded.status().code(), Code::kCorruption);
      (void)decode_delete(record.bytes()).ok();
      record.data()[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    }
    for (size_t size = 0; size < record.size(); ++size)
      EXPECT_FALSE(decode_batch(record.bytes().first(size), schema).ok());
    for (int tries = 0; tries < 300; ++tries) {
      std::vector<uint64_t> words(record.size() / 8 + 1);
      std::memcpy(words.data(), record.bytes().data(), record.size());
      auto* bytes = reinterpret_cast<uint8_t*>(words.data());
      for (int changes = 1 + static_cast<int>(random() % 6); changes > 0; --changes) {
        bytes[random() % std::min<size_t>(record.size(), 64)] = static_cast<uint8_t>(random());
      }
      const Result<DecodedBatch> decoded = decode_batch({bytes, record.size()}, schema);
      if (decoded.ok()) sum += touch_all(*decoded, schema);
    }
  }
  EXPECT_NE(sum, 0U);
}

TEST(Record, AnUnknownKindIsRefused) {
  const uint8_t bytes[] = {9, 1};
  EXPECT_EQ(record_kind(bytes).status().code(), Code::kCorruption);
  EXPECT_EQ(record_kind({}).status().code(), Code::kCorruption);
  EXPECT_EQ(record_table_id({}).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace tsfeat
