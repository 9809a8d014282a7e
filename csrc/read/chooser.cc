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

// Where the last match before `end` ends; 0 if there is none. Matches are rare in most filters: eight at a time.
uint64_t last_match(const std::vector<uint8_t>& matches, uint64_t end) {
  for (; end >= 8; end -= 8) {
    const uint64_t eight = load<uint64_t>(matches.data() + end - 8);
    if (eight != 0) return end - static_cast<uint64_t>(std::countl_zero(eight)) / 8;
  }
  while (end > 0 && matches[end - 1] == 0) --end;
  return end;
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
  newest_.start(parts);
  const bool looks = !plain(parts, question);
  while (!done_) {
    const uint64_t most = looks ? next_step(question) : most_needed(question.n) - ranked_;
    if (most == 0) break;
    TSFEAT_ASSIGN(const Slice piece, newest_.next(most));
    if (piece.rows.size() == 0) break;
    TSFEAT_TRY(take_seen(piece));
  }
  ran_out_ = !done_ && newest_.ran_out();
  return {};
}

uint64_t Chooser::next_step(const Question& question) {
  const uint64_t first = question.n > kLargestStep ? kLargestStep : question.n * kFirstStepShare;
  step_ = step_ == 0 ? std::clamp(first, kFirstStep, kLargestStep) : std::min(2 * step_, kLargestStep);
  return step_;
}

// Version and erasure: passes on the runs of rows that the read can see at all.
Status Chooser::take_seen(const Slice& piece) {
  const bool newer = may_hold_newer(piece, question_->version);
  if (!newer && question_->marks.empty()) return take_ranked(piece);
  const uint64_t count = piece.rows.size();
  versions_.resize(count);
  TSFEAT_TRY(piece.source->versions(piece.rows, versions_.data()));
  times_.assign(count, 0);
  if (!question_->marks.empty()) TSFEAT_TRY(piece.source->times(piece.rows, times_.data()));
  const uint64_t version = question_->version + (planted("version") ? 1 : 0);
  const auto seen = [&](uint64_t i) {
    if (versions_[i] > version) return false;
    return std::none_of(question_->marks.begin(), question_->marks.end(),
                        [&](const Mark& mark) { return mark.erases(times_[i], versions_[i]); });
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
    const int64_t oldest = retention_->oldest_visible(question_->read_at);
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
    give(piece);
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
  matches_.resize(block.rows.size());
  TSFEAT_TRY(filter_->evaluate(*block.source, block.rows, question_->row, matches_.data()));
  for (uint64_t end = last_match(matches_, block.rows.size()); end > 0 && chosen_ < question_->n;) {
    uint64_t begin = end - 1;
    while (begin > 0 && matches_[begin - 1] != 0) --begin;
    give({block.source, {block.rows.begin + begin, block.rows.begin + end}});
    end = last_match(matches_, begin);
  }
  return {};
}

void Chooser::give(const Slice& piece) {
  const uint64_t count = std::min(piece.rows.size(), question_->n - chosen_);
  const uint64_t begin = piece.rows.end - count;
  chosen_ += count;
  done_ = done_ || chosen_ == question_->n;
  if (out_ == nullptr) return;
  if (out_->size() > first_ && out_->back().source == piece.source && out_->back().rows.begin == piece.rows.end) {
    out_->back().rows.begin = begin;
  } else {
    out_->push_back({piece.source, {begin, piece.rows.end}});
  }
}

}  // namespace tsfeat
