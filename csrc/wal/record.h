// What the log says: one record per batch, and one per erasure. Encoded here, framed and checksummed by log.h.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
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

// A record's payload in one piece, with room in front for the log's own header: it is written as it lies, by one call.
// Kept from record to record for its memory; a giant batch's is given back.
class EncodedRecord {
 public:
  static constexpr size_t kRoomBytes = 24;   // log_format's record header
  static constexpr size_t kSlackBytes = 16;  // that may be written, and is not kept, behind what extend() gave

  void clear();
  uint8_t* extend(size_t bytes);  // uninitialized
  void append(Bytes bytes);
  void pad(size_t alignment);  // with zeros

  Bytes payload() const { return {buffer_.get() + kRoomBytes, size_}; }
  // The room, the payload, and what pad() may still add.
  uint8_t* whole() { return buffer_.get(); }

 private:
  std::unique_ptr<uint8_t[]> buffer_;
  size_t capacity_ = 0;  // for the payload
  size_t size_ = 0;
};
// Integers are written as their distance to the least of the batch, in as few bytes as that takes: much less to write
// and to sum than the caller's arrays.
void encode_batch(const BatchHeader& header, const Schema& schema, const Batch& batch, EncodedRecord* out);
void encode_delete(const DeleteRecord& record, EncodedRecord* out);

struct DecodedBatch {
  BatchHeader header;
  std::vector<uint32_t> column_ids;                // of `batch.columns`, in order
  Batch batch;                                     // views into the record (which is 8-byte aligned) and into `widened`
  std::deque<std::unique_ptr<uint8_t[]>> widened;  // what is not stored as the batch has it
};
enum class RecordKind : uint8_t { kBatch = 1, kDelete = 2 };
Result<RecordKind> record_kind(Bytes record);
// Checked against overlong and inconsistent lengths: a record from a hostile file yields kCorruption, never a bad view.
Result<uint32_t> record_table_id(Bytes record);
Result<DecodedBatch> decode_batch(Bytes record, const Schema& schema);  // columns the schema lacks: kCorruption
Result<DeleteRecord> decode_delete(Bytes record);

}  // namespace tsfeat
