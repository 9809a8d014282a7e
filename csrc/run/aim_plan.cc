#include "run/aim_plan.h"

#include <algorithm>

namespace tsfeat::run {
namespace {

// Ranges this short are picked row by row, with others of their page, rather than each decoded for itself.
constexpr uint64_t kPickedRows = 4;
// Overlapping ranges are decoded as one up to this size, which the L1 cache holds.
constexpr uint64_t kMostSharedRows = 4096;
constexpr size_t kAimsAhead = 8;
constexpr size_t kPiecesReadTogether = 32;

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

void AimPlan::make(const RunFile& run, std::span<const Aim> aims) {
  page_of_ = {};
  pieces_.clear();
  copies_.clear();
  picks_.clear();
  pick_places_.clear();
  window_rows_ = end_place_ = 0;
  size_t called = 0;
  for (size_t i = 0; i < aims.size();) {
    for (; called < std::min(i + kAimsAhead, aims.size()); ++called) run.prefetch_page_of(aims[called].rows.begin);
    if (const size_t end = pick_from(run, aims, i); end > i) {
      i = end;
      continue;
    }
    const Overlap overlap = overlap_from(aims, i);
    const std::span<const Aim> group = aims.subspan(i, overlap.end - i);
    if (2 * overlap.events >= 3 * overlap.whole.size()) {
      add_shared(run, group, overlap.whole);
    } else {
      for (const Aim& aim : group) add_rows(run, aim, PieceKind::kRows);
    }
    i = overlap.end;
  }
}

// Short ranges from the first on that ascend in one page, as a filter leaves them; returns where they end.
size_t AimPlan::pick_from(const RunFile& run, std::span<const Aim> aims, size_t first) {
  if (aims[first].rows.size() == 0 || aims[first].rows.size() > kPickedRows) return first;
  const uint32_t page = page_of_.find(run, aims[first].rows.begin);
  const RowRange here = run.page_rows(page);
  Piece piece{aims[first].at, page, static_cast<uint32_t>(picks_.size()), 0, 0, PieceKind::kPicks};
  uint64_t next_row = here.begin;
  uint64_t next_place = piece.at;
  size_t i = first;
  for (; i < aims.size(); ++i) {
    const RowRange& rows = aims[i].rows;
    if (rows.begin < next_row || rows.end > here.end || rows.size() > kPickedRows) break;
    if (aims[i].at != next_place) piece.kind = PieceKind::kScatteredPicks;
    next_place = aims[i].at;
    for (uint64_t row = rows.begin; row < rows.end; ++row) {
      picks_.push_back(static_cast<uint32_t>(row - here.begin));
      pick_places_.push_back(next_place++);
    }
    end_place_ = std::max(end_place_, next_place);
    next_row = rows.end;
  }
  piece.end = static_cast<uint32_t>(picks_.size());
  if (i > first) add_piece(run, piece);
  return i;
}

void AimPlan::add_piece(const RunFile& run, const Piece& piece) {
  pieces_.push_back(piece);
  __builtin_prefetch(&run.chunk_slot(piece.page, kTimesChunk));
}

void AimPlan::add_shared(const RunFile& run, std::span<const Aim> aims, RowRange whole) {
  if (whole.size() == 0) return;
  add_rows(run, {whole, 0}, PieceKind::kShared);
  for (const Aim& aim : aims) {
    copies_.push_back({aim.rows.begin - whole.begin, aim.at, aim.rows.size()});
    end_place_ = std::max(end_place_, aim.at + aim.rows.size());
  }
  pieces_.back().copies = static_cast<uint32_t>(aims.size());
  window_rows_ = std::max(window_rows_, whole.size());
}

void AimPlan::add_rows(const RunFile& run, const Aim& aim, PieceKind kind) {
  const RowRange& rows = aim.rows;
  if (rows.size() == 0) return;
  if (kind == PieceKind::kRows) end_place_ = std::max(end_place_, aim.at + rows.size());
  uint32_t page = page_of_.find(run, rows.begin);
  uint64_t at = aim.at;
  for (uint64_t row = rows.begin;; ++page) {
    const RowRange here = run.page_rows(page);
    const uint64_t end = std::min(rows.end, here.end);
    const auto first = static_cast<uint32_t>(row - here.begin);
    add_piece(run, {at, page, first, static_cast<uint32_t>(end - here.begin), 0, kind});
    if (end == rows.end) return;
    at += end - row;
    row = end;
  }
}

uint32_t AimPlan::last_page_from(size_t piece) const {
  const size_t end = std::min(pieces_.size(), piece + kPiecesReadTogether);
  uint32_t last = pieces_[piece].page;
  for (size_t next = piece + 1; next < end && pieces_[next].page == last + 1; ++next) ++last;
  return last;
}

size_t AimPlan::held_bytes() const {
  return pieces_.capacity() * sizeof(Piece) + copies_.capacity() * sizeof(Copy) + picks_.capacity() * 4 +
         pick_places_.capacity() * 8;
}

}  // namespace tsfeat::run
