// A segment of the log: replayed, salvaged, and its records decoded for tables of two schemas, as recovery does.
#include <memory>

#include "fuzz.h"
#include "schema/schema.h"
#include "vfs/memory.h"
#include "wal/log.h"
#include "wal/log_format.h"
#include "wal/record.h"

namespace tsfeat::fuzz {
namespace {

constexpr const char* kPath = "/segment";

Schema schema_of(KeyType key_type, const std::vector<Type>& types) {
  Schema schema;
  schema.key_name = "key";
  schema.key_type = key_type;
  schema.time_name = "ts";
  for (const Type type : types) {
    Column& column = schema.columns.emplace_back();
    column.id = schema.next_column_id++;
    column.name = "c" + std::to_string(column.id);
    column.type = type;
    column.dimension = is_vector(type) ? 3 : 1;
    column.nullable = column.id % 2 == 0;
  }
  return schema;
}

// Touches every value, so that a view that leaves the record is seen.
uint64_t sum(const Batch& batch, const Schema& schema, const std::vector<uint32_t>& ids) {
  uint64_t total = 0;
  for (uint64_t row = 0; row < batch.rows; ++row) {
    total += batch.key(row).prefix + static_cast<uint64_t>(batch.times[row]);
    for (size_t i = 0; i < batch.columns.size(); ++i) {
      const Column& column = *schema.find_id(ids[i]);
      if (!batch.columns[i].valid(row)) continue;
      const Bytes value = is_varlen(column.type) ? batch.columns[i].varlen(row)
                                                 : Bytes(batch.columns[i].fixed + row * column.width(), column.width());
      for (const uint8_t byte : value) total += byte;
    }
  }
  return total;
}

void decode(Bytes record) {
  static const Schema schemas[] = {
      schema_of(KeyType::kUint64, {Type::kInt64}),
      schema_of(KeyType::kString, {Type::kBool, Type::kInt16, Type::kFloat32, Type::kCategory, Type::kString,
                                   Type::kVectorFloat32, Type::kBinary, Type::kUint64}),
  };
  const Result<RecordKind> kind = record_kind(record);
  (void)record_table_id(record).ok();
  if (!kind.ok()) return;
  if (*kind == RecordKind::kDelete) {
    (void)decode_delete(record).ok();
    return;
  }
  for (const Schema& schema : schemas) {
    const Result<DecodedBatch> batch = decode_batch(record, schema);
    if (!batch.ok()) continue;
    volatile uint64_t seen = sum(batch->batch, schema, batch->column_ids);
    (void)seen;
  }
}

uint64_t number_of(Bytes input) {
  return input.size() >= log_format::kHeaderBytes ? load<uint64_t>(input.data() + log_format::kNumberAt) : 1;
}

}  // namespace

void test_one(Bytes input) {
  const std::unique_ptr<MemoryVfs> disk = MemoryVfs::create(1);
  expect(disk->write_file(kPath, input).ok(), "a file can be written");
  const uint64_t number = number_of(input);
  for (const bool last : {true, false}) {
    uint64_t replayed = 0;
    const Result<ReplayResult> result = replay_log(*disk, kPath, number, 0, last, [&](Bytes record, uint64_t) {
      ++replayed;
      decode(record);
      return Status{};
    });
    uint64_t salvaged = 0, previous = 0, lost_bytes = 0;
    std::vector<LostBytes> lost;
    const Status status = salvage_log(
        *disk, kPath, number, last, [&](Bytes, uint64_t, bool) { return ++salvaged, Status{}; }, &lost, &previous);
    for (const LostBytes& part : lost) lost_bytes += part.bytes;
    if (result.ok()) expect(status.ok() && salvaged >= replayed, "salvage finds what replay finds");
    if (!result.ok() && result.status().code() == Code::kCorruption && status.ok())
      expect(!lost.empty(), "salvage says what keeps the log from being replayed");
  }
}

// Walks the records and gives each its checksum, and the header and the seals theirs.
void mend(std::vector<uint8_t>* input) {
  using namespace log_format;
  if (input->size() < kHeaderBytes) return;
  uint8_t* const data = input->data();
  const uint64_t number = number_of(*input);
  store(data + kHeaderCrcAt, crc32c(Bytes(*input).first(kHeaderCrcAt)));
  for (size_t i = 0; i < kSeals; ++i) {
    uint8_t* const seal = data + kSealAt + i * kSealBytes;
    if (i > 0 && load<uint64_t>(seal) == 0) continue;
    const Seal mended = make_seal(number, load<uint64_t>(seal));
    std::memcpy(seal, mended.data(), mended.size());
  }
  for (size_t at = kHeaderBytes; at + kRecordHeaderBytes <= input->size();) {
    const RecordHeader header = RecordHeader::read(data + at);
    if (header.record_bytes() > input->size() - at) return;
    store(data + at + 8, number);
    store(data + at, crc32c(Bytes(*input).subspan(at + 4, header.record_bytes() - 4)));
    at += header.record_bytes();
  }
}

}  // namespace tsfeat::fuzz
