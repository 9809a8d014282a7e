// Which of a key's events a read returns: the one place where the laws of order, cut-offs, versions, erasure and
// retention meet.
//
// Events are walked newest first: before, version and erasure decide what is ranked; retention shows a prefix of that;
// since ends it; the filter thins it; n ends it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/lent.h"
#include "catalog/tombstones.h"
#include "read/filter.h"
#include "read/newest_first.h"
#include "schema/retention.h"

namespace tsfeat {

inline constexpr uint64_t kNoLimit = ~uint64_t{0};

// What one requested row asks of its key.
struct Question {
  uint64_t row = 0;  // of the request, for per-row operands of the filter
  uint64_t version = 0;
  std::optional<int64_t> before;
  int64_t since = kMinTime;
  uint64_t n = kNoLimit;
  int64_t read_at = 0;          // R of law 5
  std::span<const Mark> marks;  // the key's erasures
};

// Whether a source with these stats can hold anything that the question's answer depends on.
bool may_matter(const SourceStats& stats, const Question& question, const std::optional<Retention>& retention);

// What a chooser works with; its buffers go from read to read.
struct ChooserScratch {
  NewestFirst newest;
  std::vector<uint64_t> versions;
  std::vector<int64_t> times;
  std::vector<uint8_t> matches;

  size_t held_bytes() const {
    return newest.held_bytes() + 8 * (versions.capacity() + times.capacity()) + matches.capacity();
  }
};

class Chooser {
 public:
  // Both outlive the chooser; the filter may be null.
  Chooser(const std::optional<Retention>& retention, FilterEvaluator* filter)
      : retention_(retention), filter_(filter) {}

  // The most events that a read with this n can need of one source, if nothing takes some away.
  uint64_t most_needed(uint64_t n) const;
  bool has_filter() const { return filter_ != nullptr; }
  // Appends the chosen events of the key's parts to `out`, oldest first, and returns how many they are. `parts` are cut
  // at `before`.
  Result<uint64_t> choose(std::span<Part> parts, const Question& question, std::vector<Slice>* out);
  // How many choose() would choose.
  Result<uint64_t> count(std::span<Part> parts, const Question& question);
  // Whether the last answer was not reached because a part ended that may have older rows; nothing was appended then.
  bool ran_out() const { return ran_out_; }

 private:
  static Status cut_before(std::span<Part> parts, const Question& question);
  bool plain(std::span<const Part> parts, const Question& question) const;
  Result<uint64_t> count_plain(std::span<const Part> parts, const Question& question) const;
  Status walk(std::span<Part> parts, const Question& question);
  uint64_t next_step(const Question& question);
  Status take_seen(const Slice& piece);
  Status take_ranked(Slice piece);
  Status take_filtered(const Slice& piece);
  Status take_matching(const Slice& block);
  void give_matching(const Slice& block);
  void give(Source* source, uint64_t begin, uint64_t end);

  const std::optional<Retention>& retention_;
  FilterEvaluator* const filter_;
  const Lent<ChooserScratch> scratch_;

  // Of the key at hand.
  const Question* question_ = nullptr;
  std::vector<Slice>* out_ = nullptr;  // null: only count
  size_t first_ = 0;                   // of the key's slices in *out_
  uint64_t ranked_ = 0;
  uint64_t chosen_ = 0;
  uint64_t step_ = 0;
  bool done_ = false;
  bool ran_out_ = false;
};

}  // namespace tsfeat
