#include "engine/broken_run.h"

#include <utility>

namespace tsfeat {
namespace {

class BrokenSource final : public Source {
 public:
  BrokenSource(const SourceStats& stats, Status why) : stats_(stats), why_(std::move(why)) {}
  const SourceStats& stats() const override { return stats_; }
  Status locate(std::span<const Probe>, std::span<RowRange>) override { return why_; }
  std::unique_ptr<KeyCursor> walk() override { return std::make_unique<BrokenCursor>(why_); }
  Result<uint64_t> seek(RowRange, int64_t) override { return why_; }
  Status times(RowRange, int64_t*) override { return why_; }
  Status versions(RowRange, uint64_t*) override { return why_; }
  bool has_column(uint32_t) const override { return true; }
  Status fixed(const Column&, RowRange, uint8_t*) override { return why_; }
  Status varlen(const Column&, RowRange, codec::VarlenBuffer*) override { return why_; }
  Status validity(const Column&, RowRange, uint8_t*) override { return why_; }
  BlockBounds bounds(const Column*, uint64_t row) override { return {.rows = {row, row + 1}}; }

 private:
  class BrokenCursor final : public KeyCursor {
   public:
    explicit BrokenCursor(Status why) : why_(std::move(why)) {}
    Result<bool> next() override { return why_; }
    KeyView key() const override { return {}; }
    RowRange rows() const override { return {}; }

   private:
    const Status why_;
  };

  const SourceStats stats_;
  const Status why_;
};

class BrokenRun final : public Run {
 public:
  BrokenRun(const RunMeta& meta, Status why) : meta_(meta), why_(std::move(why)) {}
  const RunMeta& meta() const override { return meta_; }
  uint64_t memory_bytes() const override { return 0; }
  std::unique_ptr<Source> source(bool) override { return std::make_unique<BrokenSource>(meta_.stats, why_); }
  Status verify(std::vector<Problem>* problems) override {
    problems->push_back({0, why_.message()});
    return {};
  }

 private:
  const RunMeta meta_;
  const Status why_;
};

}  // namespace

std::shared_ptr<Run> make_broken_run(const RunMeta& meta, Status why) {
  return std::make_shared<BrokenRun>(meta, std::move(why));
}

}  // namespace tsfeat
