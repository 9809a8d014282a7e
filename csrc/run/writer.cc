// RunWriter in two stages: gathering keys and rows into columns here, where their sources are, and encoding and placing
// them (body_writer.h), which may be done aside.

#include <algorithm>
#include <limits>

#include "base/crc32c.h"
#include "base/second_stage.h"
#include "run/body_writer.h"
#include "run/directory.h"
#include "run/plain_page.h"
#include "run/run.h"

namespace tsfeat {
namespace {

using run::Bloom;
using run::BodyWriter;
using run::DirectoryBlocks;
using run::DirectoryBuilder;
using run::DirectoryEntry;
using run::Layout;
using run::PageGatherer;
using run::PlainPage;

constexpr size_t kDirectoryBytes = 1 << 20;
// Of pages that wait for the second stage.
constexpr uint64_t kWaitingBytes = uint64_t{1} << 20;
constexpr uint64_t kMostWaiting = 16;

// What the second stage gets: a page, if it has rows, then directory blocks, if there are any.
struct Piece {
  PlainPage page;
  DirectoryBlocks blocks;
};

class Writer final : public RunWriter {
 public:
  Writer(Vfs& vfs, std::unique_ptr<File> file, uint64_t number, const std::shared_ptr<const Schema>& schema,
         const RunOptions& options)
      : vfs_(vfs),
        aside_(options.aside),
        directory_(schema->key_type, options.effort),
        body_(std::move(file), Layout::of(*schema), options),
        gatherer_(schema, body_.layout()),
        most_rows_(gatherer_.most_rows(options.page_rows)),
        page_rows_(most_rows_),
        stage_([this](Piece& piece) { return write(piece); },
               std::clamp(kWaitingBytes / gatherer_.most_bytes(most_rows_), uint64_t{1}, kMostWaiting)) {
    meta_.number = number;
  }

  Status append(const KeyView& key, std::span<const Slice> slices) override;
  uint64_t events() const override { return events_; }
  uint64_t bytes() const override { return body_.bytes() + finished_.bytes.size(); }
  Status end_page() override { return give_pending(); }
  Status end_rows() override {
    TSFEAT_TRY(close_rows());
    return body_.sync();
  }
  Result<RunMeta> finish(std::optional<uint64_t> version) override {
    if (!bloom_) TSFEAT_TRY(close_rows());
    TSFEAT_TRY(body_.finish(*bloom_, std::move(first_keys_), version, &meta_));
    return meta_;
  }

 private:
  // The first stage.
  Status note_key(const KeyView& key, uint32_t rows);
  Status gather(Slice slice);
  Status give_pending();
  Status give_page(std::span<const Slice> slices, uint32_t rows);
  Status give_halves(std::span<const Slice> slices, uint32_t rows);
  Status end_directory_block();
  Status give_directory();
  Status close_rows();
  bool aside() const { return aside_ && aside_(); }
  // The second.
  Status write(Piece& piece);

  Vfs& vfs_;
  const std::function<bool()> aside_;
  RunMeta meta_;
  DirectoryBuilder directory_;
  uint64_t block_first_row_ = 0;
  DirectoryBlocks finished_;  // not given to the second stage yet
  std::vector<std::string> first_keys_;
  OwnedKey last_key_;
  uint64_t events_ = 0;  // appended
  BodyWriter body_;      // the second stage's, until that has finished
  PageGatherer gatherer_;
  const uint32_t most_rows_;
  uint32_t page_rows_;  // of the next page; fewer than most_rows_ while values are large
  std::vector<Slice> pending_;
  uint32_t pending_rows_ = 0;
  std::optional<Bloom> bloom_;  // when the rows have ended
  SecondStage<Piece> stage_;    // last: its thread uses the others
};

Status Writer::append(const KeyView& key, std::span<const Slice> slices) {
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

Status Writer::note_key(const KeyView& key, uint32_t rows) {
  if (meta_.keys > 0 && last_key_.view() == key) {
    if (directory_.extend(rows)) return {};
    return Status::schema("a key and its neighbours have more than 2^32 - 1 events in one run");
  }
  if (meta_.keys > 0 && !(last_key_.view() < key)) {
    return Status::corruption(body_.path() +
                              ": keys to be written do not ascend: a file that was read has them in a wrong order");
  }
  last_key_ = OwnedKey(key);
  if (directory_.full(rows)) TSFEAT_TRY(end_directory_block());
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
    if (pending_rows_ >= page_rows_) TSFEAT_TRY(give_pending());
  }
  return {};
}

Status Writer::give_pending() {
  if (pending_rows_ == 0) return {};
  TSFEAT_TRY(give_page(pending_, pending_rows_));
  pending_.clear();
  pending_rows_ = 0;
  return {};
}

Status Writer::give_page(std::span<const Slice> slices, uint32_t rows) {
  std::unique_ptr<Piece> piece = stage_.blank();
  TSFEAT_ASSIGN(const bool fits, gatherer_.gather(slices, rows, &piece->page));
  if (!fits) {
    piece.reset();  // so that the halves, and theirs, do not add up with it
    page_rows_ = std::max(uint32_t{1}, rows / 2);
    return give_halves(slices, rows);
  }
  if (piece->page.may_grow()) page_rows_ = std::min(most_rows_, page_rows_ * 2);
  return stage_.give(std::move(piece), aside());
}

Status Writer::give_halves(std::span<const Slice> slices, uint32_t rows) {
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
  TSFEAT_TRY(give_page(half, rows / 2));
  half.assign(slices.begin() + static_cast<ptrdiff_t>(i), slices.end());
  half.front().rows.begin += skip;
  return give_page(half, rows - rows / 2);
}

Status Writer::end_directory_block() {
  if (directory_.empty()) return {};
  DirectoryEntry& entry = finished_.entries.emplace_back();
  entry.first_row = block_first_row_;
  entry.keys = directory_.keys();
  first_keys_.push_back(directory_.first_key());
  const size_t before = finished_.bytes.size();
  directory_.finish(&finished_.bytes);
  const Bytes block = as_bytes(finished_.bytes).subspan(before);
  if (block.size() > run::kMaxBlockBytes) return Status::schema("a key is larger than 4 GiB");
  entry.bytes = static_cast<uint32_t>(block.size());
  entry.crc = crc32c(block);
  return finished_.bytes.size() >= kDirectoryBytes ? give_directory() : Status();
}

// Many together, so that they can be read together.
Status Writer::give_directory() {
  std::unique_ptr<Piece> piece = stage_.blank();
  piece->page.rows = 0;
  std::swap(piece->blocks, finished_);
  return stage_.give(std::move(piece), aside());
}

Status Writer::write(Piece& piece) {
  if (piece.page.rows > 0) TSFEAT_TRY(body_.add_page(&piece.page));
  body_.add_directory(piece.blocks);
  piece.blocks.entries.clear();
  piece.blocks.bytes.clear();
  return {};
}

Status Writer::close_rows() {
  TSFEAT_TRY(give_pending());
  TSFEAT_TRY(end_directory_block());
  TSFEAT_TRY(give_directory());
  TSFEAT_TRY(stage_.finish());
  TSFEAT_TRY(body_.end_rows());
  TSFEAT_ASSIGN(bloom_, body_.make_bloom(vfs_, meta_.keys));
  return {};
}

}  // namespace

Result<std::unique_ptr<RunWriter>> RunWriter::create(Vfs& vfs, std::string path, uint64_t number,
                                                     std::shared_ptr<const Schema> schema, const RunOptions& options) {
  TSFEAT_ASSIGN(std::unique_ptr<File> file, vfs.open(path, OpenMode::kCreate));
  return std::unique_ptr<RunWriter>(std::make_unique<Writer>(vfs, std::move(file), number, schema, options));
}

}  // namespace tsfeat
