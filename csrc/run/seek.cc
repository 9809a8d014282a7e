// RunSource::seek: where in one key's rows a time begins.
#include <algorithm>

#include "base/planted.h"
#include "run/source.h"

namespace tsfeat::run {
namespace {

constexpr uint64_t kDecodeAtOnce = 256;  // rows: below this, decoding all is as fast as searching
constexpr uint64_t kStep = 128;          // rows that the codec enters at once: its block

}  // namespace

Status RunSource::time_at(uint64_t row, int64_t* time) {
  return decode(kTimesChunk, 8, {row, row + 1}, reinterpret_cast<uint8_t*>(time));
}

// `rows` lie in the page.
Result<uint64_t> RunSource::seek_in_page(uint32_t page, RowRange rows, int64_t time) {
  std::vector<int64_t>& times = scratch().sought_times;
  const auto found = [&] {
    const std::span<const int64_t> known(times.data(), sought_.size());
    const auto at = planted("cutoff") ? std::upper_bound(known.begin(), known.end(), time)
                                      : std::lower_bound(known.begin(), known.end(), time);
    return sought_.begin + static_cast<uint64_t>(at - known.begin());
  };
  // Rows of one key ask for one moment after the other: the times decoded last may hold this one's place too.
  const bool within = sought_.size() > 0 && sought_.begin >= rows.begin && sought_.end <= rows.end;
  if (within && (sought_.begin == rows.begin || times[0] < time) &&
      (sought_.end == rows.end || times[sought_.size() - 1] >= time)) {
    return found();
  }
  const uint64_t origin = run_.page_rows(page).begin;
  Bytes plain;
  TSFEAT_TRY(chunk(page, kTimesChunk, page, &plain));
  const codec::Places left =
      codec::narrow_fixed(plain, static_cast<uint32_t>(run_.page_rows(page).size()),
                          {static_cast<uint32_t>(rows.begin - origin), static_cast<uint32_t>(rows.end - origin)}, time);
  rows = {origin + left.begin, origin + left.end};
  while (rows.size() > kDecodeAtOnce) {  // enters at the starts of the codec's blocks, where it is fastest
    const uint64_t middle = rows.begin + rows.size() / 2;
    const uint64_t row = std::max(rows.begin + 1, origin + (middle - origin) / kStep * kStep);
    int64_t there = 0;
    TSFEAT_TRY(time_at(row, &there));
    if (there < time) {
      rows.begin = row;
    } else {
      rows.end = row;
    }
  }
  times.resize(kDecodeAtOnce);
  sought_ = {};
  TSFEAT_TRY(decode(kTimesChunk, 8, rows, reinterpret_cast<uint8_t*>(times.data())));
  sought_ = rows;
  return found();
}

// Pages between the key's first and last hold nothing else, so what the index says of their times is true of the key.
Result<uint64_t> RunSource::seek(RowRange rows, int64_t time) {
  if (rows.begin == rows.end) return rows.end;
  const CallPin pin(*this);
  const uint32_t first = page_of_.find(run_, rows.begin);
  const uint32_t last = run_.page_of(rows.end - 1);
  if (first == last) return seek_in_page(first, rows, time);

  uint32_t inner = first + 1;  // the first of the inner pages that reaches `time`, or the last page
  for (uint32_t left = last - inner; left > 0;) {
    const uint32_t half = left / 2;
    if (run_.page(inner + half).max_time < time) {
      inner += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  const uint64_t inner_begin = run_.page_rows(inner).begin;
  const RowRange in_inner{inner_begin, std::min(rows.end, run_.page_rows(inner).end)};
  // All pages between are older than `time`; so the answer is in this page, unless that is where the key goes on from
  // its first page.
  if (inner > first + 1) return seek_in_page(inner, in_inner, time);
  int64_t begins_at = 0;
  TSFEAT_TRY(time_at(inner_begin, &begins_at));
  if (begins_at < time) return seek_in_page(inner, in_inner, time);
  return seek_in_page(first, {rows.begin, inner_begin}, time);
}

}  // namespace tsfeat::run
