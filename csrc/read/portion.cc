#include "read/portion.h"

#include <algorithm>

#include "read/columns.h"

namespace tsfeat {
namespace {

// Rows planned together: enough for their cache misses to overlap, few enough for the plan to stay in the cache.
constexpr uint64_t kPlannedRows = 1024;
// From so many rows on, putting them in order costs less than what it may save.
constexpr uint64_t kOrderedRows = 64;
// A thread is woken for no less than this; in events, a row counting for some itself.
constexpr uint64_t kLeastWork = uint64_t{1} << 14;
constexpr uint64_t kWorkOfRow = 40;
constexpr uint64_t kMostWorkOfRow = 1024;
// So that who is done first finds more to do.
constexpr uint64_t kPortionsOfThread = 2;

std::unique_ptr<FilterEvaluator> evaluator_for(const View& view, const ReadRequest& request) {
  return request.filter == nullptr ? nullptr : FilterEvaluator::create(*request.filter, *view.schema);
}

// A row that may have any number of events counts as one of `most`.
uint64_t work_of(const ReadRequest& request, uint64_t most) {
  const uint64_t n = request.n.scalar ? std::min(static_cast<uint64_t>(*request.n.scalar), most) : most;
  return request.keys.size() * (kWorkOfRow + n);
}

uint64_t portions_for(const View& view, const ReadRequest& request) {
  if (view.helpers == nullptr || view.helpers->helpers() == 0 || view.open_again == nullptr) return 1;
  const uint64_t work = work_of(request, kMostWorkOfRow);
  const uint64_t most = kPortionsOfThread * (view.helpers->helpers() + 1);
  return std::clamp<uint64_t>(std::min<uint64_t>(work / kLeastWork, request.keys.size()), 1, most);
}

// A long read goes through more than the cache may hold.
void hold_by_call(const View::Sources& sources) {
  for (const auto& source : sources) source->hold_by_call();
}

}  // namespace

Portion::Portion(const View& view, const View::Sources& sources, const ReadRequest& request, const RowList& rows,
                 bool in_order)
    : view_(view),
      sources_(sources),
      request_(request),
      rows_(rows),
      in_order_(in_order),
      filter_(evaluator_for(view, request)),
      chooser_(view.retention, filter_.get()) {}

// By key, then by moment: so rows that share events stand side by side.
void Portion::put_in_order() {
  struct Place {
    uint64_t prefix;
    int64_t before;
    uint32_t row;
  };
  const std::vector<KeyView>& keys = request_.keys;
  const auto comes_before = [&keys](const Place& a, const Place& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    if (keys[a.row] != keys[b.row]) return keys[a.row] < keys[b.row];
    return a.before != b.before ? a.before < b.before : a.row < b.row;
  };
  std::vector<Place> places(rows_.count);
  for (uint64_t i = 0; i < rows_.count; ++i) {
    const auto row = static_cast<uint32_t>(rows_[i]);
    places[i] = {keys[row].prefix, request_.before.at(row).value_or(kMaxTime), row};
  }
  if (std::is_sorted(places.begin(), places.end(), comes_before)) return;
  std::sort(places.begin(), places.end(), comes_before);
  order_.resize(places.size());
  std::transform(places.begin(), places.end(), order_.begin(), [](const Place& place) { return place.row; });
  rows_ = {0, rows_.count, order_.data()};
}

template <typename Answer>
Status Portion::each_row(int64_t* counts, Answer answer) {
  if (!in_order_ && rows_.count >= kOrderedRows && request_.keys.size() <= UINT32_MAX) put_in_order();
  Plan plan(view_, sources_, request_, chooser_);
  for (uint64_t first = 0; first < rows_.count; first += kPlannedRows) {
    const RowList rows = rows_.part(first, kPlannedRows);
    TSFEAT_TRY(plan.locate(rows));
    for (uint64_t i = 0; i < rows.count; ++i) {
      Result<uint64_t> events = answer(plan.parts(i), plan.question(i));
      while (events.ok() && chooser_.ran_out()) {
        TSFEAT_TRY(plan.locate_more(i));
        events = answer(plan.parts(i), plan.question(i));
      }
      if (!events.ok()) return events.status();
      counts[rows[i]] = static_cast<int64_t>(*events);
    }
  }
  return {};
}

Status Portion::choose(int64_t* counts) {
  slices_.clear();
  slices_.reserve(rows_.count);
  return each_row(counts, [this](std::span<Part> parts, const Question& question) {
    return chooser_.choose(parts, question, &slices_);
  });
}

Status Portion::count(int64_t* counts) {
  return each_row(counts,
                  [this](std::span<Part> parts, const Question& question) { return chooser_.count(parts, question); });
}

// Of each slice, where the rows are not as they are asked for.
std::vector<uint64_t> Portion::places(std::span<const int64_t> offsets) const {
  std::vector<uint64_t> places;
  places.reserve(slices_.size());
  for (uint64_t i = 0; i < rows_.count; ++i) {
    auto at = static_cast<uint64_t>(offsets[rows_[i]]);
    for (const auto end = static_cast<uint64_t>(offsets[rows_[i] + 1]); at < end;) {
      const uint64_t events = slices_[places.size()].rows.size();
      places.push_back(at);
      at += events;
    }
  }
  return places;
}

Status Portion::decode(std::span<const int64_t> offsets, std::vector<ColumnResult>* out) {
  if (rows_.order != nullptr) {
    return decode_columns(*view_.schema, request_.columns, slices_, 0, places(offsets), out);
  }
  const auto first = static_cast<uint64_t>(offsets[rows_.first]);
  if (in_order_ && rows_.first > 0) texts_.resize(request_.columns.size());
  return decode_columns(*view_.schema, request_.columns, slices_, first, {}, out, texts_);
}

Portions::Portions(View& view, const ReadRequest& request, bool in_order) : view_(view) {
  const uint64_t rows = request.keys.size();
  const uint64_t count = portions_for(view, request);
  const auto begin_of = [&](uint64_t portion) { return rows / count * portion + std::min(portion, rows % count); };
  if (work_of(request, kLeastWork) >= kLeastWork) hold_by_call(view.sources);
  first_.emplace(view, view.sources, request, RowList{0, begin_of(1), nullptr}, in_order);
  for (uint64_t portion = 1; portion < count; ++portion) {
    const RowList part{begin_of(portion), begin_of(portion + 1) - begin_of(portion), nullptr};
    Share& share = *others_.emplace_back(std::make_unique<Share>());
    share.sources = view.open_again(view);
    hold_by_call(share.sources);
    share.portion.emplace(view, share.sources, request, part, in_order);
  }
}

Status Portions::each(const std::function<Status(Portion&)>& step) {
  if (others_.empty()) return step(*first_);
  std::vector<Status> statuses(1 + others_.size());
  view_.helpers->run(statuses.size(),
                     [&](size_t at) { statuses[at] = step(at == 0 ? *first_ : *others_[at - 1]->portion); });
  for (Status& status : statuses) TSFEAT_TRY(std::move(status));
  return {};
}

void Portions::append_texts(std::vector<ColumnResult>* out) const {
  for (const auto& share : others_) tsfeat::append_texts(share->portion->texts(), out);
}

}  // namespace tsfeat
