#include "run/source.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "run/cursor.h"

namespace tsfeat::run {
namespace {

constexpr uint64_t kBoundsLines = 8;  // called for ahead of a look at a page's values

}  // namespace

RunSource::RunSource(const RunFile& run, bool bypass_cache) : run_(run), bypass_cache_(bypass_cache) {
  if (!bypass_cache) pin_.emplace(run.cache().epochs());
}

RunSource::~RunSource() {
  if (!bypass_cache_ && hits_ + misses_ != 0) run_.cache().count(hits_, misses_);
}

SourceScratch& RunSource::scratch() {
  if (!scratch_) scratch_.emplace();
  return **scratch_;
}

Blocks& RunSource::blocks() {
  if (blocks_ == nullptr) blocks_ = bypass_cache_ ? make_scratch_blocks(run_) : make_cached_blocks(run_);
  return *blocks_;
}

const RunColumn* RunSource::column_at(uint32_t column_id) const {
  const auto& columns = run_.layout().columns();
  if (last_column_ < columns.size() && columns[last_column_].id == column_id) return &columns[last_column_];
  const std::optional<uint32_t> found = run_.layout().find(column_id);
  if (!found) return nullptr;
  last_column_ = *found;
  return &columns[*found];
}

Status RunSource::chunk(uint32_t page, uint32_t chunk, uint32_t last_page, Bytes* plain) {
  *plain = BlockCache::find(run_.chunk_slot(page, chunk));
  if (!plain->empty()) {
    ++hits_;
    return {};
  }
  ++misses_;
  TSFEAT_ASSIGN(*plain, blocks().chunk(page, chunk, last_page));
  return {};
}

Status RunSource::header(uint32_t page, Bytes* bytes) {
  *bytes = BlockCache::find(run_.header_slot(page));
  ++(bytes->empty() ? misses_ : hits_);
  if (!bytes->empty()) return {};
  TSFEAT_ASSIGN(*bytes, blocks().header(page));
  return {};
}

Status RunSource::directory(uint32_t block, Bytes* expanded) {
  *expanded = BlockCache::find(run_.directory_slot(block));
  ++(expanded->empty() ? misses_ : hits_);
  if (!expanded->empty()) return {};
  TSFEAT_ASSIGN(*expanded, blocks().directory(block));
  return {};
}

Status RunSource::decode(uint32_t chunk_number, uint32_t width, RowRange rows, uint8_t* out) {
  if (rows.begin == rows.end) return {};
  uint32_t page = page_of_.find(run_, rows.begin);
  for (uint64_t row = rows.begin;; ++page) {
    const RowRange here = run_.page_rows(page);
    const uint64_t end = std::min(rows.end, here.end);
    Bytes plain;
    TSFEAT_TRY(chunk(page, chunk_number, end == rows.end ? page : run_.page_of(rows.end - 1), &plain));
    codec::decode_fixed(plain, static_cast<uint32_t>(here.size()), width, static_cast<uint32_t>(row - here.begin),
                        static_cast<uint32_t>(end - here.begin), out, run_.hot_values(chunk_number));
    if (end == rows.end) return {};
    out += (end - row) * width;
    row = end;
  }
}

Status RunSource::times(RowRange rows, int64_t* out) {
  const CallPin pin(*this);
  return decode(kTimesChunk, 8, rows, reinterpret_cast<uint8_t*>(out));
}

Status RunSource::versions(RowRange rows, uint64_t* out) {
  const CallPin pin(*this);
  TSFEAT_TRY(decode(kVersionsChunk, 8, rows, reinterpret_cast<uint8_t*>(out)));
  std::vector<int64_t>& times = scratch().expected_times;
  times.resize(rows.size());
  TSFEAT_TRY(decode(kTimesChunk, 8, rows, reinterpret_cast<uint8_t*>(times.data())));
  run_.index().arrivals.add_expected(times.data(), rows.size(), out);
  return {};
}

void RunSource::arrivals(std::vector<Arrival>* out) const {
  const std::vector<Arrival>& known = run_.index().arrivals.entries();
  out->insert(out->end(), known.begin(), known.end());
}

Status RunSource::fixed(const Column& column, RowRange rows, uint8_t* out) {
  const CallPin pin(*this);
  const RunColumn* stored = column_at(column.id);
  assert(stored != nullptr && stored->width == column.width());
  return decode(stored->chunk, stored->width, rows, out);
}

Status RunSource::varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) {
  const CallPin pin(*this);
  const RunColumn* stored = column_at(column.id);
  assert(stored != nullptr && stored->width == 0);
  for (uint64_t row = rows.begin; row < rows.end;) {
    const uint32_t page = page_of_.find(run_, row);
    const RowRange here = run_.page_rows(page);
    const uint64_t end = std::min(rows.end, here.end);
    Bytes plain;
    TSFEAT_TRY(chunk(page, stored->chunk, end == rows.end ? page : run_.page_of(rows.end - 1), &plain));
    codec::decode_varlen(plain, static_cast<uint32_t>(here.size()), static_cast<uint32_t>(row - here.begin),
                         static_cast<uint32_t>(end - here.begin), out);
    row = end;
  }
  return {};
}

Status RunSource::validity(const Column& column, RowRange rows, uint8_t* out) {
  const CallPin pin(*this);
  const RunColumn* stored = column_at(column.id);
  assert(stored != nullptr);
  if (rows.begin == rows.end) return {};
  if (!stored->nullable) {
    std::memset(out, 1, rows.size());
    return {};
  }
  for (uint64_t row = rows.begin; row < rows.end;) {
    const uint32_t page = page_of_.find(run_, row);
    const RowRange piece{row, std::min(rows.end, run_.page_rows(page).end)};
    Bytes head;
    TSFEAT_TRY(header(page, &head));
    if (run_.layout().chunk_begin(head.data(), stored->validity_chunk) ==
        Layout::chunk_end(head.data(), stored->validity_chunk)) {
      std::memset(out, 1, piece.size());
    } else {
      TSFEAT_TRY(decode(stored->validity_chunk, 1, piece, out));
      // What a hostile file holds must not become a byte that is neither 0 nor 1.
      for (uint64_t i = 0; i < piece.size(); ++i) out[i] = out[i] != 0;
    }
    out += piece.size();
    row = piece.end;
  }
  return {};
}

BlockBounds RunSource::bounds(const Column* column, uint64_t row) {
  const CallPin pin(*this);
  const uint32_t page = page_of_.find(run_, row);
  const RowRange rows = run_.page_rows(page);
  if (column == nullptr) return BlockBounds::of_times(rows, run_.page(page).min_time, run_.page(page).max_time);
  BlockBounds block{.rows = rows};
  const RunColumn* stored = column_at(column->id);
  Bytes head;
  // Who asks will probably look at the values next, and then at those of the page before.
  if (!bypass_cache_ && stored != nullptr) {
    const auto call_for = [&](uint32_t of) {
      prefetch(of, stored->chunk, 0, static_cast<uint32_t>(run_.page_rows(of).size()), kBoundsLines);
    };
    call_for(page);
    if (page > 0) call_for(page - 1);
  }
  // A header that cannot be read says nothing here; whoever goes on to decode the rows meets the error.
  if (stored == nullptr || stored->bounds_offset == 0 || !header(page, &head).ok()) return block;
  const ColumnBounds found = run_.layout().bounds(head.data(), *stored);
  block.may_have_null = (found.flags & kHasNull) != 0;
  block.may_have_nan = (found.flags & kHasNan) != 0;
  block.bounded = (found.flags & kHasValue) != 0;
  if (!block.bounded) return block;
  block.min = order_bits(stored->type, reinterpret_cast<const uint8_t*>(&found.min));
  block.max = order_bits(stored->type, reinterpret_cast<const uint8_t*>(&found.max));
  return block;
}

std::unique_ptr<KeyCursor> RunSource::walk() { return make_cursor(run_); }

}  // namespace tsfeat::run
