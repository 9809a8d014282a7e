#include "reliability/oracle.h"

#include <algorithm>
#include <tuple>

namespace tsfeat::reliability {
namespace {

// What a store says of one table.
struct Seen {
  uint64_t version = 0;
  bool added = false;
  std::optional<int64_t> max_age;
  std::map<std::string, int64_t> positions;
  Rows rows;
};

Result<Seen> look(Store& store, const std::string& name, std::optional<uint64_t> first_added) {
  TSFEAT_ASSIGN(const std::shared_ptr<Table> table, store.table(name));
  Seen seen;
  TSFEAT_ASSIGN(seen.version, table->version());
  TSFEAT_ASSIGN(const std::shared_ptr<const Schema> schema, table->schema());
  seen.added = schema->columns.size() > events_schema().columns.size();
  TSFEAT_ASSIGN(const std::optional<Retention> retention, table->retention());
  if (retention) seen.max_age = retention->max_age;
  for (const std::string& source : kSources) {
    TSFEAT_ASSIGN(const std::optional<int64_t> position, table->position(source));
    if (position) seen.positions[source] = *position;
  }
  TSFEAT_ASSIGN(seen.rows, read_all(*table, seen.added ? first_added : std::nullopt));
  return seen;
}

// The first difference, or nothing.
std::string differs(const TableModel& model, const Seen& seen) {
  if (seen.version != model.version)
    return "version " + std::to_string(seen.version) + ", not " + std::to_string(model.version);
  if (seen.added != model.first_added.has_value()) return "columns";
  if (seen.max_age != model.max_age) return "retention";
  if (seen.positions != model.positions) return "positions";
  if (seen.rows != model.rows(model.version)) return "rows";
  return {};
}

std::string differs(const Model& model, const std::map<std::string, Seen>& seen) {
  if (model.tables.size() != seen.size()) return "tables";
  for (const auto& [name, table] : model.tables) {
    const auto at = seen.find(name);
    if (at == seen.end()) return "tables";
    if (std::string difference = differs(table, at->second); !difference.empty()) return name + ": " + difference;
  }
  return {};
}

}  // namespace

bool TableModel::visible(const Event& event) const {
  return !max_age || event.row.time >= saturating_sub(newest_time, *max_age);
}

Rows TableModel::rows(uint64_t at_version) const {
  Rows rows;
  for (const Event& event : events) {
    if (event.version <= at_version && visible(event)) rows.push_back(event.row);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return std::tie(a.key, a.time) < std::tie(b.key, b.time); });
  return rows;
}

void Model::apply(const Op& op) {
  switch (op.kind) {
    case Op::Kind::kCreate:
      tables[op.table] = {};
      return;
    case Op::Kind::kDrop:
      tables.erase(op.table);
      return;
    default:
      break;
  }
  TableModel& table = tables.at(op.table);
  switch (op.kind) {
    case Op::Kind::kAppend:
      ++table.version;
      for (const Row& row : op.batch.rows) {
        table.events.push_back({row, table.version});
        table.newest_time = std::max(table.newest_time, row.time);
      }
      if (!op.batch.source.empty()) table.positions[op.batch.source] = op.batch.position;
      return;
    case Op::Kind::kErase:
      std::erase_if(table.events, [&](const TableModel::Event& event) {
        return event.row.key == op.key && (!op.before || event.row.time < *op.before);
      });
      return;
    case Op::Kind::kAddColumn:
      table.first_added = op.first_added;
      return;
    default:  // a looser rule brings back nothing
      std::erase_if(table.events, [&](const TableModel::Event& event) { return !table.visible(event); });
      table.max_age = op.max_age;
      table.aged = true;
      return;
  }
}

void Oracle::acknowledge() {
  for (size_t i = 0; i < returned_; ++i) durable_.apply(pending_[i]);
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(returned_));
  returned_ = 0;
}

void Oracle::sync_attempted() {
  attempted_ = durable_;
  for (const Op& op : pending_) attempted_.apply(op);
}

void Oracle::settle(size_t prefix) {
  pending_.resize(prefix);
  returned_ = prefix;
  acknowledge();
  attempted_ = durable_;
}

Verdict Oracle::judge(Store& store, bool no_loss, Random& random) const {
  return compare(store, no_loss ? returned_ : 0, random);
}

Verdict Oracle::judge_table(Store& store, const std::string& name) const {
  const TableModel& model = durable_.tables.at(name);
  const Result<Seen> seen = look(store, name, model.first_added);
  if (!seen.ok()) return {Verdict::Kind::kRefused, 0, name + ": " + seen.status().message()};
  const std::string difference = differs(model, *seen);
  if (difference.empty()) return {};
  return {Verdict::Kind::kWrong, 0, name + ": " + difference};
}

Verdict Oracle::compare(Store& store, size_t required, Random& random) const {
  using Kind = Verdict::Kind;
  Model all = durable_;
  std::map<std::string, std::optional<uint64_t>> first_added;
  for (const auto& [name, table] : durable_.tables) first_added[name] = table.first_added;
  for (const Op& op : pending_) {
    all.apply(op);
    if (op.kind == Op::Kind::kAddColumn) first_added[op.table] = op.first_added;
  }
  const Result<std::vector<std::string>> names = store.tables();
  if (!names.ok()) return {Kind::kRefused, 0, names.status().message()};
  std::map<std::string, Seen> seen;
  for (const std::string& name : *names) {
    Result<Seen> table = look(store, name, first_added[name]);
    if (!table.ok()) {
      const bool wrong = table.status().message() == kWrongContent;
      return {wrong ? Kind::kWrong : Kind::kRefused, 0, name + ": " + table.status().message()};
    }
    seen[name] = std::move(*table);
  }

  Model model = durable_;
  std::string first_difference;
  size_t smaller = 0;  // prefixes that match but lack what must be there
  for (size_t prefix = 0;; ++prefix) {
    std::string difference = differs(model, seen);
    if (difference.empty() && prefix >= required) {
      // The same through another door: an old version, and the newest of one key.
      for (const auto& [name, table] : model.tables) {
        const std::shared_ptr<Table> handle = *store.table(name);
        if (!table.aged && table.version > 0) {
          const uint64_t version = random.below(table.version + 1);
          const Result<Rows> old = read_all(*handle, table.first_added, static_cast<int64_t>(version));
          if (!old.ok()) return {Kind::kRefused, 0, old.status().message()};
          if (*old != table.rows(version)) return {Kind::kWrong, 0, name + ": version " + std::to_string(version)};
        }
        if (table.events.empty()) continue;
        const uint64_t key = table.events[random.below(table.events.size())].row.key;
        const int64_t n = 1 + static_cast<int64_t>(random.below(8));
        Rows expected = table.rows(table.version);
        std::erase_if(expected, [&](const Row& row) { return row.key != key; });
        if (std::ssize(expected) > n) expected.erase(expected.begin(), expected.end() - n);
        const Result<Rows> newest = last_n(*handle, key, n);
        if (!newest.ok()) return {Kind::kRefused, 0, newest.status().message()};
        if (*newest != expected) return {Kind::kWrong, 0, name + ": last_n of key " + std::to_string(key)};
      }
      return {Kind::kRight, prefix, {}};
    }
    if (difference.empty()) ++smaller;
    first_difference = difference.empty() ? first_difference : difference;
    if (prefix == pending_.size()) break;
    model.apply(pending_[prefix]);
  }
  if (smaller > 0) return {Kind::kLost, 0, "only " + std::to_string(smaller) + " of what was accepted"};
  for (const auto& [name, table] : durable_.tables) {
    const auto at = seen.find(name);
    if (at != seen.end() && at->second.version < table.version)
      return {Kind::kLost, 0,
              name + ": version " + std::to_string(at->second.version) + " of " + std::to_string(table.version)};
    if (at == seen.end() && all.tables.contains(name)) return {Kind::kLost, 0, "table " + name};
  }
  for (const auto& [name, table] : seen) {
    const auto at = all.tables.find(name);
    if (at == all.tables.end() && !durable_.tables.contains(name)) return {Kind::kPhantom, 0, "table " + name};
    if (at != all.tables.end() && table.version > at->second.version)
      return {Kind::kPhantom, 0, name + ": version " + std::to_string(table.version)};
  }
  return {first_difference.ends_with("rows") ? Kind::kWrong : Kind::kHole, 0, first_difference};
}

}  // namespace tsfeat::reliability
