// The rows of a page as columns, before they are encoded: what lies between the sources that rows are merged from and
// the encoder, so that the two can be at work at the same time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "run/layout.h"
#include "source/decode.h"

namespace tsfeat::run {

// Values of one column in one page: a page of large values gets fewer rows. (One value may be larger.)
inline constexpr uint64_t kMaxPlainChunkBytes = 256 << 10;
// Of all columns of fixed width in one page, and of all others. (One row may be larger.)
inline constexpr uint64_t kMaxPlainPageBytes = 8 << 20;

struct PlainColumn {
  std::vector<uint8_t> values;    // of fixed width
  codec::VarlenBuffer varlen;     // of variable width
  std::vector<uint8_t> validity;  // a byte for each row, if there may be nulls
};

// Keeps its memory when it is filled again.
struct PlainPage {
  uint32_t rows = 0;
  std::vector<int64_t> times;
  std::vector<uint64_t> versions;
  std::vector<PlainColumn> columns;  // by position in the schema
  uint64_t varlen_bytes = 0;         // of all columns of variable width
  uint64_t most_varlen_bytes = 0;    // of the largest

  bool too_large() const {
    return rows > 1 && (most_varlen_bytes > kMaxPlainChunkBytes || varlen_bytes > kMaxPlainPageBytes);
  }
  // Whether the next page may have twice as many rows.
  bool may_grow() const {
    return most_varlen_bytes <= kMaxPlainChunkBytes / 4 && varlen_bytes <= kMaxPlainPageBytes / 4;
  }
};

class PageGatherer {
 public:
  // The layout, the schema's, is not owned.
  PageGatherer(std::shared_ptr<const Schema> schema, const Layout& layout);

  // Rows that fixed-width columns allow, at most `page_rows`.
  uint32_t most_rows(uint32_t page_rows) const;
  // What a page of so many rows takes at most. (One of one row may take more.)
  uint64_t most_bytes(uint32_t rows) const {
    return uint64_t{rows} * row_bytes_ + std::min(varlen_columns_ * kMaxPlainChunkBytes, kMaxPlainPageBytes);
  }
  // False if the page would be too large.
  Result<bool> gather(std::span<const Slice> slices, uint32_t rows, PlainPage* page);

 private:
  Status gather_column(size_t position, PlainPage* page);

  std::shared_ptr<const Schema> schema_;
  const Layout& layout_;
  uint64_t row_bytes_ = sizeof(int64_t) + sizeof(uint64_t);  // values of variable width not counted
  uint64_t varlen_columns_ = 0;
  SliceDecoder decoder_;
};

}  // namespace tsfeat::run
