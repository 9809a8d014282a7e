#include "read/events.h"

#include <algorithm>
#include <tuple>

namespace tsfeat::testing {
namespace {

Column column(uint32_t id, const char* name, Type type, bool nullable) {
  Column made;
  made.id = id;
  made.name = name;
  made.type = type;
  made.nullable = nullable;
  return made;
}

std::shared_ptr<const Schema> make_schema(bool with_added) {
  auto schema = std::make_shared<Schema>();
  schema->key_name = "user";
  schema->time_name = "ts";
  schema->columns = {column(1, "item", Type::kUint64, false), column(2, "action", Type::kCategory, false),
                     column(3, "score", Type::kFloat32, true), column(4, "text", Type::kString, false)};
  if (with_added) {
    schema->columns.push_back(column(7, "extra", Type::kInt16, false));
    schema->columns.back().default_value = Value{true, std::string("\7\0", 2)};
    schema->columns.push_back(column(9, "note", Type::kString, true));
    schema->columns.back().default_value = Value{};
  }
  schema->next_column_id = 10;
  return schema;
}

template <typename T>
const uint8_t* raw(const std::vector<T>& values) {
  return reinterpret_cast<const uint8_t*>(values.data());
}

class VectorCursor final : public KeyCursor {
 public:
  explicit VectorCursor(const std::vector<Event>& events) : events_(events) {}
  Result<bool> next() override {
    rows_.begin = rows_.end;
    while (rows_.end < events_.size() && events_[rows_.end].key == events_[rows_.begin].key) ++rows_.end;
    return rows_.size() > 0;
  }
  KeyView key() const override { return KeyView::from_uint64(events_[rows_.begin].key); }
  RowRange rows() const override { return rows_; }

 private:
  const std::vector<Event>& events_;
  RowRange rows_;
};

uint64_t bits(const Event& event, int position) {
  switch (position) {
    case kTime:
      return order_bits(Type::kInt64, reinterpret_cast<const uint8_t*>(&event.time));
    case kItem:
      return event.item;
    case kAction:
      return order_bits(Type::kCategory, reinterpret_cast<const uint8_t*>(&event.action));
    case kScore:
      return event.score ? order_bits(Type::kFloat32, reinterpret_cast<const uint8_t*>(&*event.score)) : 0;
    default:
      return order_bits(Type::kInt16, reinterpret_cast<const uint8_t*>(&event.extra));
  }
}

}  // namespace

std::shared_ptr<const Schema> event_schema(bool with_added) {
  static const std::shared_ptr<const Schema> schemas[] = {make_schema(false), make_schema(true)};
  return schemas[with_added ? 1 : 0];
}

bool event_before(const Event& a, const Event& b) {
  return std::tie(a.key, a.time, a.version, a.position) < std::tie(b.key, b.time, b.version, b.position);
}

EventBatch::EventBatch(const std::vector<Event>& events, bool with_added) {
  for (const Event& event : events) {
    keys_.push_back(event.key);
    times_.push_back(event.time);
    items_.push_back(event.item);
    actions_.push_back(event.action);
    scores_.push_back(event.score.value_or(0.0F));
    score_validity_.push_back(event.score ? 1 : 0);
    texts_ += event.text;
    text_offsets_.push_back(static_cast<int64_t>(texts_.size()));
    extras_.push_back(event.extra);
    notes_ += event.note.value_or("");
    note_offsets_.push_back(static_cast<int64_t>(notes_.size()));
    note_validity_.push_back(event.note ? 1 : 0);
  }
  batch.rows = events.size();
  batch.keys.fixed = raw(keys_);
  batch.times = times_.data();
  batch.columns.resize(with_added ? 6 : 4);
  batch.columns[kItem].fixed = raw(items_);
  batch.columns[kAction].fixed = raw(actions_);
  batch.columns[kScore].fixed = raw(scores_);
  batch.columns[kScore].validity = score_validity_.data();
  batch.columns[kText].offsets = text_offsets_.data();
  batch.columns[kText].data = reinterpret_cast<const uint8_t*>(texts_.data());
  if (!with_added) return;
  batch.columns[kExtra].fixed = raw(extras_);
  batch.columns[kNote].offsets = note_offsets_.data();
  batch.columns[kNote].data = reinterpret_cast<const uint8_t*>(notes_.data());
  batch.columns[kNote].validity = note_validity_.data();
}

EventSource::EventSource(std::vector<Event> events, bool with_added)
    : events_(std::move(events)), schema_(event_schema(with_added)) {
  std::sort(events_.begin(), events_.end(), event_before);
  stats_.events = events_.size();
  for (const Event& event : events_) {
    stats_.min_time = std::min(stats_.min_time, event.time);
    stats_.max_time = std::max(stats_.max_time, event.time);
    stats_.min_version = std::min(stats_.min_version, event.version);
    stats_.max_version = std::max(stats_.max_version, event.version);
  }
}

Status EventSource::locate(std::span<const Probe> probes, std::span<RowRange> answers) {
  probed += probes.size();
  for (size_t i = 0; i < probes.size(); ++i) {
    const uint64_t key = probes[i].key.to_uint64();
    const auto less = [](const Event& event, uint64_t wanted) { return event.key < wanted; };
    const auto more = [](uint64_t wanted, const Event& event) { return wanted < event.key; };
    answers[i].begin =
        static_cast<uint64_t>(std::lower_bound(events_.begin(), events_.end(), key, less) - events_.begin());
    answers[i].end =
        static_cast<uint64_t>(std::upper_bound(events_.begin(), events_.end(), key, more) - events_.begin());
  }
  return {};
}

std::unique_ptr<KeyCursor> EventSource::walk() { return std::make_unique<VectorCursor>(events_); }

Result<uint64_t> EventSource::seek(RowRange rows, int64_t time) {
  while (rows.begin < rows.end && events_[rows.begin].time < time) ++rows.begin;
  return rows.begin;
}

Status EventSource::times(RowRange rows, int64_t* out) {
  ++calls;
  times_decoded += rows.size();
  for (uint64_t row = rows.begin; row < rows.end; ++row) *out++ = events_[row].time;
  return {};
}

Status EventSource::versions(RowRange rows, uint64_t* out) {
  ++calls;
  versions_decoded += rows.size();
  for (uint64_t row = rows.begin; row < rows.end; ++row) *out++ = events_[row].version;
  return {};
}

Status EventSource::fixed(const Column& column, RowRange rows, uint8_t* out) {
  ++calls;
  values_decoded += rows.size();
  for (uint64_t row = rows.begin; row < rows.end; ++row, out += column.width()) {
    const Event& event = events_[row];
    if (column.id == 1) store(out, event.item);
    if (column.id == 2) store(out, event.action);
    if (column.id == 3) store(out, event.score.value_or(0.0F));
    if (column.id == 7) store(out, event.extra);
  }
  return {};
}

Status EventSource::varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) {
  ++calls;
  values_decoded += rows.size();
  for (uint64_t row = rows.begin; row < rows.end; ++row) {
    out->data += column.id == 4 ? events_[row].text : events_[row].note.value_or("");
    out->offsets.push_back(static_cast<int64_t>(out->data.size()));
  }
  return {};
}

Status EventSource::validity(const Column& column, RowRange rows, uint8_t* out) {
  for (uint64_t row = rows.begin; row < rows.end; ++row) {
    const Event& event = events_[row];
    *out++ = (column.id == 3 && !event.score) || (column.id == 9 && !event.note) ? 0 : 1;
  }
  return {};
}

BlockBounds EventSource::bounds(const Column* column, uint64_t row) {
  BlockBounds bounds;
  bounds.rows = {row / 16 * 16, std::min<uint64_t>(row / 16 * 16 + 16, events_.size())};
  if (column != nullptr && is_varlen(column->type)) return bounds;
  const int position = column == nullptr ? kTime : column->id == 7 ? kExtra : static_cast<int>(column->id) - 1;
  bounds.bounded = true;
  bounds.may_have_null = bounds.may_have_nan = false;
  bounds.min = ~uint64_t{0};
  bounds.max = 0;
  for (uint64_t at = bounds.rows.begin; at < bounds.rows.end; ++at) {
    const Event& event = events_[at];
    if (position == kScore && !event.score) {
      bounds.may_have_null = true;
    } else if (position == kScore && *event.score != *event.score) {
      bounds.may_have_nan = true;
    } else {
      bounds.min = std::min(bounds.min, bits(event, position));
      bounds.max = std::max(bounds.max, bits(event, position));
    }
  }
  return bounds;
}

}  // namespace tsfeat::testing
