// RunSource::aim and what follows it: many ranges of rows, each column of them in one go. Where they lie is worked out
// once; then, column by column, each chunk's bytes are called for some pieces ahead of the one being decoded.
#include <algorithm>
#include <cassert>
#include <cstring>

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
// Overlapping ranges are decoded as one up to this size, which the L1 cache holds, and copied from there.
constexpr uint64_t kMostSharedRows = 4096;

template <typename T>
void scatter(const uint8_t* values, std::span<const uint64_t> places, uint8_t* out) {
  for (size_t i = 0; i < places.size(); ++i) store<T>(out + places[i] * sizeof(T), load<T>(values + i * sizeof(T)));
}

void scatter(const uint8_t* values, uint32_t width, std::span<const uint64_t> places, uint8_t* out) {
  switch (width) {
    case 1:
      return scatter<uint8_t>(values, places, out);
    case 2:
      return scatter<uint16_t>(values, places, out);
    case 4:
      return scatter<uint32_t>(values, places, out);
    case 8:
      return scatter<uint64_t>(values, places, out);
    default:
      for (const uint64_t place : places) {
        std::memcpy(out + place * width, values, width);
        values += width;
      }
  }
}

// The aims from `first` on whose rows overlap: where they end, all their rows, and how many they are, counted each time.
struct Overlap {
  size_t end = 0;
  RowRange whole;
  uint64_t events = 0;
};

Overlap overlap_from(std::span<const Aim> aims, size_t first) {
  Overlap found{first + 1, aims[first].rows, aims[first].rows.size()};
  for (; found.end < aims.size(); ++found.end) {
    const RowRange& rows = aims[found.end].rows;
    if (rows.begin >= found.whole.end || rows.end <= found.whole.begin) break;
    const RowRange both{std::min(rows.begin, found.whole.begin), std::max(rows.end, found.whole.end)};
    if (both.size() > kMostSharedRows) break;
    found.whole = both;
    found.events += rows.size();
  }
  return found;
}

}  // namespace

void RunSource::aim(std::span<const Aim> aims) {
  aimed_ = aims;
  pieces_.clear();
  picks_.clear();
  pick_places_.clear();
  copies_.clear();
  window_rows_ = places_ = 0;
  size_t called = 0;
  for (size_t i = 0; i < aims.size();) {
    const Overlap overlap = overlap_from(aims, i);
    for (; called < std::min(overlap.end + kRangesAhead, aims.size()); ++called) {
      run_.prefetch_page_of(aims[called].rows.begin);
    }
    const std::span<const Aim> group = aims.subspan(i, overlap.end - i);
    if (2 * overlap.events >= 3 * overlap.whole.size()) {
      aim_shared(group, overlap.whole);
    } else {
      for (const Aim& aim : group) aim_at(aim, PieceKind::kRows);
    }
    i = overlap.end;
  }
}

void RunSource::aim_shared(std::span<const Aim> aims, RowRange whole) {
  if (whole.size() == 0) return;
  aim_at({whole, 0}, PieceKind::kShared);
  for (const Aim& aim : aims) {
    copies_.push_back({aim.rows.begin - whole.begin, aim.at, aim.rows.size()});
    places_ = std::max(places_, aim.at + aim.rows.size());
  }
  pieces_.back().copies = static_cast<uint32_t>(aims.size());
  window_rows_ = std::max(window_rows_, whole.size());
}

void RunSource::aim_at(const Aim& aim, PieceKind kind) {
  const RowRange& rows = aim.rows;
  if (rows.size() == 0) return;
  if (kind == PieceKind::kRows) places_ = std::max(places_, aim.at + rows.size());
  uint32_t page = page_of(rows.begin);
  uint64_t at = aim.at;
  for (uint64_t row = rows.begin;; ++page) {
    const RowRange here = run_.page_rows(page);
    const uint64_t end = std::min(rows.end, here.end);
    const auto first = static_cast<uint32_t>(row - here.begin);
    const auto last = static_cast<uint32_t>(end - here.begin);
    if (end - row <= kPickedRows && kind == PieceKind::kRows) {
      pick(page, first, last, at);
    } else {
      pieces_.push_back({at, page, first, last, 0, kind});
    }
    if (!bypass_cache_) __builtin_prefetch(&run_.chunk_slot(page, kTimesChunk));
    if (end == rows.end) break;
    at += end - row;
    row = end;
  }
  last_page_ = page;
}

// Adds to the last piece if that has picks of the page before these.
void RunSource::pick(uint32_t page, uint32_t begin, uint32_t end, uint64_t at) {
  const bool joins =
      !pieces_.empty() && pieces_.back().picks() && pieces_.back().page == page && picks_.back() < begin;
  const auto first = static_cast<uint32_t>(picks_.size());
  if (!joins) {
    pieces_.push_back({at, page, first, first, 0, PieceKind::kPicks});
  } else if (pick_places_.back() + 1 != at) {
    pieces_.back().kind = PieceKind::kScatteredPicks;
  }
  for (uint32_t row = begin; row < end; ++row) {
    picks_.push_back(row);
    pick_places_.push_back(at++);
  }
  pieces_.back().end = static_cast<uint32_t>(picks_.size());
}

// Calls for the lines at about the piece's place: sizes differ little from page to page, so another's tells, and the
// entry itself need not be waited for.
void RunSource::prefetch(const Piece& piece, uint32_t chunk, size_t bytes_of_page) const {
  const CacheEntry* const entry = run_.chunk_slot(piece.page, chunk).entry.load(std::memory_order_acquire);
  if (entry == nullptr) return;
  __builtin_prefetch(entry);
  __builtin_prefetch(entry->data() + kLineBytes);
  if (piece.picks()) return;
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
  window_.resize(std::max(window_.size(), window_rows_ * width));
  const Copy* copy = copies_.data();
  size_t bytes_of_page = 0;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    if (!bypass_cache_ && i + kPiecesAhead < pieces_.size())
      prefetch(pieces_[i + kPiecesAhead], chunk_number, bytes_of_page);
    const Piece& piece = pieces_[i];
    Bytes plain;
    TSFEAT_TRY(chunk(piece.page, chunk_number, last_page_from(i), &plain));
    bytes_of_page = plain.size();
    if (piece.picks()) {
      decode_picks(piece, plain, chunk_number, width, out);
      continue;
    }
    uint8_t* const to = piece.kind == PieceKind::kShared ? window_.data() : out;
    codec::decode_fixed(plain, static_cast<uint32_t>(run_.page_rows(piece.page).size()), width, piece.begin, piece.end,
                        to + piece.at * width, hot);
    for (const Copy* const end = copy + piece.copies; copy < end; ++copy) {
      std::memcpy(out + copy->at * width, window_.data() + copy->from * width, copy->count * width);
    }
  }
  return {};
}

void RunSource::decode_picks(const Piece& piece, Bytes plain, uint32_t chunk_number, uint32_t width, uint8_t* out) {
  const size_t count = piece.end - piece.begin;
  const bool scattered = piece.kind == PieceKind::kScatteredPicks;
  if (scattered) window_.resize(std::max(window_.size(), count * width));
  uint8_t* const to = scattered ? window_.data() : out + piece.at * width;
  codec::pick_fixed(plain, static_cast<uint32_t>(run_.page_rows(piece.page).size()), width,
                    {picks_.data() + piece.begin, count}, to, run_.hot_values(chunk_number));
  if (scattered) scatter(to, width, {pick_places_.data() + piece.begin, count}, out);
}

Status RunSource::aimed_times(int64_t* out) { return decode_aimed(kTimesChunk, 8, reinterpret_cast<uint8_t*>(out)); }

Status RunSource::aimed_versions(uint64_t* out) {
  TSFEAT_TRY(decode_aimed(kVersionsChunk, 8, reinterpret_cast<uint8_t*>(out)));
  expected_times_.resize(places_);
  TSFEAT_TRY(aimed_times(expected_times_.data()));
  for (const Aim& aim : aimed_) {
    run_.index().arrivals.add_expected(expected_times_.data() + aim.at, aim.rows.size(), out + aim.at);
  }
  return {};
}

Status RunSource::aimed_fixed(const Column& column, uint8_t* out) {
  const RunColumn* const stored = column_at(column.id);
  assert(stored != nullptr && stored->width == column.width());
  return decode_aimed(stored->chunk, stored->width, out);
}

}  // namespace tsfeat::run
