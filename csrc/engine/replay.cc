#include "engine/replay.h"

#include <algorithm>

#include "base/planted.h"
#include "engine/input.h"
#include "wal/record.h"

namespace tsfeat {
namespace {

Status replay_batch(TableCore& table, Bytes record, LogPlace end) {
  const std::shared_ptr<const TableState> state = table.published().state;
  TSFEAT_ASSIGN(const DecodedBatch decoded, decode_batch(record, *state->schema));
  for (const NewCategories& fresh : decoded.header.categories) {
    const auto dictionary = state->categories.find(fresh.column_id);
    if (dictionary == state->categories.end())
      return Status::corruption("a batch has categories for a column that has none");
    if (fresh.first_code > dictionary->second->size())
      return Status::corruption("a batch has categories that leave a gap behind those before it");
    std::vector<std::string> values = fresh.values;
    if (planted("category")) std::reverse(values.begin(), values.end());
    dictionary->second->add(fresh.first_code, values);
  }
  if (planted("recovery") && decoded.header.version % 3 == 0) return {};
  PreparedBatch prepared(table.name, *state);
  TSFEAT_TRY(prepared.prepare_stored(decoded));
  state->memtables.back()->insert(prepared.batch(), decoded.header.version);
  table.publish_batch({decoded.header.version, prepared.batch().rows, prepared.newest_time(), decoded.header.wall_clock,
                       decoded.header.source, decoded.header.position, end});
  return {};
}

}  // namespace

Status replay_record(const TablesById& tables, Bytes record, LogPlace end) {
  TSFEAT_ASSIGN(const RecordKind kind, record_kind(record));
  TSFEAT_ASSIGN(const uint32_t table_id, record_table_id(record));
  const auto at = tables.find(table_id);
  if (at == tables.end()) return {};
  TableCore& table = *at->second;
  if (kind == RecordKind::kBatch) return replay_batch(table, record, end);
  if (planted("erasure")) return {};
  TSFEAT_ASSIGN(const DeleteRecord erasure, decode_delete(record));
  table.update([&](TableState& state) { state.tombstones = state.tombstones->with(erasure); });
  return {};
}

}  // namespace tsfeat
