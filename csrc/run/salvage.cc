#include "run/salvage.h"

#include <algorithm>

#include "run/cursor.h"
#include "run/directory.h"
#include "run/run_file.h"

namespace tsfeat {
namespace {

using run::DirectoryEntry;
using run::DirectoryView;
using run::Layout;
using run::PageEntry;
using run::RunFile;

// Ranges of rows that were kept, and their numbers without the others.
class KeptRows {
 public:
  KeptRows(uint64_t events, std::vector<RowRange> lost) {
    std::sort(lost.begin(), lost.end(), [](const RowRange& a, const RowRange& b) { return a.begin < b.begin; });
    uint64_t at = 0;
    for (const RowRange& gap : lost) {
      if (gap.begin > at) add({at, gap.begin});
      at = std::max(at, gap.end);
    }
    if (at < events) add({at, events});
  }
  uint64_t size() const { return size_; }
  // How many kept rows stand before `row`.
  uint64_t rank(uint64_t row) const {
    const auto next = std::upper_bound(ranges_.begin(), ranges_.end(), row,
                                       [](uint64_t value, const RowRange& range) { return value < range.begin; });
    if (next == ranges_.begin()) return 0;
    const auto range = std::prev(next);
    return starts_[static_cast<size_t>(range - ranges_.begin())] + std::min(row, range->end) - range->begin;
  }
  // Calls visit(rows of the run, how many came before) for each piece of the kept rows `rows`.
  template <typename Visit>
  Status each(RowRange rows, Visit visit) const {
    auto i = static_cast<size_t>(std::upper_bound(starts_.begin(), starts_.end(), rows.begin) - starts_.begin()) - 1;
    for (uint64_t at = rows.begin; at < rows.end; ++i) {
      const uint64_t begin = ranges_[i].begin + (at - starts_[i]);
      const uint64_t end = std::min(ranges_[i].end, begin + (rows.end - at));
      TSFEAT_TRY(visit(RowRange{begin, end}, at - rows.begin));
      at += end - begin;
    }
    return {};
  }

 private:
  void add(RowRange range) {
    ranges_.push_back(range);
    starts_.push_back(size_);
    size_ += range.size();
  }
  std::vector<RowRange> ranges_;
  std::vector<uint64_t> starts_;  // the first kept number of each
  uint64_t size_ = 0;
};

// Keys of the directory blocks that are whole, with their rows that were kept.
class SalvageCursor final : public KeyCursor {
 public:
  SalvageCursor(std::unique_ptr<KeyCursor> inner, const KeptRows& kept) : inner_(std::move(inner)), kept_(kept) {}
  Result<bool> next() override {
    for (;;) {
      TSFEAT_ASSIGN(const bool more, inner_->next());
      if (!more) return false;
      const RowRange rows = inner_->rows();
      rows_ = {kept_.rank(rows.begin), kept_.rank(rows.end)};
      if (rows_.size() > 0) return true;
    }
  }
  KeyView key() const override { return inner_->key(); }
  RowRange rows() const override { return rows_; }

 private:
  const std::unique_ptr<KeyCursor> inner_;
  const KeptRows& kept_;
  RowRange rows_;
};

class SalvageSource final : public Source {
 public:
  SalvageSource(std::shared_ptr<RunFile> run, KeptRows kept, std::vector<uint32_t> blocks)
      : run_(std::move(run)), kept_(std::move(kept)), blocks_(std::move(blocks)), inner_(run_->source(true)) {
    stats_ = run_->meta().stats;
    stats_.events = kept_.size();
  }
  const SourceStats& stats() const override { return stats_; }
  Status locate(std::span<const Probe>, std::span<RowRange>) override {
    return Status(Code::kStorage, "what was salvaged of a run is for merging, not for reading");
  }
  std::unique_ptr<KeyCursor> walk() override {
    return std::make_unique<SalvageCursor>(make_cursor(*run_, &blocks_), kept_);
  }
  Result<uint64_t> seek(RowRange rows, int64_t time) override {
    std::vector<int64_t> found(rows.size());
    TSFEAT_TRY(times(rows, found.data()));
    return rows.begin + static_cast<uint64_t>(std::lower_bound(found.begin(), found.end(), time) - found.begin());
  }
  void arrivals(std::vector<Arrival>* out) const override { inner_->arrivals(out); }
  Status times(RowRange rows, int64_t* out) override {
    return kept_.each(rows, [&](RowRange piece, uint64_t at) { return inner_->times(piece, out + at); });
  }
  Status versions(RowRange rows, uint64_t* out) override {
    return kept_.each(rows, [&](RowRange piece, uint64_t at) { return inner_->versions(piece, out + at); });
  }
  bool has_column(uint32_t column_id) const override { return inner_->has_column(column_id); }
  Status fixed(const Column& column, RowRange rows, uint8_t* out) override {
    return kept_.each(
        rows, [&](RowRange piece, uint64_t at) { return inner_->fixed(column, piece, out + at * column.width()); });
  }
  Status varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) override {
    return kept_.each(rows, [&](RowRange piece, uint64_t) { return inner_->varlen(column, piece, out); });
  }
  Status validity(const Column& column, RowRange rows, uint8_t* out) override {
    return kept_.each(rows, [&](RowRange piece, uint64_t at) { return inner_->validity(column, piece, out + at); });
  }
  BlockBounds bounds(const Column*, uint64_t row) override { return {.rows = {row, row + 1}}; }

 private:
  const std::shared_ptr<RunFile> run_;
  const KeptRows kept_;
  const std::vector<uint32_t> blocks_;
  const std::unique_ptr<Source> inner_;
  SourceStats stats_;
};

// Tries every page and every directory block.
class Survey {
 public:
  Survey(const RunFile& run, std::vector<LostPart>* lost) : run_(run), lost_(lost) {}

  Status pages() {
    for (uint32_t page = 0; page < run_.pages(); ++page) {
      const PageEntry& entry = run_.page(page);
      const Status status = try_page(page, entry);
      if (!status.ok()) TSFEAT_TRY(note({entry.offset, entry.bytes, run_.page_rows(page), {}, {}}, status));
    }
    return {};
  }
  // Also finds the keys of the pages that are lost; returns the blocks that are whole.
  Result<std::vector<uint32_t>> directory() {
    std::vector<uint32_t> whole;
    const size_t pages = lost_->size();
    const auto& blocks = run_.index().directory;
    for (uint32_t block = 0; block < blocks.size(); ++block) {
      const Result<std::string> expanded = run_.load_directory(block);
      if (expanded.ok()) {
        whole.push_back(block);
        name_keys(DirectoryView(as_bytes(*expanded), run_.varlen_keys()), pages);
        continue;
      }
      const std::string first = text_of(run_.fences().key(block));
      LostPart part{blocks[block].offset,
                    blocks[block].bytes,
                    {blocks[block].first_row, run_.directory_end(block)},
                    std::pair(first, first),
                    {}};  // its other keys are not known
      TSFEAT_TRY(note(std::move(part), expanded.status()));
    }
    return whole;
  }

 private:
  Status note(LostPart part, const Status& status) {
    if (status.code() != Code::kCorruption) return status;
    part.message = status.message();
    lost_->push_back(std::move(part));
    return {};
  }

  Status try_page(uint32_t page, const PageEntry& entry) {
    raw_.resize(entry.bytes);
    TSFEAT_TRY(run_.file().read(entry.offset, {reinterpret_cast<uint8_t*>(raw_.data()), raw_.size()}));
    const Bytes raw = as_bytes(raw_);
    const Layout& layout = run_.layout();
    TSFEAT_TRY(run_.check_header(page, raw.first(layout.header_bytes())));
    for (uint32_t chunk = 0; chunk < layout.chunks(); ++chunk) {
      const uint32_t begin = layout.chunk_begin(raw.data(), chunk);
      const Bytes bytes = raw.subspan(begin, Layout::chunk_end(raw.data(), chunk) - begin);
      if (bytes.empty()) continue;
      // Also refuses codes for a list that is lost: they must not be taken for escapes.
      TSFEAT_TRY(run_.check_chunk(page, chunk, raw.data(), bytes, &inflated_));
    }
    return {};
  }

  static std::string text_of(const KeyView& key) {
    uint8_t room[8];
    const Bytes bytes = key.bytes(room);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  void name_keys(const DirectoryView& view, size_t pages) {
    for (size_t i = 0; i < pages; ++i) {
      LostPart& part = (*lost_)[i];
      for (uint32_t key = 0; key < view.keys() && view.rows(key).begin < part.rows.end; ++key) {
        if (view.rows(key).end <= part.rows.begin) continue;
        const std::string text = text_of(view.key(key));
        if (!part.keys) part.keys.emplace(text, text);
        part.keys->second = text;
      }
    }
  }

  const RunFile& run_;
  std::vector<LostPart>* lost_;
  std::string raw_, inflated_;
};

}  // namespace

Result<SalvagedRun> salvage_run(Vfs& vfs, const std::string& path, const RunMeta& meta, const Schema& schema,
                                std::shared_ptr<BlockCache> cache) {
  std::vector<Run::Problem> passed_over;
  TSFEAT_ASSIGN(std::shared_ptr<RunFile> run,
                run::open_run_file(vfs, path, meta, schema, std::move(cache), &passed_over));
  SalvagedRun out;
  Survey survey(*run, &out.lost);
  TSFEAT_TRY(survey.pages());
  TSFEAT_ASSIGN(std::vector<uint32_t> blocks, survey.directory());
  std::vector<RowRange> lost_rows;
  for (const LostPart& part : out.lost) lost_rows.push_back(part.rows);
  for (Run::Problem& problem : passed_over) out.lost.push_back({problem.offset, 0, {}, {}, std::move(problem.message)});
  KeptRows kept(run->meta().stats.events, std::move(lost_rows));
  out.events = kept.size();
  out.source = std::make_unique<SalvageSource>(std::move(run), std::move(kept), std::move(blocks));
  return out;
}

}  // namespace tsfeat
