#include "read/read.h"

#include "read/columns.h"
#include "read/portion.h"

namespace tsfeat {

Result<ReadResult> read(View& view, const ReadRequest& request) {
  TSFEAT_TRY(check_request(view, request));
  Portions portions(view, request, has_varlen(*view.schema, request.columns));
  ReadResult result;
  result.version = view.version;
  result.now = view.now;
  std::vector<int64_t>& offsets = result.offsets;
  offsets.assign(request.keys.size() + 1, 0);
  TSFEAT_TRY(portions.each([&](Portion& portion) { return portion.choose(offsets.data() + 1); }));
  for (size_t row = 1; row < offsets.size(); ++row) offsets[row] += offsets[row - 1];
  const auto events = static_cast<uint64_t>(offsets.back());
  allocate_columns(*view.schema, request.columns, events, &result.columns);
  TSFEAT_TRY(portions.each([&](Portion& portion) { return portion.decode(offsets, &result.columns); }));
  portions.append_texts(&result.columns);
  finish_columns(events, &result.columns);
  return result;
}

Result<std::vector<int64_t>> count(View& view, const ReadRequest& request) {
  TSFEAT_TRY(check_request(view, request));
  Portions portions(view, request, false);
  std::vector<int64_t> counts(request.keys.size());
  TSFEAT_TRY(portions.each([&](Portion& portion) { return portion.count(counts.data()); }));
  return counts;
}

}  // namespace tsfeat
