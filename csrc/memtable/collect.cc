#include "memtable/collect.h"

#include "base/planted.h"

namespace tsfeat {
namespace {

// First index in [0, count) whose row fails `holds`, which never turns from false to true along the chunk.
template <typename Holds>
size_t boundary(const Chunk& chunk, size_t stride, size_t count, Holds holds) {
  if (count == 0 || holds(chunk.row(count - 1, stride))) return count;
  size_t low = 0;
  for (size_t high = count - 1; low < high;) {
    const size_t middle = (low + high) / 2;
    if (holds(chunk.row(middle, stride))) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool visible(const uint8_t* row, const Wanted& wanted) { return RowLayout::version(row) <= wanted.version; }
bool in_time(const uint8_t* row, const Wanted& wanted) { return RowLayout::time(row) <= wanted.until; }
bool earlier(const uint8_t* a, const uint8_t* b) { return RowLayout::time(a) < RowLayout::time(b); }

// Newest chunk first, so that a last-N touches the end of a long chain only; then turned round. Rows before `since` are
// of no use.
void collect_sorted(const Chain& chain, size_t stride, const Wanted& wanted, int64_t since, RowPointers* out) {
  const size_t end = chain.count.load(std::memory_order_acquire);
  const size_t start = out->size();
  uint64_t left = wanted.limit;
  for (const Chunk* chunk = chain.newest.load(std::memory_order_acquire); chunk != nullptr && left > 0;
       chunk = chunk->older) {
    if (chunk->first >= end) continue;
    size_t count = std::min<size_t>(chunk->capacity, end - chunk->first);
    count = boundary(*chunk, stride, count, [&](const uint8_t* row) { return visible(row, wanted); });
    count = boundary(*chunk, stride, count, [&](const uint8_t* row) { return in_time(row, wanted); });
    if (count == 0) continue;
    size_t take = std::min<uint64_t>(count, left);
    left -= take;
    if (RowLayout::time(chunk->row(count - take, stride)) < since) {
      take = count - boundary(*chunk, stride, count, [&](const uint8_t* row) { return RowLayout::time(row) < since; });
      left = 0;
    }
    const size_t at = out->size();
    out->resize(at + take);
    for (size_t i = 0; i < take; ++i) (*out)[at + i] = chunk->row(count - 1 - i, stride);
  }
  std::reverse(out->begin() + static_cast<std::ptrdiff_t>(start), out->end());
}

// Rows of the unsorted chain with time >= `since`, sorted. Chunks whose elders are all older than that end the walk.
void collect_rest(const Chain& chain, size_t stride, const Wanted& wanted, int64_t since, RowPointers* out) {
  const size_t end = chain.count.load(std::memory_order_acquire);
  const size_t start = out->size();
  for (const Chunk* chunk = chain.newest.load(std::memory_order_acquire); chunk != nullptr; chunk = chunk->older) {
    if (chunk->first >= end) continue;
    for (size_t i = std::min<size_t>(chunk->capacity, end - chunk->first); i-- > 0;) {
      const uint8_t* row = chunk->row(i, stride);
      if (visible(row, wanted) && in_time(row, wanted) && RowLayout::time(row) >= since) out->push_back(row);
    }
    if (chunk->older_max_time < since) break;
  }
  const auto first = out->begin() + static_cast<std::ptrdiff_t>(start);
  std::reverse(first, out->end());  // to the order of arrival, which equal times keep
  std::stable_sort(first, out->end(), earlier);
}

}  // namespace

void collect_rows(const Tail& tail, size_t stride, const Wanted& wanted, RowPointers* out) {
  if (wanted.limit == 0) return;
  const size_t start = out->size();
  collect_sorted(tail.main, stride, wanted, kMinTime, out);
  const Late* late = tail.late.load(std::memory_order_acquire);
  if (late == nullptr) return;
  const auto at = [&](size_t position) { return out->begin() + static_cast<std::ptrdiff_t>(position); };
  // With `limit` rows in hand, older ones cannot count.
  const auto since = [&] {
    return out->size() - start < wanted.limit ? kMinTime : RowLayout::time(*at(out->size() - wanted.limit));
  };
  // Earlier chains first: that is the order in which equal times arrived, and merging is stable.
  const auto merge_from = [&](size_t middle) {
    if (planted("late")) return;
    if (out->size() > middle) std::inplace_merge(at(start), at(middle), out->end(), earlier);
  };
  for (const Chain& chain : late->sorted) {
    const size_t middle = out->size();
    collect_sorted(chain, stride, wanted, since(), out);
    merge_from(middle);
  }
  const size_t middle = out->size();
  collect_rest(late->rest, stride, wanted, since(), out);
  merge_from(middle);
  const uint64_t total = out->size() - start;
  if (total > wanted.limit) out->erase(at(start), at(start + total - wanted.limit));
}

}  // namespace tsfeat
