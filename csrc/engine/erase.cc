// Erasure: a mark per key in the log and in the table's tombstones; reads skip what is marked, compaction removes it.

#include <map>

#include "engine/store_core.h"

namespace tsfeat {
namespace {

struct Erasure {
  KeyView key;
  std::optional<int64_t> before;  // nothing: everything
};

// One per distinct key: the widest.
std::vector<Erasure> distinct(const std::vector<KeyView>& keys, const PerRow<int64_t>& before) {
  std::map<KeyView, std::optional<int64_t>> widest;
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::optional<int64_t> cut = before.at(i);
    const auto [at, fresh] = widest.emplace(keys[i], cut);
    if (!fresh && at->second) at->second = cut ? std::optional(std::max(*at->second, *cut)) : std::nullopt;
  }
  std::vector<Erasure> out;
  for (const auto& [key, cut] : widest) out.push_back({key, cut});
  return out;
}

// The visible events (R = now) older than each cut: what the erasure takes away.
Result<uint64_t> count_visible(View view, const std::vector<Erasure>& erasures) {
  ReadRequest request;
  std::vector<int64_t> cuts;
  for (const Erasure& erasure : erasures) {
    request.keys.push_back(erasure.key);
    cuts.push_back(erasure.before.value_or(kMaxTime));
  }
  TSFEAT_ASSIGN(const std::vector<int64_t> all, count(view, request));
  // Not `before`: that would move R. What is not older than the cut stays.
  request.since.rows = cuts.data();
  TSFEAT_ASSIGN(const std::vector<int64_t> stay, count(view, request));
  uint64_t gone = 0;
  for (size_t i = 0; i < erasures.size(); ++i) {
    gone += static_cast<uint64_t>(erasures[i].before ? all[i] - stay[i] : all[i]);
  }
  return gone;
}

}  // namespace

Result<uint64_t> StoreCore::erase(TableCore& table, const std::vector<KeyView>& keys, PerRow<int64_t> before) {
  TSFEAT_TRY(check_open());
  TSFEAT_TRY(check_writable());
  const std::vector<Erasure> erasures = distinct(keys, before);
  std::unique_lock lock(write_mutex);
  TSFEAT_TRY(check_open());
  TSFEAT_TRY(check_writable());
  if (table.dropped) return Status::not_found("table '" + table.name + "' was dropped");
  if (erasures.empty()) return uint64_t{0};
  TSFEAT_ASSIGN(const uint64_t gone, count_visible(table.view(clock, false), erasures));

  DeleteRecord record{table.id, table.published().version, {}};
  for (const Erasure& erasure : erasures) {
    uint8_t room[8];
    const Bytes bytes = erasure.key.bytes(room);
    record.erasures.push_back({std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                               erasure.before.value_or(0), !erasure.before});
  }
  EncodedRecord encoded;
  encode_delete(record, &encoded);
  TSFEAT_TRY(all_or_poison([&]() -> Status {
    if (Status status = log_->append(encoded); !status.ok()) {
      return status.code() == Code::kSchema ? status : poison(status);
    }
    table.update([&](TableState& state) { state.tombstones = state.tombstones->with(record); });
    return {};
  }));
  const std::shared_ptr<LogWriter> log = log_;
  const uint64_t log_bytes = log->size();
  lock.unlock();
  // A promise to forget is kept across a power loss, whatever the sync policy.
  if (Status status = log->sync(log_bytes); !status.ok()) return poison(status);
  return gone;
}

}  // namespace tsfeat
