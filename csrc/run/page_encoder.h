// Turns rows of sources into the bytes of a page.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "run/format.h"
#include "run/run.h"
#include "source/decode.h"

namespace tsfeat::run {

// Values of one column in one page, before encoding: a page of large values gets fewer rows. (One value may be larger.)
inline constexpr uint64_t kMaxPlainChunkBytes = 256 << 10;

struct EncodedPage {
  PageEntry entry;  // but for its place
  SourceStats stats;
  std::vector<ColumnBounds> bounds;  // one a column
  uint64_t varlen_bytes = 0;         // of the largest varlen column, before encoding
};

class PageEncoder {
 public:
  PageEncoder(std::shared_ptr<const Schema> schema, const Layout& layout, const RunOptions& options);

  // Rows that fixed-width columns allow, at most `page_rows`.
  uint32_t most_rows(uint32_t page_rows) const;
  // Appends the page to *out. False (and *out as it was) if the rows are more than one and too large together.
  Result<bool> encode(std::span<const Slice> slices, uint32_t rows, std::string* out, EncodedPage* page);

 private:
  Status encode_times(uint32_t rows, std::string* out, EncodedPage* page);
  Result<bool> encode_column(size_t position, uint32_t rows, std::string* out, EncodedPage* page);
  // The chunk that was just appended to *out.
  void note_chunk(uint32_t chunk, const std::string& out);

  std::shared_ptr<const Schema> schema_;
  const Layout& layout_;
  const RunOptions& options_;
  size_t page_begin_ = 0;   // in *out, of the page being made
  size_t chunk_begin_ = 0;  // of the chunk being made
  std::string header_;
  SliceDecoder decoder_;
  std::vector<codec::ColumnHistory> histories_;  // by chunk
  std::vector<int64_t> times_;
  std::vector<uint8_t> values_;
  std::vector<uint8_t> validity_;
  codec::VarlenBuffer varlen_;
};

}  // namespace tsfeat::run
