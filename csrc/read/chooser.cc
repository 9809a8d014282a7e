#include "read/chooser.h"

#include <algorithm>
#include <bit>

#include "base/planted.h"

namespace tsfeat {
namespace {

// Rows looked at together where every row has to be looked at. Small at first: a last-N with a common filter needs few.
constexpr uint64_t kFirstStep = 128;
constexpr uint64_t kFirstStepShare = 4;  // times n
constexpr uint64_t kLargestStep = 1024;

// Bit i: whether matches[i] is 1. There are `count` <= 64 of them, each 0 or 1.
uint64_t match_bits(const uint8_t* matches, uint64_t count) {
  uint64_t bits = 0;
  uint64_t i = 0;
  for (; i + 8 <= count; i += 8) bits |= bits_of_bytes(load<uint64_t>(matches + i)) << i;
  for (; i < count; ++i) bits |= uint64_t{matches[i]} << i;
  return bits;
}

// Whether some event of the piece may be newer than the version.
bool may_hold_newer(const Slice& piece, uint64_t version) { return piece.source->stats().max_version > version; }

}  // namespace

// What is older than anything that may be seen is in no newer event's way.
bool may_matter(const SourceStats& stats, const Question& question, const std::optional<Retention>& retention) {
  if (stats.events == 0 || question.n == 0 || stats.min_version > question.version) return false;
  if (question.before && stats.min_time >= *question.before) return false;
  if (stats.max_time < question.since) return false;
  return !retention || retention->min_events > 0 || stats.max_time >= retention->oldest_visible(question.read_at);
}

uint64_t Chooser::most_needed(uint64_t n) const {
  return retention_ ? std::min(n, std::max(retention_->min_events, retention_->most_events())) : n;
}

Status Chooser::cut_before(std::span<Part> parts, const Question& question) {
  if (!question.before) return {};
  for (Part& part : parts) {
    if (part.rows.size() == 0 || part.source->stats().max_time < *question.before) continue;
    TSFEAT_ASSIGN(part.rows.end, part.source->seek(part.rows, *question.before));
  }
  return {};
}

Result<uint64_t> Chooser::choose(std::span<Part> parts, const Question& question, std::vector<Slice>* out) {
  out_ = out;
  first_ = out->size();
  TSFEAT_TRY(walk(parts, question));
  if (ran_out_) out->resize(first_);
  std::reverse(out->begin() + static_cast<std::ptrdiff_t>(first_), out->end());
  return chosen_;
}

Result<uint64_t> Chooser::count(std::span<Part> parts, const Question& question) {
  if (plain(parts, question)) {
    ran_out_ = false;
    TSFEAT_TRY(cut_before(parts, question));
    return count_plain(parts, question);
  }
  out_ = nullptr;
  TSFEAT_TRY(walk(parts, question));
  return chosen_;
}

// Whether every event before the cut-off is ranked, and every visible one since the other returned.
bool Chooser::plain(std::span<const Part> parts, const Question& question) const {
  return filter_ == nullptr && question.marks.empty() &&
         std::none_of(parts.begin(), parts.end(), [&](const Part& p) { return may_hold_newer(p, question.version); });
}

// What retention shows and what `since` leaves are both the newest so many: no order between sources is needed.
Result<uint64_t> Chooser::count_plain(std::span<const Part> parts, const Question& question) const {
  const int64_t oldest = retention_ ? retention_->oldest_visible(question.read_at) : kMinTime;
  uint64_t total = 0;
  uint64_t young = 0;
  uint64_t since = 0;
  for (const Part& part : parts) {
    total += part.rows.size();
    TSFEAT_ASSIGN(const uint64_t first_young,
                  oldest == kMinTime ? part.rows.begin : part.source->seek(part.rows, oldest));
    young += part.rows.end - first_young;
    TSFEAT_ASSIGN(const uint64_t first_since,
                  question.since == kMinTime ? part.rows.begin : part.source->seek(part.rows, question.since));
    since += part.rows.end - first_since;
  }
  const uint64_t visible = retention_ ? retention_->visible_count(total, young) : total;
  return std::min({visible, since, question.n});
}

Status Chooser::walk(std::span<Part> parts, const Question& question) {
  question_ = &question;
  ranked_ = chosen_ = step_ = 0;
  done_ = question.n == 0;
  TSFEAT_TRY(cut_before(parts, question));
  scratch_->newest.start(parts);
  const bool looks = !plain(parts, question);
  while (!done_) {
    const uint64_t most = looks ? next_step(question) : most_needed(question.n) - ranked_;
    if (most == 0) break;
    TSFEAT_ASSIGN(const Slice piece, scratch_->newest.next(most));
    if (piece.rows.size() == 0) break;
    TSFEAT_TRY(take_seen(piece));
  }
  ran_out_ = !done_ && scratch_->newest.ran_out();
  return {};
}

// Few at first, then as many as will probably do.
uint64_t Chooser::next_step(const Question& question) {
  uint64_t wanted = 2 * step_;
  if (step_ == 0) wanted = question.n > kLargestStep ? kLargestStep : question.n * kFirstStepShare;
  if (step_ > 0 && chosen_ > 0 && question.n - chosen_ < kLargestStep) {
    const uint64_t expected = (question.n - chosen_) * ranked_ / chosen_;
    wanted = expected + expected / 8 + kFirstStep / 4;
  }
  return step_ = std::clamp(wanted, kFirstStep, kLargestStep);
}

// Version and erasure: passes on the runs of rows that the read can see at all.
Status Chooser::take_seen(const Slice& piece) {
  const bool newer = may_hold_newer(piece, question_->version);
  if (!newer && question_->marks.empty()) return take_ranked(piece);
  const uint64_t count = piece.rows.size();
  std::vector<uint64_t>& versions = scratch_->versions;
  std::vector<int64_t>& times = scratch_->times;
  versions.resize(count);
  TSFEAT_TRY(piece.source->versions(piece.rows, versions.data()));
  times.assign(count, 0);
  if (!question_->marks.empty()) TSFEAT_TRY(piece.source->times(piece.rows, times.data()));
  const uint64_t version = question_->version + (planted("version") ? 1 : 0);
  const auto seen = [&](uint64_t i) {
    if (versions[i] > version) return false;
    return std::none_of(question_->marks.begin(), question_->marks.end(),
                        [&](const Mark& mark) { return mark.erases(times[i], versions[i]); });
  };
  for (uint64_t end = count; end > 0 && !done_;) {
    if (!seen(end - 1)) {
      --end;
      continue;
    }
    uint64_t begin = end - 1;
    while (begin > 0 && seen(begin - 1)) --begin;
    TSFEAT_TRY(take_ranked({piece.source, {piece.rows.begin + begin, piece.rows.begin + end}}));
    end = begin;
  }
  return {};
}

// Retention and since: what they leave is a prefix of the walk, so the first event that they hide ends it.
Status Chooser::take_ranked(Slice piece) {
  RowRange& rows = piece.rows;
  const int64_t min_time = piece.source->stats().min_time;
  const auto cut_to = [&](uint64_t begin) {
    done_ = done_ || begin > rows.begin;
    rows.begin = begin;
  };
  if (retention_) {
    const uint64_t most = std::max(retention_->min_events, retention_->most_events());
    if (most - ranked_ < rows.size()) cut_to(rows.end - (most - ranked_));
    const uint64_t exempt = retention_->min_events - std::min(retention_->min_events, ranked_);
    const int64_t oldest = retention_->oldest_visible(question_->read_at) + (planted("age") ? 1 : 0);
    if (exempt < rows.size() && min_time < oldest) {
      TSFEAT_ASSIGN(const uint64_t young, piece.source->seek({rows.begin, rows.end - exempt}, oldest));
      cut_to(young);
    }
  }
  if (min_time < question_->since) {
    TSFEAT_ASSIGN(const uint64_t first, piece.source->seek(rows, question_->since));
    cut_to(first);
  }
  ranked_ += rows.size();
  return rows.size() == 0 ? Status() : take_filtered(piece);
}

Status Chooser::take_filtered(const Slice& piece) {
  if (filter_ == nullptr) {
    give(piece.source, piece.rows.begin, piece.rows.end);
    return {};
  }
  for (uint64_t end = piece.rows.end; end > piece.rows.begin && chosen_ < question_->n;) {
    const RowRange block = piece.source->bounds(nullptr, end - 1).rows;
    const uint64_t begin = std::max(piece.rows.begin, block.begin);
    TSFEAT_TRY(take_matching({piece.source, {begin, end}}));
    end = begin;
  }
  return {};
}

Status Chooser::take_matching(const Slice& block) {
  if (!filter_->may_match(*block.source, block.rows, question_->row)) return {};
  scratch_->matches.resize(block.rows.size());
  TSFEAT_TRY(filter_->evaluate(*block.source, block.rows, question_->row, scratch_->matches.data()));
  give_matching(block);
  return {};
}

// Each run of matches, the newest first.
void Chooser::give_matching(const Slice& block) {
  const uint8_t* const matches = scratch_->matches.data();
  uint64_t end = block.rows.size();
  while (end > 0 && chosen_ < question_->n) {
    const uint64_t begin = (end - 1) / 64 * 64;
    uint64_t bits = match_bits(matches + begin, end - begin);
    while (bits != 0 && chosen_ < question_->n) {
      const auto after = static_cast<unsigned>(64 - std::countl_zero(bits));
      const auto ones = static_cast<unsigned>(std::countl_one(bits << (64 - after)));
      const uint64_t first = block.rows.begin + begin + after - ones;
      give(block.source, first, first + ones);
      if (ones == after) break;
      bits &= (uint64_t{1} << (after - ones)) - 1;
    }
    end = begin;
  }
}

void Chooser::give(Source* source, uint64_t begin, uint64_t end) {
  const uint64_t count = std::min(end - begin, question_->n - chosen_);
  begin = end - count;
  chosen_ += count;
  done_ = done_ || chosen_ == question_->n;
  if (out_ == nullptr) return;
  if (out_->size() > first_ && out_->back().source == source && out_->back().rows.begin == end) {
    out_->back().rows.begin = begin;
  } else {
    out_->push_back({source, {begin, end}});
  }
}

}  // namespace tsfeat
