// A run as a Source. Serves one caller; the run outlives it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/epoch.h"
#include "base/lent.h"
#include "run/aim_plan.h"
#include "run/blocks.h"
#include "run/run_file.h"
#include "source/source.h"

namespace tsfeat::run {

// What a source works with; its buffers go from read to read.
struct SourceScratch {
  AimPlan plan;
  std::vector<uint8_t> window;
  std::vector<int64_t> expected_times;
  std::vector<int64_t> sought_times;

  size_t held_bytes() const {
    return plan.held_bytes() + window.capacity() + 8 * (expected_times.capacity() + sought_times.capacity());
  }
};

class RunSource final : public Source {
 public:
  // Holds the epoch's pin all its life. bypass_cache: reads past the cache, and holds the pin by call.
  RunSource(const RunFile& run, bool bypass_cache);
  ~RunSource() override;

  const SourceStats& stats() const override { return run_.meta().stats; }
  Status locate(std::span<const Probe> probes, std::span<RowRange> answers) override;
  std::unique_ptr<KeyCursor> walk() override;
  Result<uint64_t> seek(RowRange rows, int64_t time) override;
  void arrivals(std::vector<Arrival>* out) const override;
  Status times(RowRange rows, int64_t* out) override;
  Status versions(RowRange rows, uint64_t* out) override;
  bool has_column(uint32_t column_id) const override { return column_at(column_id) != nullptr; }
  Status fixed(const Column& column, RowRange rows, uint8_t* out) override;
  Status varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) override;
  Status validity(const Column& column, RowRange rows, uint8_t* out) override;
  BlockBounds bounds(const Column* column, uint64_t row) override;
  void aim(std::span<const Aim> aims) override;
  Status aimed_times(int64_t* out) override;
  Status aimed_versions(uint64_t* out) override;
  Status aimed_fixed(const Column& column, uint8_t* out) override;
  void hold_by_call() override { pin_.reset(); }
  bool ranges_may_cross_keys() const override { return true; }

 private:
  static constexpr uint32_t kNoChunk = ~uint32_t{0};

  // The pin of one call, where the source does not hold one itself.
  class CallPin {
   public:
    explicit CallPin(const RunSource& source) {
      if (!source.pin_) pin_.emplace(source.run_.cache().epochs());
    }

   private:
    std::optional<EpochGuard> pin_;
  };

  const RunColumn* column_at(uint32_t column_id) const;
  // Plain bytes of a chunk that is not empty.
  Status chunk(uint32_t page, uint32_t chunk, uint32_t last_page, Bytes* plain);
  Status header(uint32_t page, Bytes* bytes);
  Status directory(uint32_t block, Bytes* expanded);
  Status decode(uint32_t chunk, uint32_t width, RowRange rows, uint8_t* out);
  SourceScratch& scratch();
  // next_chunk: that will probably be wanted after this one; kNoChunk: none.
  Status decode_aimed(uint32_t chunk, uint32_t width, uint32_t next_chunk, uint8_t* out);
  void decode_picks(const Piece& piece, Bytes plain, uint32_t chunk, uint32_t width, uint8_t* out);
  void prefetch(const Piece& piece, uint32_t chunk, uint64_t most_lines) const;
  void prefetch(uint32_t page, uint32_t chunk, uint32_t begin, uint32_t end, uint64_t most_lines) const;
  uint32_t chunk_of_column(size_t position) const;
  Status time_at(uint64_t row, int64_t* time);
  Result<uint64_t> seek_in_page(uint32_t page, RowRange rows, int64_t time);
  Status locate_group(std::span<const Probe> probes, std::span<RowRange> answers);
  Blocks& blocks();

  const RunFile& run_;
  const bool bypass_cache_;
  std::optional<EpochGuard> pin_;
  std::unique_ptr<Blocks> blocks_;  // made at the first miss
  uint64_t hits_ = 0;
  uint64_t misses_ = 0;
  PageFinder page_of_;
  mutable uint32_t last_column_ = 0;            // position of the column that was looked up last
  std::optional<Lent<SourceScratch>> scratch_;  // once it is needed
  RowRange sought_;                             // the rows of the scratch's sought_times
};

}  // namespace tsfeat::run
