#include "read/plan.h"

#include <algorithm>

namespace tsfeat {
namespace {

// Rows asked for where a filter, a version or an erasure passes over some: few of a giant key's, and usually enough.
constexpr uint64_t kLeastGuess = 1024;
constexpr uint64_t kGuessFactor = 8;
constexpr uint64_t kLargestGuess = 1 << 20;

std::string at_row(uint64_t row) { return "row " + std::to_string(row); }

// Scalars are checked once.
template <typename T>
uint64_t rows_to_check(const PerRow<T>& value, uint64_t rows) {
  return value.rows != nullptr ? rows : std::min<uint64_t>(rows, 1);
}

// Nothing: now.
std::optional<int64_t> standing_at(const ReadRequest& request, uint64_t row) {
  return request.read_at.given() ? request.read_at.at(row) : request.before.at(row);
}

}  // namespace

Status check_moment(const View& view, const std::string& where, std::optional<int64_t> moment,
                    std::optional<int64_t> version) {
  const std::string place = "table '" + view.table_name + "', " + where + ": ";
  if (version && (*version < 0 || static_cast<uint64_t>(*version) > view.version)) {
    return Status::schema(place + "version " + std::to_string(*version) + " does not exist; versions are 0 to " +
                          std::to_string(view.version));
  }
  // Without `before` a read stands at now, which no horizon is ahead of (but one left by another clock).
  if (moment && *moment < view.horizon_time) {
    return Status::retention(place + "the read stands at " + std::to_string(*moment) + ", before the horizon " +
                             std::to_string(view.horizon_time) +
                             " of the table's retention; events that it would see may be "
                             "gone. Read at a later moment, or give the retention a longer history");
  }
  if (version && static_cast<uint64_t>(*version) < view.horizon_version) {
    return Status::retention(place + "version " + std::to_string(*version) + " is before the horizon, version " +
                             std::to_string(view.horizon_version) +
                             ", of the table's retention; events that it would see may "
                             "be gone. Read a later version, or give the retention a longer history");
  }
  return {};
}

Status check_request(const View& view, const ReadRequest& request) {
  const uint64_t rows = request.keys.size();
  for (uint64_t row = 0; row < rows_to_check(request.n, rows); ++row) {
    if (request.n.at(row).value_or(0) >= 0) continue;
    return Status::schema("table '" + view.table_name + "', " + at_row(row) + ": n is " +
                          std::to_string(*request.n.at(row)) + "; it is a number of events, 0 or more");
  }
  for (const int column : request.columns) {
    if (column >= -1 && column < static_cast<int>(view.schema->columns.size())) continue;
    return Status::schema("table '" + view.table_name + "' has no column at position " + std::to_string(column));
  }
  const uint64_t moments = std::max({rows_to_check(request.before, rows), rows_to_check(request.version, rows),
                                     rows_to_check(request.read_at, rows)});
  const bool limited = view.horizon_time != kMinTime || request.version.given();
  for (uint64_t row = 0; limited && row < moments; ++row) {
    const auto moment = standing_at(request, row);
    const auto version = request.version.at(row);
    // Spares the common row the words for the error.
    if ((!moment || *moment >= view.horizon_time) &&
        (!version || (*version >= 0 && static_cast<uint64_t>(*version) <= view.version &&
                      static_cast<uint64_t>(*version) >= view.horizon_version))) {
      continue;
    }
    TSFEAT_TRY(check_moment(view, at_row(row), moment, version));
  }
  return request.filter == nullptr ? Status() : check_filter(*request.filter, *view.schema, rows);
}

Plan::Plan(const View& view, const View::Sources& sources, const ReadRequest& request, const Chooser& chooser)
    : view_(view), request_(request), chooser_(chooser) {
  sources_.reserve(sources.size());
  later_max_time_.reserve(sources.size());
  parts_.reserve(sources.size());
  for (const auto& source : sources) {
    if (source->stats().events > 0) sources_.push_back(source.get());
  }
  std::sort(sources_.begin(), sources_.end(),
            [](Source* a, Source* b) { return a->stats().max_time > b->stats().max_time; });
  for (size_t place = 0; place < sources_.size(); ++place) {
    later_max_time_.push_back(place + 1 < sources_.size() ? sources_[place + 1]->stats().max_time : kMinTime);
  }
}

void Plan::ask(const RowList& rows) {
  const uint64_t count = rows.count;
  questions_.resize(count);
  marks_.clear();
  std::vector<size_t> first_marks;
  const bool erased = view_.tombstones != nullptr && !view_.tombstones->empty();
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t row = rows[i];
    Question& question = questions_[i];
    const auto version = request_.version.at(row);
    const auto n = request_.n.at(row);
    question.row = row;
    question.version = version ? static_cast<uint64_t>(*version) : view_.version;
    question.before = request_.before.at(row);
    question.since = request_.since.at(row).value_or(kMinTime);
    question.n = n ? static_cast<uint64_t>(*n) : kNoLimit;
    question.read_at = standing_at(request_, row).value_or(view_.now);
    question.marks = {};
    if (!erased) continue;
    first_marks.push_back(marks_.size());
    view_.tombstones->find(request_.keys[row], &marks_);
  }
  if (marks_.empty()) return;
  first_marks.push_back(marks_.size());
  for (uint64_t i = 0; i < count; ++i) {
    questions_[i].marks = {marks_.data() + first_marks[i], first_marks[i + 1] - first_marks[i]};
  }
}

// Whether some of the source's events may be passed over, so that it takes more than n to find n.
bool Plan::thins(const Question& question, const SourceStats& stats) const {
  return chooser_.has_filter() || !question.marks.empty() || stats.max_version > question.version;
}

// How many of its newest events the row may need of this source, `found` surely newer ones being at hand; a guess where
// it thins.
uint64_t Plan::rows_wanted(const Question& question, size_t place, uint64_t found) const {
  const SourceStats& stats = sources_[place]->stats();
  if (!may_matter(stats, question, view_.retention)) return 0;
  const uint64_t most = chooser_.most_needed(question.n);
  if (found >= most) return 0;
  if (!thins(question, stats) || most > kLargestGuess) return thins(question, stats) ? kNoLimit : most;
  return std::max(kLeastGuess, kGuessFactor * most);
}

Probe Plan::probe(const KeyView& key, const Question& question, uint64_t limit) {
  // Where there is something to ask for, `before` is not the least number.
  return {key, question.before ? *question.before - 1 : kMaxTime, limit};
}

Status Plan::locate(const RowList& rows) {
  ask(rows);
  located_.assign(rows.count * sources_.size(), Located{});
  found_.assign(rows.count, 0);
  probes_.reserve(rows.count);
  probe_rows_.reserve(rows.count);
  for (size_t place = 0; place < sources_.size(); ++place) TSFEAT_TRY(locate_in(place));
  return {};
}

Status Plan::locate_in(size_t place) {
  const SourceStats& stats = sources_[place]->stats();
  probes_.clear();
  probe_rows_.clear();
  for (uint64_t i = 0; i < questions_.size(); ++i) {
    const uint64_t wanted = rows_wanted(questions_[i], place, found_[i]);
    if (wanted == 0) continue;
    probes_.push_back(probe(request_.keys[questions_[i].row], questions_[i], wanted));
    probe_rows_.push_back(i);
  }
  if (probes_.empty()) return {};
  answers_.resize(probes_.size());
  TSFEAT_TRY(sources_[place]->locate(probes_, answers_));
  const bool newer_than_later = stats.min_time > later_max_time_[place];
  for (size_t at = 0; at < probes_.size(); ++at) {
    const uint64_t i = probe_rows_[at];
    const Question& question = questions_[i];
    const bool cut = thins(question, stats) && answers_[at].size() == probes_[at].limit;
    located_[i * sources_.size() + place] = {answers_[at], cut ? probes_[at].limit : 0};
    const bool all_count = !thins(question, stats) && (!question.before || stats.max_time < *question.before);
    if (newer_than_later && all_count) found_[i] += answers_[at].size();
  }
  return {};
}

Status Plan::locate_more(uint64_t at) {
  for (size_t place = 0; place < sources_.size(); ++place) {
    Located& located = located_[at * sources_.size() + place];
    if (located.cut_at == 0) continue;
    const Probe more = probe(request_.keys[questions_[at].row], questions_[at], kGuessFactor * located.cut_at);
    TSFEAT_TRY(sources_[place]->locate({&more, 1}, {&located.rows, 1}));
    located.cut_at = located.rows.size() == more.limit ? more.limit : 0;
  }
  return {};
}

std::span<Part> Plan::parts(uint64_t at) {
  parts_.clear();
  for (size_t place = 0; place < sources_.size(); ++place) {
    const Located& located = located_[at * sources_.size() + place];
    if (located.rows.size() > 0) parts_.push_back({{sources_[place], located.rows}, located.cut_at > 0});
  }
  return parts_;
}

}  // namespace tsfeat
