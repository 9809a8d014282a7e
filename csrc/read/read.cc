#include "read/read.h"

#include <algorithm>

#include "read/chooser.h"
#include "read/columns.h"
#include "read/plan.h"

namespace tsfeat {
namespace {

// Rows planned together: enough for their cache misses to overlap, few enough for the plan to stay in the cache.
constexpr uint64_t kPlannedRows = 1024;

// Calls answer(parts, question) for every requested row, in order, and hands what it returns to `accept`.
template <typename Answer, typename Accept>
Status for_each_row(View& view, const ReadRequest& request, Chooser& chooser, Answer answer, Accept accept) {
  Plan plan(view, request, chooser);
  const uint64_t rows = request.keys.size();
  for (uint64_t first = 0; first < rows; first += kPlannedRows) {
    const uint64_t count = std::min(kPlannedRows, rows - first);
    TSFEAT_TRY(plan.locate(first, count));
    for (uint64_t i = 0; i < count; ++i) {
      auto events = answer(plan.parts(i), plan.question(i));
      while (events.ok() && chooser.ran_out()) {
        TSFEAT_TRY(plan.locate_more(first, i));
        events = answer(plan.parts(i), plan.question(i));
      }
      if (!events.ok()) return events.status();
      accept(*events);
    }
  }
  return {};
}

std::unique_ptr<FilterEvaluator> evaluator_for(const View& view, const ReadRequest& request) {
  return request.filter == nullptr ? nullptr : FilterEvaluator::create(*request.filter, *view.schema);
}

}  // namespace

Result<ReadResult> read(View& view, const ReadRequest& request) {
  TSFEAT_TRY(check_request(view, request));
  const auto filter = evaluator_for(view, request);
  Chooser chooser(view.retention, filter.get());
  ReadResult result;
  result.version = view.version;
  result.offsets.reserve(request.keys.size() + 1);
  result.offsets.push_back(0);
  std::vector<Slice> slices;
  slices.reserve(request.keys.size());
  uint64_t events = 0;
  TSFEAT_TRY(for_each_row(
      view, request, chooser,
      [&](std::span<Part> parts, const Question& question) { return chooser.choose(parts, question, &slices); },
      [&](uint64_t chosen) { result.offsets.push_back(static_cast<int64_t>(events += chosen)); }));
  TSFEAT_TRY(decode_columns(*view.schema, request.columns, slices, events, &result.columns));
  return result;
}

Result<std::vector<int64_t>> count(View& view, const ReadRequest& request) {
  TSFEAT_TRY(check_request(view, request));
  const auto filter = evaluator_for(view, request);
  Chooser chooser(view.retention, filter.get());
  std::vector<int64_t> counts;
  counts.reserve(request.keys.size());
  TSFEAT_TRY(for_each_row(
      view, request, chooser,
      [&](std::span<Part> parts, const Question& question) { return chooser.count(parts, question); },
      [&](uint64_t chosen) { counts.push_back(static_cast<int64_t>(chosen)); }));
  return counts;
}

}  // namespace tsfeat
