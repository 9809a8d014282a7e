#include <algorithm>
#include <limits>

#include "base/crc32c.h"
#include "base/planted.h"
#include "run/bloom.h"
#include "run/directory.h"
#include "run/format.h"
#include "run/page_encoder.h"
#include "run/run.h"

namespace tsfeat {
namespace {

using run::Bloom;
using run::DirectoryBuilder;
using run::DirectoryEntry;
using run::EncodedPage;
using run::Index;
using run::Layout;
using run::PageEncoder;
using run::PageEntry;

constexpr size_t kBufferBytes = 256 << 10;
constexpr size_t kDirectoryBytes = 1 << 20;

class Writer final : public RunWriter {
 public:
  Writer(Vfs& vfs, std::unique_ptr<File> file, uint64_t number, const std::shared_ptr<const Schema>& schema,
         const RunOptions& options)
      : vfs_(vfs), file_(std::move(file)), options_(options), directory_(schema->key_type, options.effort) {
    meta_.number = number;
    index_.layout = Layout::of(*schema);
    index_.bounds.resize(index_.layout.columns().size());
    encoder_ = std::make_unique<PageEncoder>(schema, index_.layout, options_);
    most_rows_ = page_rows_ = encoder_->most_rows(options.page_rows);
  }

  Status append(const KeyView& key, std::span<const Slice> slices) override {
    uint64_t rows = 0;
    for (const Slice& slice : slices) rows += slice.rows.size();
    if (rows == 0) return {};
    if (rows > std::numeric_limits<uint32_t>::max())
      return Status::schema("a key has more than 2^32 - 1 events in one run");
    TSFEAT_TRY(note_key(key, static_cast<uint32_t>(rows)));
    events_ += rows;
    for (const Slice& slice : slices) TSFEAT_TRY(gather(slice));
    return {};
  }

  uint64_t events() const override { return events_; }
  uint64_t bytes() const override { return written_ + buffer_.size() + directory_blocks_.size(); }
  Status end_page() override { return write_pending(); }
  Status end_rows() override {
    TSFEAT_TRY(close_rows());
    return file_->sync();
  }
  Result<RunMeta> finish(std::optional<uint64_t> version) override;

 private:
  Status note_key(const KeyView& key, uint32_t rows);
  Status close_rows();
  uint64_t place() const { return written_ + buffer_.size(); }  // in the file, of what is added to the buffer
  Status gather(Slice slice);
  Status write_pending();
  Status write_page(std::span<const Slice> slices, uint32_t rows);
  Status write_halves(std::span<const Slice> slices, uint32_t rows);
  Status write_directory_block();
  void place_directory_blocks();
  void write_hot();
  Status flush_buffer();
  Result<Bloom> make_bloom();
  void note_page(const EncodedPage& page);

  Vfs& vfs_;
  std::unique_ptr<File> file_;
  RunOptions options_;
  RunMeta meta_;
  Index index_;  // pages without the closing one until finish()
  std::unique_ptr<PageEncoder> encoder_;
  DirectoryBuilder directory_;
  uint64_t block_first_row_ = 0;
  OwnedKey last_key_;
  uint64_t events_ = 0;        // appended
  uint64_t rows_written_ = 0;  // in pages
  uint32_t most_rows_ = 0;
  uint32_t page_rows_ = 0;  // of the next page; fewer than most_rows_ while values are large
  std::vector<Slice> pending_;
  uint32_t pending_rows_ = 0;
  std::string directory_blocks_;  // finished, not in the buffer yet
  size_t placed_blocks_ = 0;
  std::string buffer_;  // goes to the file at offset written_
  uint64_t written_ = 0;
  std::optional<Bloom> bloom_;  // when the rows have ended
};

Status Writer::note_key(const KeyView& key, uint32_t rows) {
  if (meta_.keys > 0 && last_key_.view() == key) {
    if (directory_.extend(rows)) return {};
    return Status::schema("a key and its neighbours have more than 2^32 - 1 events in one run");
  }
  if (meta_.keys > 0 && !(last_key_.view() < key)) {
    return Status::corruption(file_->path() +
                              ": keys to be written do not ascend: a file that was read has them in a wrong order");
  }
  last_key_ = OwnedKey(key);
  if (directory_.full(rows)) TSFEAT_TRY(write_directory_block());
  if (directory_.empty()) block_first_row_ = events_;
  directory_.add(key, rows);
  ++meta_.keys;
  return {};
}

// Splits slices at page boundaries; joins neighbours, so that sources are called for few, long ranges.
Status Writer::gather(Slice slice) {
  while (slice.rows.size() > 0) {
    const uint64_t take = std::min<uint64_t>(slice.rows.size(), page_rows_ - pending_rows_);
    const RowRange piece{slice.rows.begin, slice.rows.begin + take};
    const bool joins = !pending_.empty() && pending_.back().source == slice.source &&
                       pending_.back().rows.end == piece.begin && slice.source->ranges_may_cross_keys();
    if (joins) {
      pending_.back().rows.end = piece.end;
    } else {
      pending_.push_back({slice.source, piece});
    }
    pending_rows_ += static_cast<uint32_t>(take);
    slice.rows.begin += take;
    if (pending_rows_ >= page_rows_) TSFEAT_TRY(write_pending());
  }
  return {};
}

Status Writer::write_pending() {
  if (pending_rows_ == 0) return {};
  TSFEAT_TRY(write_page(pending_, pending_rows_));
  pending_.clear();
  pending_rows_ = 0;
  return buffer_.size() >= kBufferBytes ? flush_buffer() : Status();
}

Status Writer::write_page(std::span<const Slice> slices, uint32_t rows) {
  EncodedPage page;
  const uint64_t offset = place();
  TSFEAT_ASSIGN(const bool written, encoder_->encode(slices, rows, &buffer_, &page));
  if (!written) {
    page_rows_ = std::max(uint32_t{1}, rows / 2);
    return write_halves(slices, rows);
  }
  if (page.varlen_bytes <= run::kMaxPlainChunkBytes / 4) page_rows_ = std::min(most_rows_, page_rows_ * 2);
  page.entry.offset = offset;
  note_page(page);
  return {};
}

Status Writer::write_halves(std::span<const Slice> slices, uint32_t rows) {
  std::vector<Slice> half;
  uint64_t left = rows / 2;
  size_t i = 0;
  for (; left > 0; ++i) {
    half.push_back(slices[i]);
    if (slices[i].rows.size() > left) break;
    left -= slices[i].rows.size();
  }
  uint64_t skip = 0;  // rows of slices[i] that are in the first half
  if (left > 0) {
    skip = left;
    half.back().rows.end = half.back().rows.begin + skip;
  }
  TSFEAT_TRY(write_page(half, rows / 2));
  half.assign(slices.begin() + static_cast<ptrdiff_t>(i), slices.end());
  half.front().rows.begin += skip;
  return write_page(half, rows - rows / 2);
}

void Writer::note_page(const EncodedPage& page) {
  PageEntry& entry = index_.pages.emplace_back(page.entry);
  entry.first_row = rows_written_;
  rows_written_ += page.stats.events;
  SourceStats& all = meta_.stats;
  all.events += page.stats.events;
  all.min_time = std::min(all.min_time, page.stats.min_time);
  all.max_time = std::max(all.max_time, page.stats.max_time);
  all.min_version = std::min(all.min_version, page.stats.min_version);
  all.max_version = std::max(all.max_version, page.stats.max_version);
  for (size_t i = 0; i < page.bounds.size(); ++i) {
    run::widen(index_.layout.columns()[i].type, page.bounds[i], &index_.bounds[i]);
  }
}

Status Writer::write_directory_block() {
  if (directory_.empty()) return {};
  DirectoryEntry& entry = index_.directory.emplace_back();
  entry.first_row = block_first_row_;
  entry.keys = directory_.keys();
  index_.first_keys.push_back(directory_.first_key());
  const size_t before = directory_blocks_.size();
  directory_.finish(&directory_blocks_);
  const Bytes block = as_bytes(directory_blocks_).subspan(before);
  if (block.size() > run::kMaxBlockBytes) return Status::schema("a key is larger than 4 GiB");
  entry.bytes = static_cast<uint32_t>(block.size());
  entry.crc = crc32c(block);
  if (directory_blocks_.size() >= kDirectoryBytes) place_directory_blocks();
  return {};
}

// Many together, so that they can be read together.
void Writer::place_directory_blocks() {
  uint64_t offset = place();
  for (; placed_blocks_ < index_.directory.size(); ++placed_blocks_) {
    DirectoryEntry& entry = index_.directory[placed_blocks_];
    entry.offset = offset;
    offset += entry.bytes;
  }
  buffer_ += directory_blocks_;
  directory_blocks_.clear();
}

void Writer::write_hot() {
  for (uint32_t column = 0; column < options_.hot.size(); ++column) {
    if (options_.hot[column] == nullptr) continue;
    const codec::HotCodes& hot = *options_.hot[column];
    std::string values;
    ByteWriter writer(&values);
    for (const uint64_t value : hot.values()) {
      hot.width() == 8 ? writer.fixed(value) : writer.fixed(static_cast<uint32_t>(value));
    }
    run::HotEntry& entry = index_.hot.emplace_back();
    entry.column = column;
    entry.values = hot.size();
    entry.offset = place();
    const size_t before = buffer_.size();
    codec::encode_fixed(as_bytes(values).data(), hot.size(), hot.width(), codec::Kind::kUnsigned, codec::Effort::kFast,
                        &buffer_);
    const Bytes list = as_bytes(buffer_).subspan(before);
    entry.bytes = static_cast<uint32_t>(list.size());
    entry.crc = crc32c(list);
  }
}

Status Writer::flush_buffer() {
  TSFEAT_TRY(file_->write(written_, as_bytes(buffer_)));
  written_ += buffer_.size();
  buffer_.clear();
  return {};
}

// From the directory blocks as they are in the file, so that memory does not grow with the number of keys while a run
// is written.
Result<Bloom> Writer::make_bloom() {
  Bloom bloom(meta_.keys);
  if (meta_.keys == 0) return bloom;
  TSFEAT_ASSIGN(const std::unique_ptr<File> file, vfs_.open(file_->path(), OpenMode::kRead));
  const bool varlen = is_varlen(index_.layout.key_type());
  std::string raw;
  for (size_t i = 0; i < index_.directory.size(); ++i) {
    const DirectoryEntry& entry = index_.directory[i];
    raw.resize(entry.bytes);
    TSFEAT_TRY(file->read(entry.offset, {reinterpret_cast<uint8_t*>(raw.data()), raw.size()}));
    if (crc32c(as_bytes(raw)) != entry.crc) {
      return Status::corruption(file_->path() + ": what was just written at offset " + std::to_string(entry.offset) +
                                " reads back differently; check the disk");
    }
    const uint64_t next_row = i + 1 < index_.directory.size() ? index_.directory[i + 1].first_row : events_;
    TSFEAT_ASSIGN(const std::string expanded, run::expand_directory(as_bytes(raw), entry, next_row, varlen));
    const run::DirectoryView view(as_bytes(expanded), varlen);
    for (uint32_t k = 0; k < view.keys(); ++k) bloom.add(hash_key(view.key(k)));
  }
  return bloom;
}

Status Writer::close_rows() {
  TSFEAT_TRY(write_pending());
  TSFEAT_TRY(write_directory_block());
  place_directory_blocks();
  write_hot();
  TSFEAT_TRY(flush_buffer());
  TSFEAT_ASSIGN(bloom_, make_bloom());
  return {};
}

Result<RunMeta> Writer::finish(std::optional<uint64_t> version) {
  if (!bloom_) TSFEAT_TRY(close_rows());
  run::Footer footer;
  footer.pages = index_.pages.size();
  footer.directory_blocks = index_.directory.size();
  footer.bloom_offset = written_;
  footer.bloom_bytes = bloom_->bytes().size();
  footer.bloom_crc = crc32c(bloom_->bytes());
  ByteWriter(&buffer_).bytes(bloom_->bytes());

  if (version) {
    // Every row says that it is no version away from the expected one: the same at all times, which is known now.
    meta_.stats.min_version = meta_.stats.max_version = *version;
    options_.arrivals = std::make_shared<const Arrivals>(std::vector<Arrival>{{*version, meta_.stats.max_time}});
  }
  if (options_.arrivals != nullptr)
    index_.arrivals = options_.arrivals->between(meta_.stats.min_time, meta_.stats.max_time);
  PageEntry& end = index_.pages.emplace_back();
  end.first_row = rows_written_;
  std::string index;
  run::encode_index(index_, &index);
  footer.index_bytes = index.size();
  footer.index_crc = crc32c(as_bytes(index));
  buffer_ += index;

  meta_.bytes = bytes() + run::kFooterBytes;
  footer.meta = meta_;
  run::encode_footer(footer, &buffer_);
  TSFEAT_TRY(flush_buffer());
  if (!planted("run_sync")) TSFEAT_TRY(file_->sync());
  return meta_;
}

}  // namespace

Result<std::unique_ptr<RunWriter>> RunWriter::create(Vfs& vfs, std::string path, uint64_t number,
                                                     std::shared_ptr<const Schema> schema, const RunOptions& options) {
  TSFEAT_ASSIGN(std::unique_ptr<File> file, vfs.open(path, OpenMode::kCreate));
  return std::unique_ptr<RunWriter>(std::make_unique<Writer>(vfs, std::move(file), number, schema, options));
}

}  // namespace tsfeat
