#include "run/body_writer.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/planted.h"
#include "run/directory.h"

namespace tsfeat::run {
namespace {

constexpr size_t kBufferBytes = 256 << 10;
// The disk begins on so much at a time, so that little is left for the sync at the end, which a flush waits for.
constexpr uint64_t kSyncAheadBytes = 1 << 20;

Index empty_index(Layout layout) {
  Index index;
  index.bounds.resize(layout.columns().size());
  index.layout = std::move(layout);
  return index;
}

}  // namespace

BodyWriter::BodyWriter(std::unique_ptr<File> file, Layout layout, RunOptions options)
    : file_(std::move(file)),
      options_(std::move(options)),
      index_(empty_index(std::move(layout))),
      encoder_(index_.layout, options_) {}

Status BodyWriter::add_page(PlainPage* plain) {
  EncodedPage page;
  const uint64_t offset = place();
  TSFEAT_TRY(encoder_.encode(plain, &buffer_, &page));
  page.entry.offset = offset;
  note_page(page);
  if (buffer_.size() >= kBufferBytes) TSFEAT_TRY(flush_buffer());
  bytes_.store(place(), std::memory_order_relaxed);
  return {};
}

void BodyWriter::note_page(const EncodedPage& page) {
  PageEntry& entry = index_.pages.emplace_back(page.entry);
  entry.first_row = stats_.events;
  stats_.events += page.stats.events;
  stats_.min_time = std::min(stats_.min_time, page.stats.min_time);
  stats_.max_time = std::max(stats_.max_time, page.stats.max_time);
  stats_.min_version = std::min(stats_.min_version, page.stats.min_version);
  stats_.max_version = std::max(stats_.max_version, page.stats.max_version);
  for (size_t i = 0; i < page.bounds.size(); ++i) {
    widen(index_.layout.columns()[i].type, page.bounds[i], &index_.bounds[i]);
  }
}

void BodyWriter::add_directory(const DirectoryBlocks& blocks) {
  uint64_t offset = place();
  for (DirectoryEntry entry : blocks.entries) {
    entry.offset = offset;
    offset += entry.bytes;
    index_.directory.push_back(entry);
  }
  buffer_ += blocks.bytes;
  bytes_.store(place(), std::memory_order_relaxed);
}

void BodyWriter::write_hot() {
  for (uint32_t column = 0; column < options_.hot.size(); ++column) {
    if (options_.hot[column] == nullptr) continue;
    const codec::HotCodes& hot = *options_.hot[column];
    std::string values;
    ByteWriter writer(&values);
    for (const uint64_t value : hot.values()) {
      hot.width() == 8 ? writer.fixed(value) : writer.fixed(static_cast<uint32_t>(value));
    }
    HotEntry& entry = index_.hot.emplace_back();
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

Status BodyWriter::flush_buffer() {
  TSFEAT_TRY(file_->write(written_, as_bytes(buffer_)));
  written_ += buffer_.size();
  buffer_.clear();
  if (written_ - synced_ahead_ >= kSyncAheadBytes) {
    file_->sync_ahead(synced_ahead_, written_ - synced_ahead_);
    synced_ahead_ = written_;
  }
  return {};
}

Status BodyWriter::end_rows() {
  write_hot();
  return flush_buffer();
}

Result<Bloom> BodyWriter::make_bloom(Vfs& vfs, uint64_t keys) const {
  Bloom bloom(keys);
  if (keys == 0) return bloom;
  TSFEAT_ASSIGN(const std::unique_ptr<File> file, vfs.open(file_->path(), OpenMode::kRead));
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
    const uint64_t next_row = i + 1 < index_.directory.size() ? index_.directory[i + 1].first_row : stats_.events;
    TSFEAT_ASSIGN(const std::string expanded, expand_directory(as_bytes(raw), entry, next_row, varlen));
    const DirectoryView view(as_bytes(expanded), varlen);
    for (uint32_t k = 0; k < view.keys(); ++k) bloom.add(hash_key(view.key(k)));
  }
  return bloom;
}

Status BodyWriter::finish(const Bloom& bloom, std::vector<std::string> first_keys, std::optional<uint64_t> version,
                          RunMeta* meta) {
  Footer footer;
  footer.pages = index_.pages.size();
  footer.directory_blocks = index_.directory.size();
  footer.bloom_offset = written_;
  footer.bloom_bytes = bloom.bytes().size();
  footer.bloom_crc = crc32c(bloom.bytes());
  ByteWriter(&buffer_).bytes(bloom.bytes());

  if (version) {
    // Every row says that it is no version away from the expected one: the same at all times, which is known now.
    stats_.min_version = stats_.max_version = *version;
    options_.arrivals = std::make_shared<const Arrivals>(std::vector<Arrival>{{*version, stats_.max_time}});
  }
  if (options_.arrivals != nullptr) index_.arrivals = options_.arrivals->between(stats_.min_time, stats_.max_time);
  index_.first_keys = std::move(first_keys);
  PageEntry& end = index_.pages.emplace_back();
  end.first_row = stats_.events;
  std::string index;
  encode_index(index_, &index);
  footer.index_bytes = index.size();
  footer.index_crc = crc32c(as_bytes(index));
  buffer_ += index;

  meta->stats = stats_;
  meta->bytes = place() + kFooterBytes;
  footer.meta = *meta;
  encode_footer(footer, &buffer_);
  TSFEAT_TRY(flush_buffer());
  return planted("run_sync") ? Status() : file_->sync();
}

}  // namespace tsfeat::run
