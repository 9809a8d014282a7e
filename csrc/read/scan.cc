// The scan: the ordered walk over keys, and for each the choice that a read without n makes. A key's slices are chosen
// at once and given out chunk by chunk; the filter, which without n may come last, is evaluated on the way out.
#include <algorithm>

#include "read/chooser.h"
#include "read/merge.h"
#include "read/plan.h"
#include "read/scan_decode.h"

namespace tsfeat {
namespace {

constexpr uint64_t kFilterRows = 1024;  // evaluated at once
constexpr uint64_t kSliceRows =
    4096;  // are enough for a slice: the columns of few pages are decoded while these are at hand

class ViewScanner final : public Scanner {
 public:
  ViewScanner(View view, ScanRequest request) : view_(std::move(view)), request_(std::move(request)) {
    if (request_.filter != nullptr) filter_ = FilterEvaluator::create(*request_.filter, *view_.schema);
    chooser_.emplace(view_.retention, request_.keys_only ? filter_.get() : nullptr);
    question_.version = request_.version ? static_cast<uint64_t>(*request_.version) : view_.version;
    question_.before = request_.before;
    question_.since = request_.since.value_or(kMinTime);
    question_.n = request_.keys_only ? 1 : kNoLimit;
    question_.read_at = request_.before.value_or(view_.now);
  }

  Status start() {
    std::vector<Source*> sources;
    for (const auto& source : view_.sources) {
      if (may_matter(source->stats(), question_, view_.retention)) sources.push_back(source.get());
    }
    TSFEAT_ASSIGN(merge_, KeyMerge::create(std::move(sources)));
    return {};
  }

  Result<bool> next(ScanChunk* chunk) override {
    chunk->fixed_keys.clear();
    chunk->varlen_keys.data.clear();
    chunk->varlen_keys.offsets.assign(1, 0);
    chunk->rows = 0;
    slices_.clear();
    while (chunk->rows < request_.chunk_rows) {
      if (pending_at_ == pending_.size()) {
        TSFEAT_ASSIGN(const bool more, next_key(chunk));
        if (!more) break;
      } else {
        TSFEAT_TRY(give(chunk));
      }
    }
    if (!request_.keys_only) TSFEAT_TRY(decoder_.decode(slices_, chunk->rows, &chunk->columns));
    return chunk->rows > 0;
  }

 private:
  Result<bool> next_key(ScanChunk* chunk) {
    TSFEAT_ASSIGN(const bool more, merge_->next());
    if (!more) return false;
    parts_.clear();
    for (const Slice& part : merge_->parts()) parts_.push_back({part});
    marks_.clear();
    if (view_.tombstones != nullptr) view_.tombstones->find(merge_->key(), &marks_);
    question_.marks = marks_;
    pending_.clear();
    pending_at_ = 0;
    if (request_.keys_only) {
      TSFEAT_ASSIGN(const uint64_t seen, chooser_->count(parts_, question_));
      if (seen > 0) add_keys(chunk, 1);
    } else if (const auto chosen = chooser_->choose(parts_, question_, &pending_); !chosen.ok()) {
      return chosen.status();
    }
    return true;
  }

  // Some rows of the first pending slice.
  Status give(ScanChunk* chunk) {
    RowRange& rows = pending_[pending_at_].rows;
    Source* const source = pending_[pending_at_].source;
    const uint64_t room = request_.chunk_rows - chunk->rows;
    if (filter_ == nullptr) {
      const uint64_t count = std::min({rows.size(), room, kSliceRows});
      add_rows(chunk, {source, {rows.begin, rows.begin + count}});
      rows.begin += count;
    } else {
      TSFEAT_TRY(give_matching(chunk, source, &rows, room));
    }
    if (rows.size() == 0) ++pending_at_;
    return {};
  }

  Status give_matching(ScanChunk* chunk, Source* source, RowRange* rows, uint64_t room) {
    const RowRange around = source->bounds(nullptr, rows->begin).rows;
    const RowRange block{rows->begin, std::min({rows->end, around.end, rows->begin + kFilterRows})};
    rows->begin = block.end;
    if (!filter_->may_match(*source, block, 0)) return {};
    matches_.resize(block.size());
    TSFEAT_TRY(filter_->evaluate(*source, block, 0, matches_.data()));
    for (uint64_t begin = 0; begin < block.size();) {
      if (matches_[begin] == 0) {
        ++begin;
        continue;
      }
      if (room == 0) {
        rows->begin = block.begin + begin;  // goes on here with the next chunk
        return {};
      }
      uint64_t end = begin + 1;
      while (end < block.size() && matches_[end] != 0 && end - begin < room) ++end;
      add_rows(chunk, {source, {block.begin + begin, block.begin + end}});
      room -= end - begin;
      begin = end;
    }
    return {};
  }

  // Rows of a source follow each other across keys, so a chunk from one source is few slices.
  void add_rows(ScanChunk* chunk, const Slice& piece) {
    Slice* const last = slices_.empty() ? nullptr : &slices_.back();
    const bool follows = last != nullptr && last->source == piece.source && last->rows.end == piece.rows.begin;
    if (follows && last->rows.size() < kSliceRows) {
      last->rows.end = piece.rows.end;
    } else {
      slices_.push_back(piece);
    }
    add_keys(chunk, piece.rows.size());
  }

  void add_keys(ScanChunk* chunk, uint64_t count) { chunk->add_keys(view_.schema->key_type, merge_->key(), count); }

  View view_;
  const ScanRequest request_;
  ScanDecoder decoder_{view_, request_.columns};
  std::unique_ptr<FilterEvaluator> filter_;
  std::optional<Chooser> chooser_;
  Question question_;
  std::unique_ptr<KeyMerge> merge_;

  // Of the current key.
  std::vector<Part> parts_;
  std::vector<Mark> marks_;
  std::vector<Slice> pending_;
  size_t pending_at_ = 0;
  // Of the current chunk.
  std::vector<Slice> slices_;
  std::vector<uint8_t> matches_;
};

Status check_scan(const View& view, const ScanRequest& request) {
  TSFEAT_TRY(check_moment(view, "the scan", request.before, request.version));
  if (request.chunk_rows == 0) return Status::schema("a scan's chunks hold at least one row");
  for (const int column : request.columns) {
    if (column >= -1 && column < static_cast<int>(view.schema->columns.size())) continue;
    return Status::schema("table '" + view.table_name + "' has no column at position " + std::to_string(column));
  }
  if (request.filter == nullptr) return {};
  if (has_row_operands(*request.filter)) {
    return Status::schema("table '" + view.table_name +
                          "': per_row has no meaning in a scan, which has no requested rows; "
                          "compare with a single value");
  }
  return check_filter(*request.filter, *view.schema, 0);
}

}  // namespace

void ScanChunk::add_keys(KeyType type, const KeyView& key, uint64_t count) {
  rows += count;
  if (type == KeyType::kUint64) return fixed_keys.resize(rows, key.to_uint64());
  if (type == KeyType::kInt64) return fixed_keys.resize(rows, static_cast<uint64_t>(key.to_int64()));
  uint8_t room[8];
  const Bytes bytes = key.bytes(room);
  for (uint64_t i = 0; i < count; ++i) {
    varlen_keys.data.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    varlen_keys.offsets.push_back(static_cast<int64_t>(varlen_keys.data.size()));
  }
}

Result<std::unique_ptr<Scanner>> Scanner::create(View view, ScanRequest request) {
  TSFEAT_TRY(check_scan(view, request));
  auto scanner = std::make_unique<ViewScanner>(std::move(view), std::move(request));
  TSFEAT_TRY(scanner->start());
  return std::unique_ptr<Scanner>(std::move(scanner));
}

}  // namespace tsfeat
