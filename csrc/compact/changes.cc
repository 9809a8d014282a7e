#include "compact/changes.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "compact/change_window.h"
#include "read/columns.h"

namespace tsfeat {
namespace {

// The events of one version, key by key.
class VersionWalk {
 public:
  VersionWalk(const View& view, uint64_t version) : version_(version), reclaimer_(ChangeWindow::policy_of(view)) {}

  Status start(const View& view) {
    std::vector<Source*> sources;
    for (const auto& source : view.sources) {
      const SourceStats& stats = source->stats();
      const bool has = stats.min_version <= version_ && stats.max_version >= version_;
      // What retention lets go of depends on all of a key's events.
      if (stats.events > 0 && (has || view.retention)) sources.push_back(source.get());
    }
    TSFEAT_ASSIGN(merge_, KeyMerge::create(std::move(sources)));
    return {};
  }

  KeyView key() const { return merge_->key(); }

  // The next rows, all of one key; none at the end.
  Result<Slice> next(uint64_t most) {
    while (at_ == slices_.size()) {
      TSFEAT_ASSIGN(const bool more, next_key());
      if (!more) return Slice{};
    }
    RowRange& rows = slices_[at_].rows;
    const Slice out{slices_[at_].source, {rows.begin, std::min(rows.end, rows.begin + most)}};
    rows.begin = out.rows.end;
    if (rows.size() == 0) ++at_;
    return out;
  }

 private:
  Result<bool> next_key() {
    TSFEAT_ASSIGN(const bool more, merge_->next());
    if (!more) return false;
    kept_.clear();
    TSFEAT_TRY(reclaimer_.choose(merge_->key(), merge_->parts(), &kept_));
    slices_.clear();
    at_ = 0;
    for (const Slice& slice : kept_) TSFEAT_TRY(pick(slice));
    return true;
  }

  Status pick(const Slice& slice) {
    const SourceStats& stats = slice.source->stats();
    if (stats.min_version == version_ && stats.max_version == version_) {
      slices_.push_back(slice);
      return {};
    }
    versions_.resize(slice.rows.size());
    TSFEAT_TRY(slice.source->versions(slice.rows, versions_.data()));
    for (uint64_t i = 0; i < versions_.size(); ++i) {
      if (versions_[i] != version_) continue;
      const uint64_t row = slice.rows.begin + i;
      if (!slices_.empty() && slices_.back().source == slice.source && slices_.back().rows.end == row) {
        ++slices_.back().rows.end;
      } else {
        slices_.push_back({slice.source, {row, row + 1}});
      }
    }
    return {};
  }

  const uint64_t version_;
  Reclaimer reclaimer_;
  std::unique_ptr<KeyMerge> merge_;
  std::vector<Slice> kept_, slices_;  // of the current key: all that may be seen; those of the version
  size_t at_ = 0;
  std::vector<uint64_t> versions_;
};

// Values of variable width, of which value i is to stand at place[i].
codec::VarlenBuffer dealt(const codec::VarlenBuffer& from, std::span<const uint64_t> places) {
  std::vector<uint64_t> at(places.size());
  for (uint64_t i = 0; i < places.size(); ++i) at[places[i]] = i;
  codec::VarlenBuffer out;
  out.offsets.reserve(places.size() + 1);
  out.data.reserve(from.data.size());
  for (const uint64_t i : at) {
    const auto begin = static_cast<size_t>(from.offsets[i]);
    out.data.append(from.data, begin, static_cast<size_t>(from.offsets[i + 1]) - begin);
    out.offsets.push_back(static_cast<int64_t>(out.data.size()));
  }
  return out;
}

class ViewChanges final : public Changes {
 public:
  ViewChanges(ViewSource views, ChangesRequest request)
      : views_(std::move(views)), request_(std::move(request)), complete_(request_.since) {}

  Status check() const {
    TSFEAT_ASSIGN(const View view, views_());
    if (request_.since <= view.version) return check_horizon(view);
    return Status::schema("table '" + view.table_name + "': changes since version " + std::to_string(request_.since) +
                          ", which does not exist; versions are 0 to " + std::to_string(view.version));
  }

  Result<bool> next(ChangesChunk* chunk) override {
    chunk->events = {};
    chunk->versions.clear();
    while (chunk->versions.empty() && (walk_ != nullptr || complete_ < request_.until)) {
      if (walk_ == nullptr) TSFEAT_TRY(give_window(chunk));
      if (walk_ != nullptr) TSFEAT_TRY(give_version(chunk));
    }
    chunk->complete = complete_;
    return !chunk->versions.empty();
  }

 private:
  Status check_horizon(const View& view) const {
    if (complete_ >= view.horizon_version) return {};
    return Status::retention("table '" + view.table_name + "': changes since version " + std::to_string(complete_) +
                             ", before the horizon, version " + std::to_string(view.horizon_version) +
                             ", of the table's retention; events that came after it may be gone. Scan the table and go "
                             "on from there, or give the retention a longer history");
  }

  Status give_window(ChangesChunk* chunk) {
    TSFEAT_ASSIGN(View view, views_());
    TSFEAT_TRY(check_horizon(view));
    ChangeWindow window;
    TSFEAT_TRY(window.collect(view, complete_, request_.until, request_.window_rows));
    if (window.alone) {
      walked_ = window.end;
      walked_view_.emplace(std::move(view));
      walk_ = std::make_unique<VersionWalk>(*walked_view_, walked_);
      return walk_->start(*walked_view_);
    }
    for (const ChangeWindow::Event& event : window.events) {
      chunk->events.add_keys(view.schema->key_type, window.key(event), 1);
      chunk->versions.push_back(event.version);
    }
    TSFEAT_TRY(decode_window(*view.schema, window, chunk));
    complete_ = window.end - 1;
    return {};
  }

  // Each source from front to back: events of one version lie all over it.
  Status decode_window(const Schema& schema, const ChangeWindow& window, ChangesChunk* chunk) {
    std::vector<uint64_t> places(window.events.size());
    for (uint64_t i = 0; i < places.size(); ++i) places[i] = i;
    std::sort(places.begin(), places.end(), [&](uint64_t a, uint64_t b) {
      return std::tie(window.events[a].source, window.events[a].row) <
             std::tie(window.events[b].source, window.events[b].row);
    });
    slices_.clear();
    for (const uint64_t place : places) {
      const ChangeWindow::Event& event = window.events[place];
      slices_.push_back({window.source(event), {event.row, event.row + 1}});
    }
    std::vector<ColumnResult>& columns = chunk->events.columns;
    allocate_columns(schema, request_.columns, places.size(), &columns);
    TSFEAT_TRY(decode_columns(schema, request_.columns, slices_, 0, places, &columns));
    for (ColumnResult& column : columns) {
      if (column.varlen) column.varlen = dealt(*column.varlen, places);
    }
    finish_columns(places.size(), &columns);
    return {};
  }

  Status give_version(ChangesChunk* chunk) {
    const Schema& schema = *walked_view_->schema;
    slices_.clear();
    uint64_t rows = 0;
    for (; rows < request_.chunk_rows; rows += slices_.back().rows.size()) {
      TSFEAT_ASSIGN(const Slice slice, walk_->next(request_.chunk_rows - rows));
      if (slice.source == nullptr) break;
      slices_.push_back(slice);
      chunk->events.add_keys(schema.key_type, walk_->key(), slice.rows.size());
    }
    chunk->versions.assign(rows, walked_);
    allocate_columns(schema, request_.columns, rows, &chunk->events.columns);
    TSFEAT_TRY(decode_columns(schema, request_.columns, slices_, 0, {}, &chunk->events.columns));
    finish_columns(rows, &chunk->events.columns);
    if (rows == request_.chunk_rows) return {};
    complete_ = walked_;
    walk_.reset();
    walked_view_.reset();
    return {};
  }

  const ViewSource views_;
  const ChangesRequest request_;
  uint64_t complete_;
  // A version that is walked by itself.
  uint64_t walked_ = 0;
  std::optional<View> walked_view_;
  std::unique_ptr<VersionWalk> walk_;
  std::vector<Slice> slices_;  // of the chunk at hand
};

}  // namespace

Result<std::unique_ptr<Changes>> Changes::create(ViewSource views, ChangesRequest request) {
  auto changes = std::make_unique<ViewChanges>(std::move(views), std::move(request));
  TSFEAT_TRY(changes->check());
  return std::unique_ptr<Changes>(std::move(changes));
}

}  // namespace tsfeat
