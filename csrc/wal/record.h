// What the log says: one record per batch, and one per erasure. Encoded here, framed and checksummed by log.h.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "schema/batch.h"

namespace tsfeat {

// Category values first seen in a batch; codes count on from first_code.
struct NewCategories {
  uint32_t column_id = 0;
  uint32_t first_code = 0;
  std::vector<std::string> values;
};

struct BatchHeader {
  uint32_t table_id = 0;
  uint64_t version = 0;
  int64_t wall_clock = 0;  // at the append, in the table's unit
  std::string source;      // empty: none
  int64_t position = 0;
  std::vector<NewCategories> categories;
};

struct DeleteRecord {
  uint32_t table_id = 0;
  uint64_t version = 0;  // events up to it are erased
  struct Erasure {
    std::string key;         // its bytes, as in KeyView
    int64_t before = 0;      // exclusive ...
    bool everything = true;  // ... unless this is set
  };
  std::vector<Erasure> erasures;
};

// The head of a batch record; the body (keys, times, columns by id) follows in body order. To avoid a copy, the writer
// takes both as a list of spans: `scratch` owns what is not already in the caller's arrays, and outlives the spans.
struct EncodedRecord {
  std::string scratch;
  std::vector<Bytes> parts;
};
void encode_batch(const BatchHeader& header, const Schema& schema, const Batch& batch, EncodedRecord* out);
void encode_delete(const DeleteRecord& record, EncodedRecord* out);

struct DecodedBatch {
  BatchHeader header;
  std::vector<uint32_t> column_ids;  // of `batch.columns`, in order
  Batch batch;                       // views into the record (which is 8-byte aligned) and into `aligned`
  std::deque<std::string> aligned;   // storage for anything that had to be moved; its strings never do
};
enum class RecordKind : uint8_t { kBatch = 1, kDelete = 2 };
Result<RecordKind> record_kind(Bytes record);
// Checked against overlong and inconsistent lengths: a record from a hostile file yields kCorruption, never a bad view.
Result<uint32_t> record_table_id(Bytes record);
Result<DecodedBatch> decode_batch(Bytes record, const Schema& schema);  // columns the schema lacks: kCorruption
Result<DeleteRecord> decode_delete(Bytes record);

}  // namespace tsfeat
