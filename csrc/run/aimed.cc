// RunSource::aim and what follows it: many ranges of rows, each column of them in one go. Where they lie is worked out
// once; then, column by column, each chunk's bytes are called for some pieces ahead of the one being decoded.
#include <algorithm>
#include <cassert>

#include "run/source.h"

namespace tsfeat::run {
namespace {

// Ranges this short are picked row by row, with others of their page, rather than each decoded for itself.
constexpr uint64_t kPickedRows = 4;
// How far ahead memory is called for: enough to hide a miss, little enough to stay in the L1 cache.
constexpr size_t kRangesAhead = 8;
constexpr size_t kPiecesAhead = 6;
constexpr uint64_t kMostLines = 10;
constexpr size_t kPiecesReadTogether = 32;
constexpr size_t kLineBytes = 64;

}  // namespace

void RunSource::aim(std::span<const RowRange> ranges) {
  aimed_ = ranges;
  pieces_.clear();
  picks_.clear();
  aimed_events_ = 0;
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (i + kRangesAhead < ranges.size()) run_.prefetch_page_of(ranges[i + kRangesAhead].begin);
    aimed_events_ += ranges[i].size();
    if (ranges[i].size() > 0) aim_at(ranges[i]);
  }
}

void RunSource::aim_at(RowRange rows) {
  uint32_t page = page_of(rows.begin);
  for (uint64_t row = rows.begin;; ++page) {
    const RowRange here = run_.page_rows(page);
    const uint64_t end = std::min(rows.end, here.end);
    const auto first = static_cast<uint32_t>(row - here.begin);
    const auto last = static_cast<uint32_t>(end - here.begin);
    if (end - row <= kPickedRows) {
      pick(page, first, last);
    } else {
      pieces_.push_back({page, first, last, false});
    }
    if (!bypass_cache_) __builtin_prefetch(&run_.chunk_slot(page, kTimesChunk));
    if (end == rows.end) break;
    row = end;
  }
  last_page_ = page;
}

// Adds to the last piece if that has picks of the page before these.
void RunSource::pick(uint32_t page, uint32_t begin, uint32_t end) {
  const bool joins = !pieces_.empty() && pieces_.back().picks && pieces_.back().page == page && picks_.back() < begin;
  const auto at = static_cast<uint32_t>(picks_.size());
  if (!joins) pieces_.push_back({page, at, at, true});
  for (uint32_t row = begin; row < end; ++row) picks_.push_back(row);
  pieces_.back().end = static_cast<uint32_t>(picks_.size());
}

// Calls for the lines at about the piece's place: sizes differ little from page to page, so another's tells, and the
// entry itself need not be waited for.
void RunSource::prefetch(const Piece& piece, uint32_t chunk, size_t bytes_of_page) const {
  const CacheEntry* const entry = run_.chunk_slot(piece.page, chunk).entry.load(std::memory_order_acquire);
  if (entry == nullptr) return;
  __builtin_prefetch(entry);
  __builtin_prefetch(entry->data() + kLineBytes);
  if (piece.picks) return;
  const uint64_t page_rows = run_.page_rows(piece.page).size();
  const uint8_t* const place = entry->data() + bytes_of_page * piece.begin / page_rows;
  const uint64_t lines = std::min(kMostLines, 2 + (piece.end - piece.begin) * bytes_of_page / page_rows / kLineBytes);
  for (uint64_t line = 0; line < lines; ++line) __builtin_prefetch(place + line * kLineBytes);
}

// The last of the pages from the piece's on that are wanted one after the other, and so can be read in one go.
uint32_t RunSource::last_page_from(size_t piece) const {
  const size_t end = std::min(pieces_.size(), piece + kPiecesReadTogether);
  uint32_t last = pieces_[piece].page;
  for (size_t next = piece + 1; next < end && pieces_[next].page == last + 1; ++next) ++last;
  return last;
}

Status RunSource::decode_aimed(uint32_t chunk_number, uint32_t width, uint8_t* out) {
  const CallPin pin(*this);
  const codec::HotValues& hot = run_.hot_values(chunk_number);
  size_t bytes_of_page = 0;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    if (!bypass_cache_ && i + kPiecesAhead < pieces_.size())
      prefetch(pieces_[i + kPiecesAhead], chunk_number, bytes_of_page);
    const Piece& piece = pieces_[i];
    const auto page_rows = static_cast<uint32_t>(run_.page_rows(piece.page).size());
    Bytes plain;
    TSFEAT_TRY(chunk(piece.page, chunk_number, last_page_from(i), &plain));
    bytes_of_page = plain.size();
    if (piece.picks) {
      const std::span<const uint32_t> rows(picks_.data() + piece.begin, piece.end - piece.begin);
      codec::pick_fixed(plain, page_rows, width, rows, out, hot);
    } else {
      codec::decode_fixed(plain, page_rows, width, piece.begin, piece.end, out, hot);
    }
    out += size_t{piece.end - piece.begin} * width;
  }
  return {};
}

Status RunSource::aimed_times(int64_t* out) { return decode_aimed(kTimesChunk, 8, reinterpret_cast<uint8_t*>(out)); }

Status RunSource::aimed_versions(uint64_t* out) {
  TSFEAT_TRY(decode_aimed(kVersionsChunk, 8, reinterpret_cast<uint8_t*>(out)));
  expected_times_.resize(aimed_events_);
  TSFEAT_TRY(aimed_times(expected_times_.data()));
  run_.index().arrivals.add_expected(expected_times_.data(), aimed_events_, out);
  return {};
}

Status RunSource::aimed_fixed(const Column& column, uint8_t* out) {
  const RunColumn* const stored = column_at(column.id);
  assert(stored != nullptr && stored->width == column.width());
  return decode_aimed(stored->chunk, stored->width, out);
}

}  // namespace tsfeat::run
