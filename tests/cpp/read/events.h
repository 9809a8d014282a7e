// Events as plain structs, and the batches and sources made of them: what the tests of memtable and read share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schema/batch.h"
#include "source/source.h"

namespace tsfeat::testing {

struct Event {
  uint64_t key = 0;
  int64_t time = 0;
  uint64_t version = 0;
  uint32_t position = 0;  // in its batch
  uint64_t item = 0;
  int32_t action = 0;
  std::optional<float> score{};
  std::string text{};
  int16_t extra = 7;                  // added later: older sources read its default
  std::optional<std::string> note{};  // the same, null by default
  bool operator==(const Event&) const = default;
};

enum Position : int { kTime = -1, kItem, kAction, kScore, kText, kExtra, kNote };

// Without the columns that were added later, or with them.
std::shared_ptr<const Schema> event_schema(bool with_added);

// (key, time, arrival)
bool event_before(const Event& a, const Event& b);

// The events as columns, in the order given, for event_schema(with_added). Owns the arrays behind `batch`.
class EventBatch {
 public:
  EventBatch(const std::vector<Event>& events, bool with_added);
  EventBatch(const EventBatch&) = delete;
  EventBatch& operator=(const EventBatch&) = delete;
  Batch batch;

 private:
  std::vector<uint64_t> keys_, items_;
  std::vector<int64_t> times_, text_offsets_{0}, note_offsets_{0};
  std::vector<int32_t> actions_;
  std::vector<float> scores_;
  std::vector<int16_t> extras_;
  std::vector<uint8_t> score_validity_, note_validity_;
  std::string texts_, notes_;
};

// A source over a sorted vector, in blocks of 16 rows with exact bounds; counts how it is used.
class EventSource final : public Source {
 public:
  EventSource(std::vector<Event> events, bool with_added);

  const SourceStats& stats() const override { return stats_; }
  Status locate(std::span<const Probe> probes, std::span<RowRange> answers) override;
  std::unique_ptr<KeyCursor> walk() override;
  Result<uint64_t> seek(RowRange rows, int64_t time) override;
  Status times(RowRange rows, int64_t* out) override;
  // Many ranges are one call.
  Status aimed_times(int64_t* out) override {
    const uint64_t before = calls;
    TSFEAT_TRY(Source::aimed_times(out));
    calls = before + 1;
    return {};
  }
  Status aimed_fixed(const Column& column, uint8_t* out) override {
    const uint64_t before = calls;
    TSFEAT_TRY(Source::aimed_fixed(column, out));
    calls = before + 1;
    return {};
  }
  Status versions(RowRange rows, uint64_t* out) override;
  bool has_column(uint32_t column_id) const override { return schema_->find_id(column_id) != nullptr; }
  Status fixed(const Column& column, RowRange rows, uint8_t* out) override;
  Status varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) override;
  Status validity(const Column& column, RowRange rows, uint8_t* out) override;
  BlockBounds bounds(const Column* column, uint64_t row) override;

  const std::vector<Event>& events() const { return events_; }
  uint64_t times_decoded = 0, versions_decoded = 0, values_decoded = 0, calls = 0, probed = 0;

 private:
  std::vector<Event> events_;
  std::shared_ptr<const Schema> schema_;
  SourceStats stats_;
};

}  // namespace tsfeat::testing
