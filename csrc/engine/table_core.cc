#include "engine/table_core.h"

#include <algorithm>

#include "base/planted.h"

namespace tsfeat {
namespace {

// A table that is appended to faster than the log is synced: how finely its durable version is told.
constexpr size_t kMostLogged = 256;

int64_t floor_divide(int64_t value, int64_t by) { return value / by - static_cast<int64_t>(value % by < 0); }

int64_t horizon_of(const TableCore::Published& at, const Clock& clock) {
  if (!at.state->retention) return kMinTime;
  return saturating_sub(TableCore::now(at, clock), at.state->retention->history);
}

// Sources of all that is visible at the version.
View::Sources open_sources(const TableState& state, uint64_t version, bool scan) {
  View::Sources sources;
  sources.reserve(state.memtables.size() + state.runs.size());
  for (const auto& memtable : state.memtables) {
    if (!memtable->empty()) sources.push_back(memtable->source(version));
  }
  for (const auto& run : state.runs) sources.push_back(run->source(scan));
  return sources;
}

// What a batch changes, wherever it is kept.
struct Counts {
  uint64_t& version;
  std::optional<int64_t>& newest_time;
  uint64_t& events_appended;
  VersionClock& wall_clock;
  VersionClock& event_clock;
  std::map<std::string, int64_t>& positions;
};

// What may run out of memory comes first, so that a batch is counted whole.
void count(const BatchFacts& facts, const Counts& counts) {
  std::optional<int64_t> newest = counts.newest_time;
  if (facts.newest_time) newest = std::max(newest.value_or(kMinTime), *facts.newest_time);
  const bool fresh = facts.version > counts.version;  // else the manifest was ahead of the log that is replayed
  if (fresh) {
    counts.wall_clock.add(facts.version, facts.wall_clock);
    counts.event_clock.add(facts.version, newest.value_or(kMinTime));
  }
  if (!facts.source.empty()) {
    const auto [at, first] = counts.positions.emplace(facts.source, facts.position);
    at->second = std::max(at->second, facts.position);
  }
  counts.newest_time = newest;
  if (!fresh) return;
  counts.events_appended += facts.rows;
  counts.version = facts.version;
}

View::Sources open_again(const View& view) {
  return open_sources(*static_cast<const TableState*>(view.owner.get()), view.version, view.is_scan);
}

}  // namespace

std::vector<RunMeta> TableState::run_metas() const {
  std::vector<RunMeta> metas;
  for (const auto& run : runs) metas.push_back(run->meta());
  return metas;
}

TableCore::TableCore(const TableRecord& record, std::vector<std::shared_ptr<Run>> runs, std::shared_ptr<PagePool> pages)
    : id(record.id), name(record.name), pages_(std::move(pages)) {
  auto state = std::make_shared<TableState>();
  state->schema = std::make_shared<const Schema>(record.schema);
  state->retention = record.retention;
  state->horizon_time = record.horizon_time;
  state->horizon_version = record.horizon_version;
  state->reclaimed_at = record.reclaimed_at;
  state->tombstones = record.tombstones;
  add_memtable(*state);
  state->runs = std::move(runs);
  for (const Column& column : record.schema.columns) {
    if (column.type != Type::kCategory) continue;
    const auto values = record.categories.find(column.id);
    state->categories[column.id] = std::make_shared<CategoryDictionary>(
        values == record.categories.end() ? column.declared_categories : values->second);
  }
  published_ = {std::move(state), record.version, record.newest_time};
  wall_clock_ = record.wall_clock;
  event_clock_ = record.event_clock;
  positions_ = record.positions;
  events_appended_ = record.events_appended;
  durable_version_ = record.version;
}

void TableCore::add_memtable(TableState& state) const {
  state.memtables.push_back(Memtable::create(state.schema, pages_));
}

TableCore::Published TableCore::published() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

void TableCore::update(const std::function<void(TableState&)>& change) {
  const std::lock_guard lock(mutex_);
  auto next = std::make_shared<TableState>(*published_.state);
  change(*next);
  published_.state = std::move(next);
}

void TableCore::take(TableCore& other) {
  const std::scoped_lock lock(mutex_, other.mutex_);
  std::swap(published_, other.published_);
  std::swap(wall_clock_, other.wall_clock_);
  std::swap(event_clock_, other.event_clock_);
  std::swap(positions_, other.positions_);
  std::swap(events_appended_, other.events_appended_);
  std::swap(durable_version_, other.durable_version_);
  std::swap(logged_, other.logged_);
}

int64_t TableCore::now(const Published& at, const Clock& clock) {
  const bool event_clock = at.state->retention && at.state->retention->event_clock;
  if (event_clock) return at.newest_time.value_or(kMinTime);
  // A wall clock that was set back must not make reads look for what an earlier now has let go of.
  return std::max(wall_now(*at.state, clock), at.state->reclaimed_at);
}

int64_t TableCore::wall_now(const TableState& state, const Clock& clock) {
  return floor_divide(clock.now_ns(), unit_ns(state.schema->unit));
}

void TableCore::publish_batch(const BatchFacts& facts) {
  const std::lock_guard lock(mutex_);
  if (facts.version > published_.version) note_logged(facts.version, facts.logged);
  count(facts, {published_.version, published_.newest_time, events_appended_, wall_clock_, event_clock_, positions_});
}

void count_batch(const BatchFacts& facts, TableRecord* record) {
  count(facts, {record->version, record->newest_time, record->events_appended, record->wall_clock, record->event_clock,
                record->positions});
}

void TableCore::note_logged(uint64_t version, LogPlace end) {
  if (end.log == 0) {  // the manifest has it, and counts no batch that is not durable
    durable_version_ = version;
    logged_.clear();
    return;
  }
  logged_.emplace_back(end, version);
  if (logged_.size() < kMostLogged) return;
  size_t kept = 0;
  for (size_t i = 1; i < logged_.size(); i += 2) logged_[kept++] = logged_[i];
  logged_.resize(kept);
}

uint64_t TableCore::durable_version(LogPlace durable) {
  const std::lock_guard lock(mutex_);
  const auto later =
      std::find_if(logged_.begin(), logged_.end(), [&](const auto& each) { return each.first > durable; });
  if (later != logged_.begin()) durable_version_ = std::max(durable_version_, (later - 1)->second);
  logged_.erase(logged_.begin(), later);
  return durable_version_;
}

std::optional<int64_t> TableCore::position(const std::string& source) const {
  const std::lock_guard lock(mutex_);
  const auto at = positions_.find(source);
  return at == positions_.end() ? std::nullopt : std::optional(at->second);
}

// The version that was current at the horizon: reads at older ones are past it.
uint64_t TableCore::version_at(const Published& at, const Clock& clock) const {
  if (!at.state->retention) return 0;
  if (at.state->retention->event_clock && !at.newest_time) return 0;  // it has not started
  const VersionClock& versions = at.state->retention->event_clock ? event_clock_ : wall_clock_;
  return versions.current_at(horizon_of(at, clock));
}

View TableCore::view(const Clock& clock, bool scan) const {
  View view;
  Published at;
  {
    const std::lock_guard lock(mutex_);
    at = published_;
    view.horizon_version = std::max(at.state->horizon_version, version_at(at, clock));
  }
  view.schema = at.state->schema;
  view.table_name = name;
  view.version = at.version;
  view.now = now(at, clock);
  view.retention = at.state->retention;
  view.horizon_time = std::max(at.state->horizon_time, horizon_of(at, clock));
  if (!at.state->tombstones->empty()) view.tombstones = at.state->tombstones;
  view.sources = open_sources(*at.state, at.version, scan);
  view.is_scan = scan;
  view.open_again = open_again;
  view.owner = std::move(at.state);
  return view;
}

ReclaimPolicy TableCore::reclaim_policy(const Clock& clock) const {
  const std::lock_guard lock(mutex_);
  return {published_.state->retention, now(published_, clock), version_at(published_, clock),
          published_.state->tombstones};
}

uint64_t TableCore::events_appended() const {
  const std::lock_guard lock(mutex_);
  return events_appended_;
}

TableRecord TableCore::record(const Clock& clock) const {
  const std::lock_guard lock(mutex_);
  const TableState& state = *published_.state;
  TableRecord record;
  record.id = id;
  record.name = name;
  record.schema = *state.schema;
  record.retention = state.retention;
  record.version = published_.version;
  record.newest_time = published_.newest_time;
  record.events_appended = events_appended_;
  record.horizon_time = state.horizon_time;
  record.horizon_version = state.horizon_version;
  record.reclaimed_at = state.reclaimed_at;
  record.wall_clock = wall_clock_;
  record.event_clock = event_clock_;
  if (state.retention) {
    (state.retention->event_clock ? record.event_clock : record.wall_clock).prune(horizon_of(published_, clock));
  }
  if (!planted("position")) record.positions = positions_;
  for (const auto& [column_id, dictionary] : state.categories) record.categories[column_id] = dictionary->values();
  if (!planted("tombstones")) record.tombstones = state.tombstones;
  record.runs = state.run_metas();
  return record;
}

}  // namespace tsfeat
