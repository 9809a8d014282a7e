// Turns the columns of a page into its bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "run/format.h"
#include "run/plain_page.h"
#include "run/run.h"

namespace tsfeat::run {

struct EncodedPage {
  PageEntry entry;  // but for its place
  SourceStats stats;
  std::vector<ColumnBounds> bounds;  // one a column
};

// Pages in their order: how a column's last chunks did decides what is tried for its next.
class PageEncoder {
 public:
  // Neither is owned.
  PageEncoder(const Layout& layout, const RunOptions& options);

  // Appends the page to *out. Its versions become distances from the expected ones. On failure *out is of no use.
  Status encode(PlainPage* plain, std::string* out, EncodedPage* page);

 private:
  void encode_times(PlainPage* plain, std::string* out, EncodedPage* page);
  void encode_column(size_t position, const PlainPage& plain, std::string* out, EncodedPage* page);
  // The chunk that was just appended to *out.
  void note_chunk(uint32_t chunk, const std::string& out);

  const Layout& layout_;
  const RunOptions& options_;
  size_t page_begin_ = 0;   // in *out, of the page being made
  size_t chunk_begin_ = 0;  // of the chunk being made
  std::string header_;
  std::vector<codec::ColumnHistory> histories_;  // by chunk
};

}  // namespace tsfeat::run
