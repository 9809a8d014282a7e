#include "run/vector_source.h"

#include <algorithm>

namespace tsfeat::testing {

KeyView Events::key(size_t i) const {
  const KeyView view = KeyView::from_bytes(as_bytes(keys[i]));
  return is_varlen(schema->key_type) ? view : KeyView{view.prefix, nullptr, 8};
}

VectorSource::VectorSource(const Events& events) : events_(events) {
  stats_.events = events.size();
  for (const int64_t time : events.times) {
    stats_.min_time = std::min(stats_.min_time, time);
    stats_.max_time = std::max(stats_.max_time, time);
  }
  for (const uint64_t version : events.versions) {
    stats_.min_version = std::min(stats_.min_version, version);
    stats_.max_version = std::max(stats_.max_version, version);
  }
}

Status VectorSource::locate(std::span<const Probe> probes, std::span<RowRange> answers) {
  for (size_t p = 0; p < probes.size(); ++p) {
    answers[p] = {};
    for (size_t i = 0; i < events_.keys.size(); ++i) {
      if (events_.key(i) == probes[p].key) answers[p] = events_.rows(i);
    }
  }
  return {};
}

std::unique_ptr<KeyCursor> VectorSource::walk() {
  class Cursor final : public KeyCursor {
   public:
    explicit Cursor(const Events& events) : events_(events) {}
    Result<bool> next() override { return next_++ < events_.keys.size(); }
    KeyView key() const override { return events_.key(next_ - 1); }
    RowRange rows() const override { return events_.rows(next_ - 1); }

   private:
    const Events& events_;
    size_t next_ = 0;
  };
  return std::make_unique<Cursor>(events_);
}

Result<uint64_t> VectorSource::seek(RowRange rows, int64_t time) {
  for (uint64_t row = rows.begin; row < rows.end; ++row) {
    if (events_.times[row] >= time) return row;
  }
  return rows.end;
}

Status VectorSource::times(RowRange rows, int64_t* out) {
  for (uint64_t row = rows.begin; row < rows.end; ++row) *out++ = events_.times[row];
  return {};
}

Status VectorSource::versions(RowRange rows, uint64_t* out) {
  for (uint64_t row = rows.begin; row < rows.end; ++row) *out++ = events_.versions[row];
  return {};
}

const std::vector<Value>& VectorSource::values(const Column& column) const {
  for (size_t i = 0; i < events_.columns.size(); ++i) {
    if (events_.schema->columns[i].id == column.id) return events_.columns[i];
  }
  std::abort();
}

Status VectorSource::fixed(const Column& column, RowRange rows, uint8_t* out) {
  const auto& from = values(column);
  for (uint64_t row = rows.begin; row < rows.end; ++row) {
    std::memset(out, 0, column.width());
    std::memcpy(out, from[row].bytes.data(), from[row].bytes.size());
    out += column.width();
  }
  return {};
}

Status VectorSource::varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) {
  const auto& from = values(column);
  for (uint64_t row = rows.begin; row < rows.end; ++row) {
    out->data += from[row].bytes;
    out->offsets.push_back(static_cast<int64_t>(out->data.size()));
  }
  return {};
}

Status VectorSource::validity(const Column& column, RowRange rows, uint8_t* out) {
  const auto& from = values(column);
  for (uint64_t row = rows.begin; row < rows.end; ++row) *out++ = from[row].valid;
  return {};
}

BlockBounds VectorSource::bounds(const Column*, uint64_t row) {
  BlockBounds block;
  block.rows = {row, row + 1};
  return block;
}

std::shared_ptr<const Schema> random_schema(std::mt19937_64& random, bool wide) {
  auto schema = std::make_shared<Schema>();
  schema->key_name = "key";
  schema->time_name = "time";
  schema->key_type = static_cast<KeyType>(1 + random() % 4);
  const size_t count = wide ? 32 : random() % 6;
  for (size_t i = 0; i < count; ++i) {
    Column column;
    column.id = schema->next_column_id++;
    column.name = "c" + std::to_string(i);
    column.type = static_cast<Type>(1 + (wide ? i : random()) % 16);
    column.dimension = is_vector(column.type) ? static_cast<uint32_t>(1 + random() % 9) : 1;
    column.nullable = wide ? i >= 16 : random() % 2 == 0;
    schema->columns.push_back(column);
  }
  return schema;
}

namespace {

std::string random_key(std::mt19937_64& random, KeyType type) {
  if (!is_varlen(type)) {
    const uint64_t value = random() % 3 == 0 ? random() : random() % 5'000;
    std::string bytes(8, '\0');
    store(bytes.data(), __builtin_bswap64(value));
    return bytes;
  }
  static const char* const kStarts[] = {"", "a", "user_", "user_0000", "user_00000000"};
  std::string key = kStarts[random() % 5];
  for (size_t i = random() % 6; i > 0; --i) key += static_cast<char>(random() % 3);
  return key;
}

// Mode 0: few values; 1: small numbers; 2: any bits.
Value random_value(std::mt19937_64& random, const Column& column, unsigned mode, size_t largest) {
  Value value;
  value.valid = !column.nullable || random() % 4 != 0;
  if (!value.valid) return value;
  if (is_varlen(column.type)) {
    const size_t size = random() % (largest + 1);
    for (size_t i = 0; i < size; ++i) value.bytes += static_cast<char>('a' + (mode == 0 ? 0 : random() % 26));
    return value;
  }
  value.bytes.resize(column.width());
  const uint32_t width = element_bytes(column.type);
  for (size_t at = 0; at < value.bytes.size(); at += width) {
    uint64_t bits = mode == 2 ? random() : random() % (mode == 0 ? 3 : 1'000);
    if (column.type == Type::kBool) bits &= 1;
    if (column.type == Type::kCategory) bits &= 0xffff;
    if (codec_kind(column.type) == codec::Kind::kFloat && mode != 2) {
      const double number = static_cast<double>(bits) / 4 - 100;
      const auto narrow = static_cast<float>(number);
      bits = 0;
      if (width == 8) std::memcpy(&bits, &number, 8);
      if (width == 4) std::memcpy(&bits, &narrow, 4);
    }
    std::memcpy(value.bytes.data() + at, &bits, width);
  }
  return value;
}

}  // namespace

Events random_events(std::mt19937_64& random, std::shared_ptr<const Schema> schema, const Shape& shape) {
  Events events;
  events.schema = schema;
  for (size_t i = 0; i < shape.keys; ++i) events.keys.push_back(random_key(random, schema->key_type));
  std::sort(events.keys.begin(), events.keys.end(), [](const std::string& a, const std::string& b) {
    return KeyView::from_bytes(as_bytes(a)) < KeyView::from_bytes(as_bytes(b));
  });
  events.keys.erase(std::unique(events.keys.begin(), events.keys.end()), events.keys.end());
  for (size_t i = 0; i < events.keys.size(); ++i) {
    const uint64_t rows = 1 + (random() % 8 == 0 ? random() % shape.most_rows_a_key : random() % 4);
    std::vector<std::pair<int64_t, uint64_t>> order(rows);
    for (auto& [time, version] : order) {
      time = static_cast<int64_t>(random() % 1'000) - 500;
      version = 1 + random() % 50;
    }
    std::sort(order.begin(), order.end());
    for (const auto& [time, version] : order) {
      events.times.push_back(time);
      events.versions.push_back(version);
    }
    events.starts.push_back(events.times.size());
  }
  for (const Column& column : schema->columns) {
    auto& values = events.columns.emplace_back();
    const auto mode = static_cast<unsigned>(random() % 3);
    for (uint64_t row = 0; row < events.size(); ++row) {
      values.push_back(random_value(random, column, mode, shape.largest_value));
    }
  }
  return events;
}

}  // namespace tsfeat::testing
