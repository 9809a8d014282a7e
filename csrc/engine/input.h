// From what a caller passed to a Batch that cannot fail: every law-9 check, and the canonical form (null rows zeroed,
// categories as codes, absent columns filled with their defaults).
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/store.h"
#include "engine/table_core.h"
#include "wal/record.h"

namespace tsfeat {

// Refuses by kSchema, naming table, column and row; changes nothing. Strings never seen in an open category become
// `new_categories`, to be added to the dictionaries once the log has them: so the caller holds the store's write lock
// from prepare() to there. A load's batch (first_row: how many rows of the load came before it, for messages) also
// knows what loads have reserved, and reserves its `new_categories` instead: then it needs no lock if it has none.
class PreparedBatch {
 public:
  PreparedBatch(const std::string& table_name, const TableState& state) : table_name_(table_name), state_(state) {}
  PreparedBatch(const std::string& table_name, const TableState& state, uint64_t first_row)
      : table_name_(table_name), state_(state), loading_(true), first_row_(first_row) {}
  Status prepare(const AppendRequest& request);
  // The same from a record of the log: columns that it lacks take their defaults. Its categories are in the
  // dictionaries already.
  Status prepare_stored(const DecodedBatch& stored);

  const Batch& batch() const { return batch_; }
  const std::vector<NewCategories>& new_categories() const { return new_categories_; }
  std::optional<int64_t> newest_time() const { return newest_time_; }

 private:
  Status prepare_keys(const AppendRequest& request);
  Status prepare_times(const AppendRequest& request);
  Status prepare_column(const Column& column, const InputColumn& input, ColumnView* out);
  Status fill_default(const Column& column, ColumnView* out);
  Status check_validity(const Column& column, const InputColumn& input, const uint8_t** validity);
  Status prepare_fixed(const Column& column, const InputColumn& input, ColumnView* out);
  Status prepare_varlen(const Column& column, const InputColumn& input, ColumnView* out);
  Status prepare_category(const Column& column, const InputColumn& input, ColumnView* out);
  Status category_code(const Column& column, std::string_view text, uint64_t row, int32_t* code);
  NewCategories& fresh_of(const Column& column);
  Status check_offsets(const InputColumn& input, uint64_t values, const std::string& where) const;
  Status refuse(const std::string& column, uint64_t row, const std::string& what) const;
  std::string where(const std::string& column) const { return "table '" + table_name_ + "', column '" + column + "'"; }
  uint8_t* keep(size_t bytes);

  const std::string& table_name_;
  const TableState& state_;
  const bool loading_ = false;
  const uint64_t first_row_ = 0;
  uint64_t rows_ = 0;
  Batch batch_;
  std::optional<int64_t> newest_time_;
  std::vector<NewCategories> new_categories_;
  std::unordered_map<std::string, int32_t> fresh_codes_;  // of the column at hand
  std::deque<std::unique_ptr<uint8_t[]>> kept_;           // what had to be made anew
};

}  // namespace tsfeat
