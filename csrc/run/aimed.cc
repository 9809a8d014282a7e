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

// The aims from `first` on whose rows overlap: where they end, all their rows, and how many they are, counted each
// time.
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

void AimScratch::clear() {
  pieces.clear();
  picks.clear();
  pick_places.clear();
  copies.clear();
  window_rows = places = 0;
}

size_t AimScratch::held_bytes() const {
  return pieces.capacity() * sizeof(Piece) + picks.capacity() * 4 + pick_places.capacity() * 8 +
         copies.capacity() * sizeof(Copy) + window.capacity() +
         (expected_times.capacity() + sought_times.capacity()) * 8;
}

void RunSource::aim(std::span<const Aim> aims) {
  aimed_ = aims;
  scratch().clear();
  size_t called = 0;
  for (size_t i = 0; i < aims.size();) {
    for (; called < std::min(i + kRangesAhead, aims.size()); ++called) {
      run_.prefetch_page_of(aims[called].rows.begin);
    }
    if (const size_t end = pick_from(aims, i); end > i) {
      i = end;
      continue;
    }
    const Overlap overlap = overlap_from(aims, i);
    const std::span<const Aim> group = aims.subspan(i, overlap.end - i);
    if (2 * overlap.events >= 3 * overlap.whole.size()) {
      aim_shared(group, overlap.whole);
    } else {
      for (const Aim& aim : group) aim_at(aim, PieceKind::kRows);
    }
    i = overlap.end;
  }
}

// Short ranges from the first on that ascend in one page, as a filter leaves them; returns where they end.
size_t RunSource::pick_from(std::span<const Aim> aims, size_t first) {
  if (aims[first].rows.size() == 0 || aims[first].rows.size() > kPickedRows) return first;
  AimScratch& scratch = **scratch_;
  const uint32_t page = page_of(aims[first].rows.begin);
  const RowRange here = run_.page_rows(page);
  Piece piece{aims[first].at, page, static_cast<uint32_t>(scratch.picks.size()), 0, 0, PieceKind::kPicks};
  uint64_t next_row = here.begin;
  uint64_t next_place = piece.at;
  size_t i = first;
  for (; i < aims.size(); ++i) {
    const RowRange& rows = aims[i].rows;
    if (rows.begin < next_row || rows.end > here.end || rows.size() > kPickedRows) break;
    if (aims[i].at != next_place) piece.kind = PieceKind::kScatteredPicks;
    next_place = aims[i].at;
    for (uint64_t row = rows.begin; row < rows.end; ++row) {
      scratch.picks.push_back(static_cast<uint32_t>(row - here.begin));
      scratch.pick_places.push_back(next_place++);
    }
    scratch.places = std::max(scratch.places, next_place);
    next_row = rows.end;
  }
  piece.end = static_cast<uint32_t>(scratch.picks.size());
  if (i > first) add_piece(piece);
  return i;
}

void RunSource::add_piece(const Piece& piece) {
  (*scratch_)->pieces.push_back(piece);
  if (!bypass_cache_) __builtin_prefetch(&run_.chunk_slot(piece.page, kTimesChunk));
}

void RunSource::aim_shared(std::span<const Aim> aims, RowRange whole) {
  if (whole.size() == 0) return;
  aim_at({whole, 0}, PieceKind::kShared);
  AimScratch& scratch = **scratch_;
  for (const Aim& aim : aims) {
    scratch.copies.push_back({aim.rows.begin - whole.begin, aim.at, aim.rows.size()});
    scratch.places = std::max(scratch.places, aim.at + aim.rows.size());
  }
  scratch.pieces.back().copies = static_cast<uint32_t>(aims.size());
  scratch.window_rows = std::max(scratch.window_rows, whole.size());
}

void RunSource::aim_at(const Aim& aim, PieceKind kind) {
  const RowRange& rows = aim.rows;
  if (rows.size() == 0) return;
  if (kind == PieceKind::kRows) (*scratch_)->places = std::max((*scratch_)->places, aim.at + rows.size());
  uint32_t page = page_of(rows.begin);
  uint64_t at = aim.at;
  for (uint64_t row = rows.begin;; ++page) {
    const RowRange here = run_.page_rows(page);
    const uint64_t end = std::min(rows.end, here.end);
    add_piece({at, page, static_cast<uint32_t>(row - here.begin), static_cast<uint32_t>(end - here.begin), 0, kind});
    if (end == rows.end) break;
    at += end - row;
    row = end;
  }
  last_page_ = page;
}

// Calls for the lines at about the piece's place: sizes differ little from page to page, so another's tells, and the
// entry itself need not be waited for.
void RunSource::prefetch(const Piece& piece, uint32_t chunk) const {
  const CacheEntry* const entry = run_.chunk_slot(piece.page, chunk).entry.load(std::memory_order_acquire);
  if (entry == nullptr) return;
  __builtin_prefetch(entry);
  __builtin_prefetch(entry->data() + kLineBytes);
  if (piece.picks()) return;
  const uint64_t page_rows = run_.page_rows(piece.page).size();
  const uint64_t bytes_of_page = run_.typical_bytes(chunk);
  const uint8_t* const place = entry->data() + bytes_of_page * piece.begin / page_rows;
  const uint64_t lines = std::min(kMostLines, 2 + (piece.end - piece.begin) * bytes_of_page / page_rows / kLineBytes);
  for (uint64_t line = 0; line < lines; ++line) __builtin_prefetch(place + line * kLineBytes);
}

// The last of the pages from the piece's on that are wanted one after the other, and so can be read in one go.
uint32_t RunSource::last_page_from(size_t piece) const {
  const AimScratch& scratch = **scratch_;
  const size_t end = std::min(scratch.pieces.size(), piece + kPiecesReadTogether);
  uint32_t last = scratch.pieces[piece].page;
  for (size_t next = piece + 1; next < end && scratch.pieces[next].page == last + 1; ++next) ++last;
  return last;
}

uint32_t RunSource::chunk_of_column(size_t position) const {
  const auto& columns = run_.layout().columns();
  return position < columns.size() ? columns[position].chunk : kNoChunk;
}

Status RunSource::decode_aimed(uint32_t chunk_number, uint32_t width, uint32_t next_chunk, uint8_t* out) {
  const CallPin pin(*this);
  AimScratch& scratch = **scratch_;
  const codec::HotValues& hot = run_.hot_values(chunk_number);
  scratch.window.resize(std::max(scratch.window.size(), scratch.window_rows * width));
  const AimScratch::Copy* copy = scratch.copies.data();
  // Many pieces hide each other's misses. Where there are few, columns do.
  if (!bypass_cache_ && next_chunk != kNoChunk && scratch.pieces.size() < kPiecesAhead) {
    for (const Piece& piece : scratch.pieces) prefetch(piece, next_chunk);
  }
  for (size_t i = 0; i < scratch.pieces.size(); ++i) {
    if (!bypass_cache_ && i + kPiecesAhead < scratch.pieces.size())
      prefetch(scratch.pieces[i + kPiecesAhead], chunk_number);
    const Piece& piece = scratch.pieces[i];
    Bytes plain;
    TSFEAT_TRY(chunk(piece.page, chunk_number, last_page_from(i), &plain));
    if (piece.picks()) {
      decode_picks(piece, plain, chunk_number, width, out);
      continue;
    }
    uint8_t* const to = piece.kind == PieceKind::kShared ? scratch.window.data() : out;
    codec::decode_fixed(plain, static_cast<uint32_t>(run_.page_rows(piece.page).size()), width, piece.begin, piece.end,
                        to + piece.at * width, hot);
    for (const AimScratch::Copy* const end = copy + piece.copies; copy < end; ++copy) {
      std::memcpy(out + copy->at * width, scratch.window.data() + copy->from * width, copy->count * width);
    }
  }
  return {};
}

void RunSource::decode_picks(const Piece& piece, Bytes plain, uint32_t chunk_number, uint32_t width, uint8_t* out) {
  AimScratch& scratch = **scratch_;
  const size_t count = piece.end - piece.begin;
  const bool scattered = piece.kind == PieceKind::kScatteredPicks;
  if (scattered) scratch.window.resize(std::max(scratch.window.size(), count * width));
  uint8_t* const to = scattered ? scratch.window.data() : out + piece.at * width;
  codec::pick_fixed(plain, static_cast<uint32_t>(run_.page_rows(piece.page).size()), width,
                    {scratch.picks.data() + piece.begin, count}, to, run_.hot_values(chunk_number));
  if (scattered) scatter(to, width, {scratch.pick_places.data() + piece.begin, count}, out);
}

Status RunSource::aimed_times(int64_t* out) {
  return decode_aimed(kTimesChunk, 8, chunk_of_column(0), reinterpret_cast<uint8_t*>(out));
}

Status RunSource::aimed_versions(uint64_t* out) {
  TSFEAT_TRY(decode_aimed(kVersionsChunk, 8, kTimesChunk, reinterpret_cast<uint8_t*>(out)));
  AimScratch& scratch = **scratch_;
  scratch.expected_times.resize(scratch.places);
  TSFEAT_TRY(aimed_times(scratch.expected_times.data()));
  for (const Aim& aim : aimed_) {
    run_.index().arrivals.add_expected(scratch.expected_times.data() + aim.at, aim.rows.size(), out + aim.at);
  }
  return {};
}

Status RunSource::aimed_fixed(const Column& column, uint8_t* out) {
  const RunColumn* const stored = column_at(column.id);
  assert(stored != nullptr && stored->width == column.width());
  return decode_aimed(stored->chunk, stored->width, chunk_of_column(last_column_ + 1), out);
}

}  // namespace tsfeat::run
