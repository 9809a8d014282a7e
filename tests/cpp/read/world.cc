#include "read/world.h"

#include <algorithm>
#include <limits>

#include "memtable/memtable.h"

namespace tsfeat::testing {
namespace {

template <typename T>
std::string text_of(const uint8_t* value) {
  return std::to_string(load<T>(value));
}

std::string fixed_text(int column, const uint8_t* data, uint64_t i) {
  switch (column) {
    case kTime:
      return text_of<int64_t>(data + i * 8);
    case kItem:
      return text_of<uint64_t>(data + i * 8);
    case kAction:
      return text_of<int32_t>(data + i * 4);
    case kScore:
      return text_of<float>(data + i * 4);
    default:
      return text_of<int16_t>(data + i * 2);
  }
}

std::string event_text(int column, const Event& event) {
  switch (column) {
    case kTime:
      return std::to_string(event.time);
    case kItem:
      return std::to_string(event.item);
    case kAction:
      return std::to_string(event.action);
    case kScore:
      return event.score ? std::to_string(*event.score) : "null";
    case kText:
      return event.text;
    case kExtra:
      return std::to_string(event.extra);
    default:
      return event.note.value_or("null");
  }
}

}  // namespace

World::World(Random& random, const WorldShape& shape) {
  homes_.resize(shape.vector_sources + shape.memtables);
  for (uint64_t home = 0; home < shape.vector_sources; ++home) homes_[home].with_added = home > 0;
  for (uint64_t of_version = 1; of_version <= shape.versions; ++of_version) {
    // A memtable's versions ascend, and the old schema's source comes first: both hold for any assignment of versions.
    const uint64_t home =
        shape.random_placement ? random() % homes_.size() : (of_version - 1) * homes_.size() / shape.versions;
    const uint64_t count = random() % (shape.largest_batch + 1);
    for (uint32_t position = 0; position < count; ++position) {
      Event event = random_event(random, shape, of_version);
      event.position = position;
      if (!homes_[home].with_added) {
        event.extra = 7;
        event.note.reset();
      }
      events.push_back(event);
      homes_[home].events.push_back(event);
    }
  }
  for (uint64_t home = shape.vector_sources; home < homes_.size(); ++home) {
    const auto memtable = Memtable::create(event_schema(true));
    std::map<uint64_t, std::vector<Event>> batches;
    for (const Event& event : homes_[home].events) batches[event.version].push_back(event);
    for (const auto& [of_version, batch] : batches) memtable->insert(EventBatch(batch, true).batch, of_version);
    homes_[home].memtable = memtable;
  }
  version = random() % 3 == 0 ? random() % (shape.versions + 1) : shape.versions;
  now = static_cast<int64_t>(shape.times + shape.drift * shape.versions);
}

Event World::random_event(Random& random, const WorldShape& shape, uint64_t of_version) const {
  const auto draw = [&](uint64_t below) { return random() % below; };
  Event event;
  event.key = draw(3) == 0 ? 0 : draw(shape.keys);
  event.time = static_cast<int64_t>(draw(shape.times) + shape.drift * of_version);
  event.version = of_version;
  event.item = draw(2) == 0 ? draw(30) : draw(40) * 1'000'000'007;
  event.action = static_cast<int32_t>(draw(18));
  if (draw(4) > 0)
    event.score = draw(8) == 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(draw(6)) - 3;
  event.text = std::string(draw(4), draw(2) == 0 ? 'a' : 'b');
  event.extra = static_cast<int16_t>(draw(9));
  if (draw(2) == 0) event.note = std::string(draw(3), 'n');
  return event;
}

View World::view() const {
  View view;
  view.schema = event_schema(true);
  view.table_name = "clicks";
  view.version = version;
  view.now = now;
  view.retention = retention;
  view.tombstones = tombstones;
  const auto homes = std::make_shared<const std::vector<Home>>(homes_);
  view.owner = homes;
  view.open_again = [](const View& again) {
    return open_sources(*static_cast<const std::vector<Home>*>(again.owner.get()), again.version);
  };
  view.helpers = helpers.get();
  view.sources = open_sources(*homes, version);
  return view;
}

View::Sources World::open_sources(const std::vector<Home>& homes, uint64_t version) {
  View::Sources sources;
  for (const Home& home : homes) {
    if (home.memtable != nullptr) {
      sources.push_back(static_cast<const Memtable*>(home.memtable.get())->source(version));
    } else {
      sources.push_back(std::make_unique<EventSource>(home.events, home.with_added));
    }
  }
  return sources;
}

void World::erase(Random& random) {
  uint8_t room[8];
  const Bytes key = KeyView::from_uint64(random() % 8).bytes(room);
  DeleteRecord::Erasure erasure;
  erasure.key.assign(reinterpret_cast<const char*>(key.data()), key.size());
  erasure.everything = random() % 3 == 0;
  erasure.before = static_cast<int64_t>(random() % 80);
  DeleteRecord record;
  record.version = random() % (version + 1);
  record.erasures = {erasure};
  tombstones = tombstones->with(record);
}

std::vector<Event> World::visible(uint64_t key, uint64_t of_version, std::optional<int64_t> before) const {
  std::vector<Mark> marks;
  tombstones->find(KeyView::from_uint64(key), &marks);
  std::vector<Event> seen;
  for (const Event& event : events) {
    const bool erased =
        std::any_of(marks.begin(), marks.end(), [&](const Mark& m) { return m.erases(event.time, event.version); });
    if (event.key == key && event.version <= of_version && !erased && (!before || event.time < *before))
      seen.push_back(event);
  }
  std::sort(seen.begin(), seen.end(), event_before);
  std::reverse(seen.begin(), seen.end());
  if (retention) {
    uint64_t rank = 0;
    std::erase_if(seen, [&](const Event& event) {
      ++rank;
      const bool young = !retention->max_age || event.time >= before.value_or(now) - *retention->max_age;
      const bool few = !retention->max_events || rank <= *retention->max_events;
      return rank > retention->min_events && !(young && few);
    });
  }
  std::reverse(seen.begin(), seen.end());
  return seen;
}

std::vector<std::string> lines_of(const std::vector<Event>& events, const std::vector<int>& columns) {
  std::vector<std::string> lines;
  for (const Event& event : events) {
    std::string line;
    for (const int column : columns) line += event_text(column, event) + "|";
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> lines_of(const std::vector<ColumnResult>& results, uint64_t events,
                                  const std::vector<int>& columns) {
  std::vector<std::string> lines(events);
  for (size_t at = 0; at < columns.size(); ++at) {
    const ColumnResult& result = results[at];
    for (uint64_t i = 0; i < events; ++i) {
      if (result.validity && result.validity->data[i] == 0) {
        lines[i] += "null|";
      } else if (columns[at] == kText || columns[at] == kNote) {
        const auto begin = static_cast<size_t>(result.varlen->offsets[i]);
        lines[i] += result.varlen->data.substr(begin, static_cast<size_t>(result.varlen->offsets[i + 1]) - begin) + "|";
      } else {
        lines[i] += fixed_text(columns[at], result.fixed.data.get(), i) + "|";
      }
    }
  }
  return lines;
}

}  // namespace tsfeat::testing
