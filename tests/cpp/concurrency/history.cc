#include "concurrency/history.h"

#include <algorithm>

namespace tsfeat::concurrency {
namespace {

void raise_to(std::atomic<uint64_t>& value, uint64_t to) {
  uint64_t now = value;
  while (now < to && !value.compare_exchange_weak(now, to)) {
  }
}

InputColumn fixed(const uint64_t* values) {
  InputColumn out;
  out.view.fixed = reinterpret_cast<const uint8_t*>(values);
  return out;
}

Result<Observation> read_newest(const Table& table, std::optional<uint64_t> version) {
  TSFEAT_ASSIGN(View view, table.view());
  ReadRequest request;
  for (uint64_t key = 0; key < kKeys; ++key) request.keys.push_back(KeyView::from_uint64(key));
  request.n.scalar = int64_t{kNewest};
  if (version) request.version.scalar = static_cast<int64_t>(*version);
  request.columns = {0};
  TSFEAT_ASSIGN(const ReadResult result, tsfeat::read(view, request));
  Observation out;
  out.version = version.value_or(view.version);
  for (size_t key = 0; key < kKeys; ++key) {
    for (int64_t i = result.offsets[key + 1] - 1; i >= result.offsets[key]; --i)
      out.items[key].push_back(load<uint64_t>(result.columns[0].fixed.data.get() + i * 8));
  }
  return out;
}

}  // namespace

Schema history_schema() {
  Schema schema;
  schema.key_name = "key";
  schema.time_name = "ts";
  Column& column = schema.columns.emplace_back();
  column.name = "item";
  column.type = Type::kUint64;
  return schema;
}

bool History::goes_on(const Status& status, const char* what) {
  ++operations_;
  if (status.ok()) return true;
  if (status.code() != Code::kClosed) fail(std::string(what) + ": " + status.message());
  return false;
}

bool History::append(Table& table, uint64_t item, std::vector<Append>* mine) {
  uint64_t keys[kKeys], items[kKeys];
  const int64_t times[kKeys] = {};
  for (uint64_t key = 0; key < kKeys; ++key) {
    keys[key] = key;
    items[key] = item;
  }
  AppendRequest request;
  request.rows = kKeys;
  request.keys = fixed(keys);
  request.times = times;
  request.columns = {fixed(items)};
  const Result<uint64_t> version = table.append(request);
  if (!goes_on(version.status(), "append")) return false;
  mine->push_back({*version, item});
  raise_to(newest_returned_, *version);
  return true;
}

bool History::erase(Table& table) {
  const std::lock_guard lock(erase_mutex_);
  const Result<uint64_t> before = table.version();
  if (!goes_on(before.status(), "version")) return false;
  erase_may_reach_ = ~uint64_t{0};  // until it is over: whatever is appended meanwhile
  const Result<uint64_t> erased = table.erase({KeyView::from_uint64(kErasedKey)}, {});
  if (!goes_on(erased.status(), "erase")) return false;
  const Result<uint64_t> after = table.version();
  if (!goes_on(after.status(), "version")) return false;
  erased_before_ = *before;
  erase_may_reach_ = *after;
  return true;
}

bool History::read(const Table& table, std::optional<uint64_t> version, std::vector<Observation>* mine) {
  const uint64_t at_least = version ? 0 : newest_returned_.load();
  const uint64_t erased_before = erased_before_;
  Result<Observation> seen = read_newest(table, version);
  if (!goes_on(seen.status(), "read")) return false;
  seen->at_least = at_least;
  seen->erased_before = erased_before;
  seen->erased_after = erase_may_reach_;
  mine->push_back(std::move(*seen));
  return true;
}

void History::fail(const std::string& what) {
  const std::lock_guard lock(failure_mutex_);
  if (failure_.empty()) failure_ = what;
}

std::string History::failure() const {
  const std::lock_guard lock(failure_mutex_);
  return failure_;
}

std::string items_by_version(const std::vector<std::vector<Append>>& writers, std::vector<uint64_t>* items) {
  for (const std::vector<Append>& writer : writers) {
    uint64_t last = 0;
    for (const Append& append : writer) {
      if (append.version <= last) return "a writer's versions do not ascend at " + std::to_string(append.version);
      last = append.version;
      if (items->size() <= append.version) items->resize(append.version + 1);
      if ((*items)[append.version] != 0) return "two batches have version " + std::to_string(append.version);
      (*items)[append.version] = append.item;
    }
  }
  const auto gap = std::find(items->begin() + 1, items->end(), 0U);
  return gap == items->end() ? "" : "no batch has version " + std::to_string(gap - items->begin());
}

std::string check(const std::vector<uint64_t>& item_of_version, const std::vector<Observation>& thread, bool follower) {
  uint64_t last = 0;
  for (const Observation& seen : thread) {
    const std::string at = " at version " + std::to_string(seen.version);
    if (seen.version >= item_of_version.size()) return "a version that nobody appended" + at;
    if (!follower && seen.version < seen.at_least)
      return "a read misses version " + std::to_string(seen.at_least) + ", which was appended before it" + at;
    if (seen.at_least != 0 || follower) {  // not as of an older version
      if (seen.version < last) return "a read goes back from version " + std::to_string(last) + at;
      last = seen.version;
    }
    for (uint64_t key = 0; key < kKeys; ++key) {
      const std::vector<uint64_t>& items = seen.items[key];
      for (size_t i = 0; i < items.size(); ++i) {
        if (i >= seen.version) return "more events than versions" + at;
        if (items[i] != item_of_version[seen.version - i])
          return "key " + std::to_string(key) + " shows another batch than version " +
                 std::to_string(seen.version - i) + at;
      }
      const bool erased = key == kErasedKey;
      const uint64_t gone = erased ? std::min(seen.erased_after, seen.version) : 0;
      const uint64_t least = std::min<uint64_t>(kNewest, seen.version - gone);
      const uint64_t most = erased && seen.version >= seen.erased_before && !follower
                                ? std::min<uint64_t>(kNewest, seen.version - seen.erased_before)
                                : kNewest;
      if (items.size() < least) return "key " + std::to_string(key) + " lacks events" + at;
      if (items.size() > most) return "an erased event is seen" + at;
      if (erased && seen.version < seen.erased_before && !items.empty() && !follower)
        return "an erased event is seen" + at;
    }
  }
  return "";
}

}  // namespace tsfeat::concurrency
