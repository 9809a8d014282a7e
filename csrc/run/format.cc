#include "run/format.h"

#include <algorithm>

#include "base/crc32c.h"
#include "run/bloom.h"

namespace tsfeat::run {
namespace {

constexpr size_t kPageEntryBytes = 36;
constexpr size_t kDirectoryEntryBytes = 26;  // without the first key

Status bad(const char* what) { return Status::corruption(std::string("the index is damaged: ") + what); }

// Covers what precedes it and the format version behind it, in every version of the format: so a newer file is told
// from a damaged one.
uint32_t footer_crc(Bytes footer, uint32_t version) {
  uint8_t bytes[4];
  store(bytes, version);
  return crc32c(bytes, crc32c(footer.first(kFooterBytes - kFooterTailBytes)));
}

// Walks pages and directory blocks in the order of their offsets: the file holds them in the order in which they were
// filled.
Status check_tiling(const Index& index, uint64_t end) {
  size_t page = 0;
  size_t block = 0;
  const size_t pages = index.pages.size() - 1;
  for (uint64_t at = 0; at < end;) {
    if (page < pages && index.pages[page].offset == at) {
      at += index.pages[page++].bytes;
    } else if (block < index.directory.size() && index.directory[block].offset == at) {
      at += index.directory[block++].bytes;
    } else {
      return bad("pages and directory blocks leave a gap or overlap");
    }
    if (at > end) return bad("a page or a directory block reaches into what follows");
  }
  if (page != pages || block != index.directory.size()) return bad("pages or directory blocks lie outside of the file");
  return {};
}

// Hot values end where the bloom filter begins, one list behind the other; returns where they begin.
Result<uint64_t> check_hot(const Index& index, uint64_t end) {
  uint64_t at = end;
  for (size_t i = index.hot.size(); i-- > 0;) {
    if (index.hot[i].bytes > at || index.hot[i].offset != at - index.hot[i].bytes)
      return bad("hot values leave a gap or overlap");
    at = index.hot[i].offset;
  }
  return at;
}

void write_numbers(const std::vector<uint64_t>& numbers, codec::Kind kind, ByteWriter* writer) {
  std::string chunk;
  codec::encode_fixed(reinterpret_cast<const uint8_t*>(numbers.data()), static_cast<uint32_t>(numbers.size()), 8, kind,
                      codec::Effort::kFast, &chunk);
  writer->text(chunk);
}

void write_arrivals(const std::vector<Arrival>& entries, ByteWriter* writer) {
  writer->fixed(static_cast<uint32_t>(entries.size()));
  for (size_t begin = 0; begin < entries.size(); begin += codec::kMaxChunkValues) {
    const size_t end = std::min(entries.size(), begin + codec::kMaxChunkValues);
    std::vector<uint64_t> versions, times;
    for (size_t i = begin; i < end; ++i) {
      versions.push_back(entries[i].version);
      times.push_back(static_cast<uint64_t>(entries[i].last_time));
    }
    write_numbers(versions, codec::Kind::kUnsigned, writer);
    write_numbers(times, codec::Kind::kSigned, writer);
  }
}

Result<std::vector<uint64_t>> read_numbers(ByteReader& in, uint32_t count) {
  const Bytes chunk = as_bytes(in.text());
  TSFEAT_ASSIGN(const std::string inflated, codec::inflate_fixed(chunk, count, 8));
  const Bytes plain = inflated.empty() ? chunk : as_bytes(inflated);
  TSFEAT_TRY(codec::check_fixed(plain, count, 8));
  std::vector<uint64_t> numbers(count);
  codec::decode_fixed(plain, count, 8, 0, count, reinterpret_cast<uint8_t*>(numbers.data()));
  return numbers;
}

Result<Arrivals> read_arrivals(ByteReader& in, const Footer& footer) {
  const auto entries = in.fixed<uint32_t>();
  if (entries > footer.meta.stats.events) return bad("it has more arrivals than events");
  std::vector<Arrival> out;
  while (out.size() < entries) {
    const auto count = static_cast<uint32_t>(std::min<size_t>(entries - out.size(), codec::kMaxChunkValues));
    TSFEAT_ASSIGN(const std::vector<uint64_t> versions, read_numbers(in, count));
    TSFEAT_ASSIGN(const std::vector<uint64_t> times, read_numbers(in, count));
    for (uint32_t i = 0; i < count; ++i) {
      const Arrival entry{versions[i], static_cast<int64_t>(times[i])};
      if (!out.empty() && (entry.version <= out.back().version || entry.last_time <= out.back().last_time))
        return bad("its arrivals do not ascend");
      out.push_back(entry);
    }
  }
  return Arrivals(std::move(out));
}

Status read_hot(ByteReader& in, Index* index) {
  const auto lists = in.fixed<uint32_t>();
  if (lists > index->layout.columns().size()) return bad("it has more lists of hot values than columns");
  for (uint32_t i = 0; i < lists; ++i) {
    HotEntry& list = index->hot.emplace_back();
    list.column = in.fixed<uint32_t>();
    list.values = in.fixed<uint32_t>();
    list.offset = in.fixed<uint64_t>();
    list.bytes = in.fixed<uint32_t>();
    list.crc = in.fixed<uint32_t>();
    if (!in.ok() || list.values == 0 || list.values > codec::kMostHotValues || list.bytes == 0 ||
        list.column >= index->layout.columns().size() || (i > 0 && list.column <= index->hot[i - 1].column)) {
      return bad("it describes an impossible list of hot values");
    }
    const uint32_t width = index->layout.columns()[list.column].width;
    if (width != 4 && width != 8) return bad("a column of this width has no hot values");
  }
  return {};
}

Status read_pages(ByteReader& in, const Footer& footer, Index* index) {
  if (footer.pages > in.remaining() / kPageEntryBytes) return bad("its list of pages is cut off");
  index->pages.reserve(footer.pages + 1);
  uint64_t row = 0;
  for (uint64_t i = 0; i < footer.pages; ++i) {
    PageEntry& page = index->pages.emplace_back();
    page.first_row = row;
    page.offset = in.fixed<uint64_t>();
    page.bytes = in.fixed<uint32_t>();
    const auto rows = in.fixed<uint32_t>();
    page.header_crc = in.fixed<uint32_t>();
    page.min_time = in.fixed<int64_t>();
    page.max_time = in.fixed<int64_t>();
    if (rows == 0 || rows > codec::kMaxChunkValues) return bad("a page has an impossible number of rows");
    if (page.bytes < index->layout.header_bytes()) return bad("a page is too small");
    if (page.min_time > page.max_time || page.min_time < footer.meta.stats.min_time ||
        page.max_time > footer.meta.stats.max_time) {
      return bad("the times of a page leave those of the run");
    }
    row += rows;
  }
  if (row != footer.meta.stats.events) return bad("its pages do not add up to the run's events");
  index->pages.emplace_back().first_row = row;
  return {};
}

Status read_directory(ByteReader& in, const Footer& footer, Index* index) {
  if (footer.directory_blocks > in.remaining() / (kDirectoryEntryBytes + 1)) return bad("its directory is cut off");
  uint64_t keys = 0;
  uint64_t row = 0;
  for (uint64_t i = 0; i < footer.directory_blocks; ++i) {
    DirectoryEntry& block = index->directory.emplace_back();
    block.offset = in.fixed<uint64_t>();
    block.first_row = in.fixed<uint64_t>();
    block.bytes = in.fixed<uint32_t>();
    block.crc = in.fixed<uint32_t>();
    block.keys = in.fixed<uint16_t>();
    index->first_keys.emplace_back(in.text());
    if (!in.ok() || block.keys == 0 || block.keys > kMaxKeysPerBlock || block.bytes == 0) {
      return bad("it describes an impossible directory block");
    }
    if (i == 0 ? block.first_row != 0 : block.first_row <= row)
      return bad("the rows of directory blocks do not ascend");
    if (i > 0 && !(KeyView::from_bytes(as_bytes(index->first_keys[i - 1])) <
                   KeyView::from_bytes(as_bytes(index->first_keys[i])))) {
      return bad("the first keys of directory blocks do not ascend");
    }
    if (!is_varlen(index->layout.key_type()) && index->first_keys[i].size() != 8) return bad("a key has a wrong size");
    row = block.first_row;
    keys += block.keys;
  }
  if (keys != footer.meta.keys || (keys == 0) != (footer.meta.stats.events == 0)) {
    return bad("its directory does not add up to the run's keys");
  }
  return keys == 0 || row < footer.meta.stats.events ? Status() : bad("directory blocks lie behind the last row");
}

}  // namespace

void encode_footer(const Footer& footer, std::string* out) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.fixed(footer.meta.number);
  writer.fixed(footer.meta.bytes);
  writer.fixed(footer.meta.keys);
  writer.fixed(footer.meta.stats.events);
  writer.fixed(footer.meta.stats.min_time);
  writer.fixed(footer.meta.stats.max_time);
  writer.fixed(footer.meta.stats.min_version);
  writer.fixed(footer.meta.stats.max_version);
  writer.fixed(footer.pages);
  writer.fixed(footer.directory_blocks);
  writer.fixed(footer.bloom_offset);
  writer.fixed(footer.bloom_bytes);
  writer.fixed(footer.index_bytes);
  writer.fixed(footer.bloom_crc);
  writer.fixed(footer.index_crc);
  writer.fixed(uint64_t{0});  // reserved
  writer.fixed(footer_crc(as_bytes(bytes), kRunFormatVersion));
  writer.fixed(kRunFormatVersion);
  writer.fixed(kMagic);
  out->append(bytes);
}

namespace {

Footer read_fields(ByteReader& in) {
  Footer footer;
  footer.meta.number = in.fixed<uint64_t>();
  footer.meta.bytes = in.fixed<uint64_t>();
  footer.meta.keys = in.fixed<uint64_t>();
  footer.meta.stats.events = in.fixed<uint64_t>();
  footer.meta.stats.min_time = in.fixed<int64_t>();
  footer.meta.stats.max_time = in.fixed<int64_t>();
  footer.meta.stats.min_version = in.fixed<uint64_t>();
  footer.meta.stats.max_version = in.fixed<uint64_t>();
  footer.pages = in.fixed<uint64_t>();
  footer.directory_blocks = in.fixed<uint64_t>();
  footer.bloom_offset = in.fixed<uint64_t>();
  footer.bloom_bytes = in.fixed<uint64_t>();
  footer.index_bytes = in.fixed<uint64_t>();
  footer.bloom_crc = in.fixed<uint32_t>();
  footer.index_crc = in.fixed<uint32_t>();
  return footer;
}

Status check_sizes(const Footer& footer) {
  const uint64_t file_bytes = footer.meta.bytes;
  if (footer.bloom_offset > file_bytes || footer.bloom_bytes > file_bytes || footer.index_bytes > file_bytes ||
      footer.bloom_offset + footer.bloom_bytes + footer.index_bytes + kFooterBytes != file_bytes) {
    return Status::corruption("the footer's sizes do not add up to the file's");
  }
  return {};
}

}  // namespace

Result<Footer> decode_footer(Bytes bytes) {
  ByteReader in(bytes);
  Footer footer = read_fields(in);
  const auto reserved = in.fixed<uint64_t>();
  const auto crc = in.fixed<uint32_t>();
  const auto version = in.fixed<uint32_t>();
  const auto magic = in.fixed<uint64_t>();
  if (!in.done() || magic != kMagic) return Status::corruption("the file does not end as a run does");
  if (crc != footer_crc(bytes, version)) return Status::corruption("the footer's checksum does not match");
  if (version > kRunFormatVersion) {
    return Status(Code::kStorage, "format version " + std::to_string(version) +
                                      " is newer than this program, which reads up to " +
                                      std::to_string(kRunFormatVersion) + "; use a newer tsfeat");
  }
  if (version != kRunFormatVersion || reserved != 0) return Status::corruption("the footer is of no known version");
  TSFEAT_TRY(check_sizes(footer));
  return footer;
}

Result<Footer> guess_footer(Bytes bytes, const RunMeta& meta) {
  ByteReader in(bytes);
  Footer footer = read_fields(in);
  footer.meta = meta;
  // Offsets and sizes add up to the file's, so one of them may be damaged too.
  footer.bloom_bytes = Bloom::bytes_for(meta.keys);
  const uint64_t ends = footer.bloom_bytes + kFooterBytes;
  if (check_sizes(footer).ok()) return footer;
  if (ends > meta.bytes) return Status::corruption("the footer's sizes do not add up to the file's");
  if (footer.bloom_offset > meta.bytes - ends) {
    if (footer.index_bytes > meta.bytes - ends) return check_sizes(footer);
    footer.bloom_offset = meta.bytes - ends - footer.index_bytes;
  } else {
    footer.index_bytes = meta.bytes - ends - footer.bloom_offset;
  }
  return footer;
}

void encode_index(const Index& index, std::string* out) {
  ByteWriter writer(out);
  index.layout.encode(out);
  for (const ColumnBounds& bounds : index.bounds) {
    writer.fixed(bounds.flags);
    writer.fixed(bounds.min);
    writer.fixed(bounds.max);
  }
  writer.fixed(static_cast<uint32_t>(index.hot.size()));
  for (const HotEntry& list : index.hot) {
    writer.fixed(list.column);
    writer.fixed(list.values);
    writer.fixed(list.offset);
    writer.fixed(list.bytes);
    writer.fixed(list.crc);
  }
  write_arrivals(index.arrivals.entries(), &writer);
  for (size_t i = 0; i + 1 < index.pages.size(); ++i) {
    const PageEntry& page = index.pages[i];
    writer.fixed(page.offset);
    writer.fixed(page.bytes);
    writer.fixed(static_cast<uint32_t>(index.pages[i + 1].first_row - page.first_row));
    writer.fixed(page.header_crc);
    writer.fixed(page.min_time);
    writer.fixed(page.max_time);
  }
  for (size_t i = 0; i < index.directory.size(); ++i) {
    const DirectoryEntry& block = index.directory[i];
    writer.fixed(block.offset);
    writer.fixed(block.first_row);
    writer.fixed(block.bytes);
    writer.fixed(block.crc);
    writer.fixed(static_cast<uint16_t>(block.keys));
    writer.text(index.first_keys[i]);
  }
}

Result<Index> decode_index(Bytes bytes, const Footer& footer) {
  ByteReader in(bytes);
  Index index;
  TSFEAT_ASSIGN(index.layout, Layout::decode(in));
  for (const RunColumn& column : index.layout.columns()) {
    ColumnBounds& bounds = index.bounds.emplace_back();
    bounds.flags = in.fixed<uint8_t>();
    bounds.min = in.fixed<uint64_t>();
    bounds.max = in.fixed<uint64_t>();
    if (is_bounded(column.type) ? !is_sane(column.type, bounds) : bounds != ColumnBounds{}) {
      return bad("the bounds of a column are not in order");
    }
  }
  TSFEAT_TRY(read_hot(in, &index));
  TSFEAT_ASSIGN(index.arrivals, read_arrivals(in, footer));
  TSFEAT_TRY(read_pages(in, footer, &index));
  TSFEAT_TRY(read_directory(in, footer, &index));
  if (!in.done()) return bad("bytes follow its end");
  TSFEAT_ASSIGN(const uint64_t pages_end, check_hot(index, footer.bloom_offset));
  TSFEAT_TRY(check_tiling(index, pages_end));
  index.pages.back().offset = pages_end;
  return index;
}

}  // namespace tsfeat::run
