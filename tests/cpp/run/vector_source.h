// The oracle of the run tests: events in plain vectors, as a Source.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "schema/schema.h"
#include "source/source.h"

namespace tsfeat::testing {

// Keys ascend; key i has rows [starts[i], starts[i + 1]).
struct Events {
  std::shared_ptr<const Schema> schema;
  std::vector<std::string> keys;  // their bytes, as KeyView::from_bytes takes them
  std::vector<uint64_t> starts{0};
  std::vector<int64_t> times;
  std::vector<uint64_t> versions;
  std::vector<std::vector<Value>> columns;  // [column][row]

  KeyView key(size_t i) const;
  RowRange rows(size_t i) const { return {starts[i], starts[i + 1]}; }
  uint64_t size() const { return times.size(); }
};

class VectorSource final : public Source {
 public:
  explicit VectorSource(const Events& events);
  const SourceStats& stats() const override { return stats_; }
  Status locate(std::span<const Probe> probes, std::span<RowRange> answers) override;
  std::unique_ptr<KeyCursor> walk() override;
  Result<uint64_t> seek(RowRange rows, int64_t time) override;
  Status times(RowRange rows, int64_t* out) override;
  Status versions(RowRange rows, uint64_t* out) override;
  bool has_column(uint32_t column_id) const override { return events_.schema->find_id(column_id) != nullptr; }
  Status fixed(const Column& column, RowRange rows, uint8_t* out) override;
  Status varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) override;
  Status validity(const Column& column, RowRange rows, uint8_t* out) override;
  BlockBounds bounds(const Column* column, uint64_t row) override;

 private:
  const std::vector<Value>& values(const Column& column) const;
  const Events& events_;
  SourceStats stats_;
};

// All sixteen types if wide, else a few; nullable ones and not.
std::shared_ptr<const Schema> random_schema(std::mt19937_64& random, bool wide);
struct Shape {
  size_t keys = 50;
  uint64_t most_rows_a_key = 40;
  size_t largest_value = 20;  // bytes of a string
};
Events random_events(std::mt19937_64& random, std::shared_ptr<const Schema> schema, const Shape& shape);

}  // namespace tsfeat::testing
