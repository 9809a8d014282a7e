// RunSource::aim and what follows it: many ranges of rows, each column of them in one go, each chunk's bytes called for
// some pieces ahead of the one being decoded.
#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/stream.h"
#include "run/source.h"

namespace tsfeat::run {
namespace {

// How far ahead memory is called for: enough to hide a miss, little enough to stay in the L1 cache.
constexpr size_t kPiecesAhead = 6;
constexpr uint64_t kMostLines = 10;
constexpr uint64_t kMostLinesOfFew = 32;
constexpr size_t kLineBytes = 64;
// An array larger than this is out of the cache before it is complete.
constexpr uint64_t kStreamedArrayBytes = uint64_t{8} << 20;
constexpr size_t kCopiesAhead = 4;

using Copies = std::span<const AimPlan::Copy>;

// The first of the copies of shared rows, to their places in `out`.
void make_copies(Copies copies, uint32_t count, const uint8_t* window, uint32_t width, uint8_t* out) {
  for (const AimPlan::Copy& copy : copies.first(count)) {
    std::memcpy(out + copy.at * width, window + copy.from * width, copy.count * width);
  }
}

// The same into a large array: mostly each to another page of memory, whose address takes longer to find than the copy
// itself, so that it is called for some copies ahead.
void stream_copies(Copies copies, uint32_t count, const uint8_t* window, uint32_t width, uint8_t* out) {
  for (size_t i = 0; i < count; ++i) {
    const AimPlan::Copy& ahead = copies[std::min(i + kCopiesAhead, copies.size() - 1)];
    __builtin_prefetch(out + ahead.at * width, 1);
    __builtin_prefetch(out + (ahead.at + ahead.count) * width - 1, 1);
    stream_copy(out + copies[i].at * width, window + copies[i].from * width, copies[i].count * width);
  }
}

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

}  // namespace

void RunSource::aim(std::span<const Aim> aims) {
  aimed_ = aims;
  scratch().plan.make(run_, aims);
}

void RunSource::prefetch(const Piece& piece, uint32_t chunk, uint64_t most_lines) const {
  if (!piece.picks()) return prefetch(piece.page, chunk, piece.begin, piece.end, most_lines);
  const std::span<const uint32_t> rows = (*scratch_)->plan.picks(piece);
  prefetch(piece.page, chunk, rows.front(), rows.back() + 1, most_lines);
}

// Calls for the lines at about the rows' place: sizes differ little from page to page, so another's tells, and the
// entry itself need not be waited for.
void RunSource::prefetch(uint32_t page, uint32_t chunk, uint32_t begin, uint32_t end, uint64_t most_lines) const {
  const CacheEntry* const entry = run_.chunk_slot(page, chunk).entry.load(std::memory_order_acquire);
  if (entry == nullptr) return;
  __builtin_prefetch(entry);
  __builtin_prefetch(entry->data() + kLineBytes);
  const uint64_t page_rows = run_.page_rows(page).size();
  const uint64_t bytes_of_page = run_.typical_bytes(chunk);
  const uint8_t* const place = entry->data() + bytes_of_page * begin / page_rows;
  const uint64_t lines = std::min(most_lines, 2 + (end - begin) * bytes_of_page / page_rows / kLineBytes);
  for (uint64_t line = 0; line < lines; ++line) __builtin_prefetch(place + line * kLineBytes);
}

uint32_t RunSource::chunk_of_column(size_t position) const {
  const auto& columns = run_.layout().columns();
  return position < columns.size() ? columns[position].chunk : kNoChunk;
}

Status RunSource::decode_aimed(uint32_t chunk_number, uint32_t width, uint32_t next_chunk, uint8_t* out) {
  const CallPin pin(*this);
  const AimPlan& plan = scratch().plan;
  const std::span<const Piece> pieces = plan.pieces();
  std::vector<uint8_t>& window = scratch().window;
  window.resize(std::max(window.size(), plan.window_rows() * width));
  // Many pieces hide each other's misses. Where there are few, columns do: the next is called for while this is
  // decoded.
  if (!bypass_cache_ && next_chunk != kNoChunk && pieces.size() < kPiecesAhead) {
    for (const Piece& piece : pieces) prefetch(piece, next_chunk, kMostLinesOfFew);
  }
  Copies copies = plan.copies();
  const bool streams = plan.end_place() * width > kStreamedArrayBytes;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (!bypass_cache_ && i + kPiecesAhead < pieces.size())
      prefetch(pieces[i + kPiecesAhead], chunk_number, kMostLines);
    const Piece& piece = pieces[i];
    Bytes plain;
    TSFEAT_TRY(chunk(piece.page, chunk_number, plan.last_page_from(i), &plain));
    if (piece.picks()) {
      decode_picks(piece, plain, chunk_number, width, out);
      continue;
    }
    uint8_t* const to = piece.kind == PieceKind::kShared ? window.data() : out;
    codec::decode_fixed(plain, static_cast<uint32_t>(run_.page_rows(piece.page).size()), width, piece.begin, piece.end,
                        to + piece.at * width, run_.hot_values(chunk_number));
    if (piece.copies == 0) continue;
    (streams ? stream_copies : make_copies)(copies, piece.copies, window.data(), width, out);
    copies = copies.subspan(piece.copies);
  }
  if (streams) stream_done();
  return {};
}

void RunSource::decode_picks(const Piece& piece, Bytes plain, uint32_t chunk_number, uint32_t width, uint8_t* out) {
  const AimPlan& plan = scratch().plan;
  std::vector<uint8_t>& window = scratch().window;
  const bool scattered = piece.kind == PieceKind::kScatteredPicks;
  if (scattered) window.resize(std::max<size_t>(window.size(), size_t{piece.size()} * width));
  uint8_t* const to = scattered ? window.data() : out + piece.at * width;
  codec::pick_fixed(plain, static_cast<uint32_t>(run_.page_rows(piece.page).size()), width, plan.picks(piece), to,
                    run_.hot_values(chunk_number));
  if (scattered) scatter(to, width, plan.places(piece), out);
}

Status RunSource::aimed_times(int64_t* out) {
  return decode_aimed(kTimesChunk, 8, chunk_of_column(0), reinterpret_cast<uint8_t*>(out));
}

Status RunSource::aimed_versions(uint64_t* out) {
  TSFEAT_TRY(decode_aimed(kVersionsChunk, 8, kTimesChunk, reinterpret_cast<uint8_t*>(out)));
  std::vector<int64_t>& times = scratch().expected_times;
  times.resize(scratch().plan.end_place());
  TSFEAT_TRY(aimed_times(times.data()));
  for (const Aim& aim : aimed_) {
    run_.index().arrivals.add_expected(times.data() + aim.at, aim.rows.size(), out + aim.at);
  }
  return {};
}

Status RunSource::aimed_fixed(const Column& column, uint8_t* out) {
  const RunColumn* const stored = column_at(column.id);
  assert(stored != nullptr && stored->width == column.width());
  return decode_aimed(stored->chunk, stored->width, chunk_of_column(last_column_ + 1), out);
}

}  // namespace tsfeat::run
