// What a run's source is aimed at: where those rows lie, worked out once for all columns.
//
// Rows of one page make a piece. Short ranges of a page are picked row by row; ranges that overlap are decoded as one,
// into a window, and copied from there to their places.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "run/run_file.h"
#include "source/source.h"

namespace tsfeat::run {

// Of one page: its rows [begin, end), or the plan's picks [begin, end).
enum class PieceKind : uint8_t {
  kRows,            // to their place
  kShared,          // into the window, from where copies are made
  kPicks,           // single rows, whose places follow each other
  kScatteredPicks,  // single rows, each to its own place
};
struct Piece {
  uint64_t at = 0;  // the place of the first, or where it stands in the window
  uint32_t page = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t copies = 0;  // to make from the window when this piece is there
  PieceKind kind = PieceKind::kRows;

  uint32_t size() const { return end - begin; }
  bool picks() const { return kind == PieceKind::kPicks || kind == PieceKind::kScatteredPicks; }
};

class AimPlan {
 public:
  struct Copy {
    uint64_t from = 0;  // in the window
    uint64_t at = 0;
    uint64_t count = 0;
  };

  // Forgets what was before; keeps its memory.
  void make(const RunFile& run, std::span<const Aim> aims);

  std::span<const Piece> pieces() const { return pieces_; }
  std::span<const Copy> copies() const { return copies_; }  // of all pieces, in their order
  // Of a piece of picks: rows within the page, ascending, and their places.
  std::span<const uint32_t> picks(const Piece& piece) const { return {picks_.data() + piece.begin, piece.size()}; }
  std::span<const uint64_t> places(const Piece& piece) const {
    return {pick_places_.data() + piece.begin, piece.size()};
  }
  uint64_t window_rows() const { return window_rows_; }  // the most that are shared at a time
  uint64_t end_place() const { return end_place_; }      // one more than the last
  // The last of the pages from the piece's on that are wanted one after the other, and so can be read in one go.
  uint32_t last_page_from(size_t piece) const;
  size_t held_bytes() const;

 private:
  size_t pick_from(const RunFile& run, std::span<const Aim> aims, size_t first);
  void add_shared(const RunFile& run, std::span<const Aim> aims, RowRange whole);
  void add_rows(const RunFile& run, const Aim& aim, PieceKind kind);
  void add_piece(const RunFile& run, const Piece& piece);

  PageFinder page_of_;
  std::vector<Piece> pieces_;
  std::vector<Copy> copies_;
  std::vector<uint32_t> picks_;
  std::vector<uint64_t> pick_places_;
  uint64_t window_rows_ = 0;
  uint64_t end_place_ = 0;
};

}  // namespace tsfeat::run
