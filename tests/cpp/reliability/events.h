// The events of the trials: all that is in one follows from its key and its number, so that contents check themselves.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/store.h"

namespace tsfeat::reliability {

struct Row {
  uint64_t key = 0;
  int64_t time = 0;
  uint64_t number = 0;  // of the event, counted over the whole history: distinct
  bool operator==(const Row&) const = default;
};
using Rows = std::vector<Row>;

inline constexpr int64_t kAddedDefault = 7;
inline const std::array<std::string, 2> kSources = {"s", "t"};

// Small buffers and pages, no threads, no sync unless asked: all happens in the calls, in the same order each time.
StoreOptions small_options();
Schema events_schema();
Column added_column();

struct Batch {
  Rows rows;
  bool sync = false;
  std::string source;  // empty: none
  int64_t position = 0;
};
// added: whether the table has the added column.
Result<uint64_t> append(Table& table, const Batch& batch, bool added);
// The rows as a bulk load, sorted first, in parts of a few.
Result<uint64_t> bulk_load(Table& table, Rows rows, bool added);

// All rows in (key, time, arrival) order, at a version or the newest. A row whose columns do not follow from its key
// and number is kCorruption without a file, which no honest read returns. first_added: the number of the first event
// that was written with the added column; none: there is no such column.
inline constexpr const char* kWrongContent = "a row does not follow from its key and number";
Result<Rows> read_all(const Table& table, std::optional<uint64_t> first_added,
                      std::optional<int64_t> version = std::nullopt);
// The newest n events of one key.
Result<Rows> last_n(const Table& table, uint64_t key, int64_t n);

}  // namespace tsfeat::reliability
