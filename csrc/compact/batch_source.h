// One batch whose events are sorted by (key, time) as a Source: rows are its positions. Its version is not known yet,
// so all of its rows say 0.
#pragma once

#include "schema/batch.h"
#include "source/source.h"

namespace tsfeat {

class BatchSource final : public Source {
 public:
  // Both outlive the source, and so do the batch's arrays.
  BatchSource(const Schema& schema, const Batch& batch);

  const SourceStats& stats() const override { return stats_; }
  Status locate(std::span<const Probe> probes, std::span<RowRange> answers) override;
  std::unique_ptr<KeyCursor> walk() override;
  Result<uint64_t> seek(RowRange rows, int64_t time) override;
  Status times(RowRange rows, int64_t* out) override;
  Status versions(RowRange rows, uint64_t* out) override;
  bool has_column(uint32_t column_id) const override { return schema_.find_id(column_id) != nullptr; }
  Status fixed(const Column& column, RowRange rows, uint8_t* out) override;
  Status varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) override;
  Status validity(const Column& column, RowRange rows, uint8_t* out) override;
  BlockBounds bounds(const Column* column, uint64_t row) override;
  bool ranges_may_cross_keys() const override { return true; }

 private:
  const ColumnView& values(const Column& column) const {
    return batch_.columns[static_cast<size_t>(schema_.find_id(column.id) - schema_.columns.data())];
  }

  const Schema& schema_;
  const Batch& batch_;
  SourceStats stats_;
};

}  // namespace tsfeat
