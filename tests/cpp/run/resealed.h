// A run taken apart, to be changed and put together again with checksums that fit: what a reader refuses then, it
// refuses for what the bytes say.
#pragma once

#include <functional>
#include <string>

#include "base/crc32c.h"
#include "run/bloom.h"
#include "run/format.h"

namespace tsfeat::testing {

struct RunParts {
  std::string rows;  // pages, directory blocks, hot values: all in front of the bloom filter
  run::Bloom bloom{0};
  run::Index index;
  run::Footer footer;

  static RunParts of(const std::string& content) {
    RunParts parts;
    const Bytes all = as_bytes(content);
    parts.footer = *run::decode_footer(all.last(run::kFooterBytes));
    const run::Footer& footer = parts.footer;
    parts.rows = content.substr(0, footer.bloom_offset);
    parts.bloom = run::Bloom::from(all.subspan(footer.bloom_offset, footer.bloom_bytes));
    parts.index = *run::decode_index(all.subspan(footer.index_offset(), footer.index_bytes), footer);
    return parts;
  }

  Bytes piece(uint64_t offset, uint64_t bytes) const { return as_bytes(rows).subspan(offset, bytes); }
  uint8_t* at(uint64_t offset) { return reinterpret_cast<uint8_t*>(rows.data()) + offset; }
  uint8_t* header(size_t page) { return at(index.pages[page].offset); }

  // New checksums of what the index leads to.
  void seal_rows() {
    for (size_t i = 0; i + 1 < index.pages.size(); ++i) {
      run::PageEntry& page = index.pages[i];
      for (uint32_t chunk = 0; chunk < index.layout.chunks(); ++chunk) {
        const uint32_t begin = index.layout.chunk_begin(header(i), chunk),
                       end = run::Layout::chunk_end(header(i), chunk);
        if (begin < end && end <= page.bytes)
          store(header(i) + size_t{chunk} * run::kChunkEntryBytes + 4, crc32c(piece(page.offset + begin, end - begin)));
      }
      seal_header(i);
    }
    for (run::DirectoryEntry& block : index.directory) block.crc = crc32c(piece(block.offset, block.bytes));
    for (run::HotEntry& list : index.hot) list.crc = crc32c(piece(list.offset, list.bytes));
  }
  void seal_header(size_t page) {
    index.pages[page].header_crc = crc32c(piece(index.pages[page].offset, index.layout.header_bytes()));
  }

  // The file. edit_index: changes the index's bytes before they are sealed; edit_footer: what the footer says of the
  // file at last.
  std::string content(const std::function<void(std::string*)>& edit_index = {},
                      const std::function<void(run::Footer*)>& edit_footer = {}) {
    std::string encoded;
    run::encode_index(index, &encoded);
    if (edit_index) edit_index(&encoded);
    footer.bloom_offset = rows.size();
    footer.bloom_bytes = bloom.bytes().size();
    footer.bloom_crc = crc32c(bloom.bytes());
    footer.index_bytes = encoded.size();
    footer.index_crc = crc32c(as_bytes(encoded));
    footer.meta.bytes = rows.size() + footer.bloom_bytes + footer.index_bytes + run::kFooterBytes;
    if (edit_footer) edit_footer(&footer);
    std::string out = rows;
    ByteWriter(&out).bytes(bloom.bytes());
    out += encoded;
    run::encode_footer(footer, &out);
    return out;
  }
};

}  // namespace tsfeat::testing
