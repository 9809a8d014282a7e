// Where things are in every page of one run: the same for all its pages, so a chunk is found without parsing.
//
//   page:   header | times | versions | column 0 | validity 0 | column 1 | ...
//   header: { end u32, crc u32 } for each chunk | { flags u8, min [width], max [width] } for each bounded column
//
// Ends are counted from the page's start; a chunk begins where the one before it ends. An empty validity chunk: no
// nulls.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "run/bounds.h"
#include "schema/schema.h"

namespace tsfeat::run {

inline constexpr uint32_t kTimesChunk = 0;
inline constexpr uint32_t kVersionsChunk = 1;
inline constexpr uint32_t kChunkEntryBytes = 8;

struct RunColumn {
  uint32_t id = 0;
  Type type = Type::kInt64;
  uint32_t dimension = 1;
  bool nullable = false;
  uint32_t width = 0;           // 0 if variable
  uint32_t chunk = 0;           // of its values
  uint32_t validity_chunk = 0;  // 0 if it cannot have nulls
  uint32_t bounds_offset = 0;   // in the page header; 0 if it has no bounds
};

struct ChunkForm {
  uint32_t width = 0;  // of a value; 0 if variable
  uint32_t column = 0;
  bool validity = false;
};

class Layout {
 public:
  Layout() = default;
  static Layout of(const Schema& schema);

  void encode(std::string* out) const;
  static Result<Layout> decode(ByteReader& in);

  KeyType key_type() const { return key_type_; }
  const std::vector<RunColumn>& columns() const { return columns_; }
  uint32_t chunks() const { return static_cast<uint32_t>(forms_.size()); }
  const ChunkForm& form(uint32_t chunk) const { return forms_[chunk]; }
  uint32_t header_bytes() const { return header_bytes_; }
  std::optional<uint32_t> find(uint32_t column_id) const;
  // For messages: "the times", "the values of column 3".
  std::string chunk_name(uint32_t chunk) const;

  // Of a page's (checked) header.
  uint32_t chunk_begin(const uint8_t* header, uint32_t chunk) const {
    return chunk == 0 ? header_bytes_ : load<uint32_t>(header + (chunk - 1) * kChunkEntryBytes);
  }
  static uint32_t chunk_end(const uint8_t* header, uint32_t chunk) {
    return load<uint32_t>(header + chunk * kChunkEntryBytes);
  }
  static uint32_t chunk_crc(const uint8_t* header, uint32_t chunk) {
    return load<uint32_t>(header + chunk * kChunkEntryBytes + 4);
  }
  ColumnBounds bounds(const uint8_t* header, const RunColumn& column) const;
  // Whether a header may be trusted: chunks tile the page, flags agree with them.
  Status check_header(const uint8_t* header, uint32_t page_bytes) const;

 private:
  void place();  // fills what follows from types

  KeyType key_type_ = KeyType::kUint64;
  std::vector<RunColumn> columns_;
  std::vector<ChunkForm> forms_;
  std::vector<uint32_t> by_id_;  // positions, sorted by column id
  uint32_t header_bytes_ = 0;
};

}  // namespace tsfeat::run
