// The memtable as a Source: rows are positions in a list of row pointers that locate() and walk() extend.
#pragma once

#include <memory>

#include "memtable/collect.h"
#include "memtable/row_layout.h"
#include "memtable/tail_table.h"
#include "source/source.h"

namespace tsfeat {

class MemtableSource final : public Source {
 public:
  // Everything that is referred to outlives the source. `stats` covers at least what is visible at `version`.
  MemtableSource(const Schema& schema, const RowLayout& layout, const TailTable& table,
                 const std::vector<Arrival>& arrivals, uint64_t version, const SourceStats& stats)
      : schema_(schema), layout_(layout), table_(table), arrivals_(arrivals), version_(version), stats_(stats) {}

  const SourceStats& stats() const override { return stats_; }
  Status locate(std::span<const Probe> probes, std::span<RowRange> answers) override;
  std::unique_ptr<KeyCursor> walk() override;
  Result<uint64_t> seek(RowRange rows, int64_t time) override;
  void arrivals(std::vector<Arrival>* out) const override {
    out->insert(out->end(), arrivals_.begin(), arrivals_.end());
  }
  Status times(RowRange rows, int64_t* out) override;
  Status versions(RowRange rows, uint64_t* out) override;
  bool has_column(uint32_t column_id) const override { return schema_.find_id(column_id) != nullptr; }
  Status fixed(const Column& column, RowRange rows, uint8_t* out) override;
  Status varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) override;
  Status validity(const Column& column, RowRange rows, uint8_t* out) override;
  BlockBounds bounds(const Column* column, uint64_t row) override;
  void aim(std::span<const Aim> aims) override;

  // Adds the tail's rows to the list.
  RowRange add(const Tail& tail, int64_t until, uint64_t limit) {
    const uint64_t begin = rows_.size();
    collect_rows(tail, layout_.stride, {version_, until, limit}, &rows_);
    return {begin, rows_.size()};
  }

 private:
  size_t position(const Column& column) const {
    return static_cast<size_t>(schema_.find_id(column.id) - schema_.columns.data());
  }

  const Schema& schema_;
  const RowLayout& layout_;
  const TailTable& table_;
  const std::vector<Arrival>& arrivals_;
  const uint64_t version_;
  const SourceStats stats_;
  RowPointers rows_;
  std::vector<Aim> joined_;  // what the source is aimed at
};

}  // namespace tsfeat
