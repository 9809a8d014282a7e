#include "compact/history.h"

namespace tsfeat::compact_testing {

HistorySource::HistorySource(const History& history) {
  for (const auto& [key, events] : history) {
    if (events.empty()) continue;
    rows_[key] = {events_.size(), events_.size() + events.size()};
    events_.insert(events_.end(), events.begin(), events.end());
  }
  stats_.events = events_.size();
  for (const Event& event : events_) {
    stats_.min_time = std::min(stats_.min_time, event.time);
    stats_.max_time = std::max(stats_.max_time, event.time);
    stats_.min_version = std::min(stats_.min_version, event.version);
    stats_.max_version = std::max(stats_.max_version, event.version);
  }
}

RowRange HistorySource::rows(uint64_t key) const {
  const auto at = rows_.find(key);
  return at == rows_.end() ? RowRange{} : at->second;
}

Status HistorySource::locate(std::span<const Probe> probes, std::span<RowRange> answers) {
  for (size_t i = 0; i < probes.size(); ++i) answers[i] = rows(probes[i].key.to_uint64());
  return {};
}

std::unique_ptr<KeyCursor> HistorySource::walk() {
  class Cursor final : public KeyCursor {
   public:
    explicit Cursor(const std::map<uint64_t, RowRange>& all) : next_(all.begin()), end_(all.end()) {}
    Result<bool> next() override {
      if (next_ == end_) return false;
      at_ = next_++;
      return true;
    }
    KeyView key() const override { return KeyView::from_uint64(at_->first); }
    RowRange rows() const override { return at_->second; }

   private:
    std::map<uint64_t, RowRange>::const_iterator at_, next_, end_;
  };
  return std::make_unique<Cursor>(rows_);
}

Result<uint64_t> HistorySource::seek(RowRange range, int64_t time) {
  for (uint64_t row = range.begin; row < range.end; ++row) {
    if (events_[row].time >= time) return row;
  }
  return range.end;
}

Status HistorySource::times(RowRange range, int64_t* out) {
  for (uint64_t row = range.begin; row < range.end; ++row) *out++ = events_[row].time;
  return {};
}

Status HistorySource::versions(RowRange range, uint64_t* out) {
  for (uint64_t row = range.begin; row < range.end; ++row) *out++ = events_[row].version;
  return {};
}

Status HistorySource::fixed(const Column&, RowRange range, uint8_t* out) {
  for (uint64_t row = range.begin; row < range.end; ++row, out += 8) store(out, events_[row].position);
  return {};
}

Status HistorySource::varlen(const Column&, RowRange, codec::VarlenBuffer*) { return Status::schema("it has none"); }

Status HistorySource::validity(const Column&, RowRange range, uint8_t* out) {
  std::fill_n(out, range.size(), uint8_t{1});
  return {};
}

std::shared_ptr<const Schema> history_schema() {
  auto schema = std::make_shared<Schema>();
  schema->key_name = "key";
  schema->time_name = "time";
  Column& column = schema->columns.emplace_back();
  column.id = 1;
  column.name = "position";
  column.type = Type::kUint64;
  schema->next_column_id = 2;
  return schema;
}

History random_history(std::mt19937_64& random, const HistoryShape& shape) {
  History history;
  for (uint64_t i = 0; i < shape.events; ++i) {
    const Event event{static_cast<int64_t>(random() % static_cast<uint64_t>(shape.times)),
                      1 + random() % shape.versions, i};
    history[random() % shape.keys].push_back(event);
  }
  for (auto& [key, events] : history) std::sort(events.begin(), events.end());
  return history;
}

std::vector<History> random_parts(std::mt19937_64& random, const History& history, size_t parts) {
  std::vector<History> out(parts);
  std::map<uint64_t, size_t> part_of_version;
  for (const auto& [key, events] : history) {
    for (const Event& event : events) {
      const size_t part = part_of_version.emplace(event.version, random() % parts).first->second;
      out[part][key].push_back(event);
    }
  }
  return out;
}

std::optional<Retention> random_retention(std::mt19937_64& random) {
  if (random() % 8 == 0) return std::nullopt;
  Retention retention;
  if (random() % 2 == 0) retention.max_age = static_cast<int64_t>(random() % 5);
  if (random() % 2 == 0) retention.max_events = random() % 4;
  if (random() % 3 == 0) retention.min_events = random() % 3;
  retention.history = static_cast<int64_t>(random() % 4);
  return retention;
}

std::vector<Event> visible(const std::vector<Event>& events, const Retention& retention, uint64_t version,
                           std::optional<int64_t> before, int64_t now) {
  const int64_t stand = before.value_or(now);
  std::vector<Event> out;
  uint64_t rank = 0;
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (event->version > version || (before && event->time >= *before)) continue;
    ++rank;
    const bool young = !retention.max_age || event->time >= stand - *retention.max_age;
    const bool few = !retention.max_events || rank <= *retention.max_events;
    if (rank <= retention.min_events || (few && young)) out.push_back(*event);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace tsfeat::compact_testing
