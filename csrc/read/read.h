// Reads: last_n, between, latest, count are one request; scan, flush and compaction are the walk of merge.h. Never
// writes.
//
// A request is planned as a whole: all keys are located in all sources first (misses overlap), then each row's events
// are chosen newest first (before, version, erasure, retention, since, where, n, in that order), counted, and then
// decoded column by column straight into arrays of the exact size. A large request is worked on in order of the keys,
// so that rows of the same key share what is decoded, and by several threads (portion.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/helpers.h"
#include "catalog/tombstones.h"
#include "read/filter.h"
#include "schema/retention.h"
#include "source/decode.h"
#include "source/source.h"
#include "vfs/buffer.h"

namespace tsfeat {

// One consistent view of a table: what the engine hands to a reader. The sources together hold every event with version
// <= `version` (and may hold newer ones). `sources` point into what `owner` keeps alive.
struct View {
  using Sources = std::vector<std::unique_ptr<Source>>;

  std::shared_ptr<const Schema> schema;
  std::string table_name;
  uint64_t version = 0;
  int64_t now = 0;  // on the table's clock, in its unit
  std::optional<Retention> retention;
  int64_t horizon_time = kMinTime;               // reads with R < it raise kRetention; kMinTime: none
  uint64_t horizon_version = 0;                  // reads at a version < it raise kRetention
  std::shared_ptr<const Tombstones> tombstones;  // null: nothing is erased
  std::shared_ptr<const void> owner;
  Sources sources;
  bool is_scan = false;  // then sources read past the cache
  // For large reads on several threads. The same sources once more, for another thread to use while the one that has
  // the view waits: made and destroyed by the latter. Null: reads stay on one thread.
  Sources (*open_again)(const View& view) = nullptr;
  Helpers* helpers = nullptr;            // outlives the view:
  std::shared_ptr<Helpers> own_helpers;  // a scan's, which may outlive the store
};

// A scalar or one value a row; absent is "no bound".
template <typename T>
struct PerRow {
  std::optional<T> scalar;
  const T* rows = nullptr;
  bool given() const { return scalar.has_value() || rows != nullptr; }
  std::optional<T> at(uint64_t row) const { return rows != nullptr ? std::optional<T>(rows[row]) : scalar; }
};

struct ReadRequest {
  std::vector<KeyView> keys;
  PerRow<int64_t> n;  // negative: kSchema
  PerRow<int64_t> since;
  PerRow<int64_t> before;
  PerRow<int64_t> version;
  // R of law 5, where it is not the row's `before`, or else the view's now: for reading again what was read at a
  // moment.
  PerRow<int64_t> read_at;
  const FilterNode* filter = nullptr;
  std::vector<int> columns;  // -1 is the time, else the position in the schema
};

// Uninitialized memory that can be handed on (to numpy) without a copy.
struct Array {
  Buffer data;
  size_t bytes = 0;
};

struct ColumnResult {
  Array fixed;                                // events * width (int64 for the time)
  std::optional<codec::VarlenBuffer> varlen;  // or this
  std::optional<Array> validity;              // of a nullable column that has a null in this answer
};

struct ReadResult {
  uint64_t version = 0;
  int64_t now = 0;               // R of the rows without `before`
  std::vector<int64_t> offsets;  // rows + 1
  std::vector<ColumnResult> columns;
};

Result<ReadResult> read(View& view, const ReadRequest& request);
// Events per row, by the same choice.
Result<std::vector<int64_t>> count(View& view, const ReadRequest& request);

}  // namespace tsfeat
