// Small random histories of one table, and law 5 as it is written: what the tests of compact compare with.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "compact/reclaim.h"
#include "source/source.h"

namespace tsfeat::compact_testing {

struct Event {
  int64_t time = 0;
  uint64_t version = 0;
  uint64_t position = 0;  // in the batch; unique in the history
  auto operator<=>(const Event&) const = default;
};

// Events by key, each key's in (time, version, position) order.
using History = std::map<uint64_t, std::vector<Event>>;

// A history, or a part of it, as a Source with one column: the position.
class HistorySource final : public Source {
 public:
  explicit HistorySource(const History& history);
  const SourceStats& stats() const override { return stats_; }
  Status locate(std::span<const Probe> probes, std::span<RowRange> answers) override;
  std::unique_ptr<KeyCursor> walk() override;
  Result<uint64_t> seek(RowRange rows, int64_t time) override;
  Status times(RowRange rows, int64_t* out) override;
  Status versions(RowRange rows, uint64_t* out) override;
  bool has_column(uint32_t column_id) const override { return column_id == 1; }
  Status fixed(const Column& column, RowRange rows, uint8_t* out) override;
  Status varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) override;
  Status validity(const Column& column, RowRange rows, uint8_t* out) override;
  BlockBounds bounds(const Column*, uint64_t row) override { return {.rows = {row, row + 1}}; }

  const Event& event(uint64_t row) const { return events_[row]; }
  RowRange rows(uint64_t key) const;

 private:
  std::map<uint64_t, RowRange> rows_;
  std::vector<Event> events_;
  SourceStats stats_;
};

std::shared_ptr<const Schema> history_schema();

struct HistoryShape {
  uint64_t keys = 1;
  uint64_t events = 8;
  int64_t times = 10;
  uint64_t versions = 6;
};
History random_history(std::mt19937_64& random, const HistoryShape& shape);
// Cuts the history in `parts`; a version is in one part only.
std::vector<History> random_parts(std::mt19937_64& random, const History& history, size_t parts);
std::optional<Retention> random_retention(std::mt19937_64& random);

// What a read sees, oldest first. before: nothing for a read that stands at `now` and ranks all events.
std::vector<Event> visible(const std::vector<Event>& events, const Retention& retention, uint64_t version,
                           std::optional<int64_t> before, int64_t now);

}  // namespace tsfeat::compact_testing
