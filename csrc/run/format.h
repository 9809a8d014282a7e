// The bytes of a run that are found first: the footer, and what the index says. docs/format.md, "Runs", is normative.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "run/layout.h"
#include "run/run.h"

namespace tsfeat::run {

inline constexpr uint64_t kMagic = 0x316e75722e736674;  // "tfs.run1", read as a little-endian number
inline constexpr uint32_t kRunFormatVersion = 2;
inline constexpr size_t kFooterBytes = 136;
inline constexpr size_t kFooterTailBytes =
    16;  // checksum, format version, magic: the same in every version of the format
inline constexpr uint32_t kMaxKeysPerBlock = 256;
inline constexpr uint64_t kMaxBlockBytes = 0xffffffff;  // of a page or a directory block

struct Footer {
  RunMeta meta;
  uint64_t pages = 0;
  uint64_t directory_blocks = 0;
  uint64_t bloom_offset = 0;
  uint64_t bloom_bytes = 0;
  uint64_t index_bytes = 0;  // the index stands between the bloom filter and the footer
  uint32_t bloom_crc = 0;
  uint32_t index_crc = 0;
  uint64_t index_offset() const { return bloom_offset + bloom_bytes; }
};

void encode_footer(const Footer& footer, std::string* out);
// Bytes: the last kFooterBytes of the file. kStorage for a newer format. Sizes are checked against meta.bytes.
Result<Footer> decode_footer(Bytes bytes);
// Of a footer whose checksum does not match: what it says of the file's parts, and what the manifest says of the rest.
// No more than a guess: it holds if the index that it leads to has the checksum that it states.
Result<Footer> guess_footer(Bytes bytes, const RunMeta& meta);

// One page, as the index has it. In memory the index holds one more, which ends where the last page ends.
struct PageEntry {
  uint64_t first_row = 0;
  uint64_t offset = 0;
  uint32_t bytes = 0;
  uint32_t header_crc = 0;
  int64_t min_time = 0;
  int64_t max_time = 0;
};

struct DirectoryEntry {
  uint64_t offset = 0;
  uint64_t first_row = 0;
  uint32_t bytes = 0;
  uint32_t crc = 0;
  uint32_t keys = 0;
};

// A column's list of hot values: a fixed-width chunk.
struct HotEntry {
  uint32_t column = 0;  // position in the layout
  uint32_t values = 0;
  uint64_t offset = 0;
  uint32_t bytes = 0;
  uint32_t crc = 0;
};

struct Index {
  Layout layout;
  std::vector<ColumnBounds> bounds;  // of the whole run, one a column
  std::vector<HotEntry> hot;         // by column
  Arrivals arrivals;                 // versions are stored as distances from what these expect
  std::vector<PageEntry> pages;
  std::vector<DirectoryEntry> directory;
  std::vector<std::string> first_keys;  // bytes of the first key of each directory block
};

void encode_index(const Index& index, std::string* out);
// Checks all counts and orders: that pages, directory blocks and hot values tile [0, footer.bloom_offset), that rows
// add up to the footer's, that first keys ascend.
Result<Index> decode_index(Bytes bytes, const Footer& footer);

}  // namespace tsfeat::run
