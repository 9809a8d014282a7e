#include "read/newest_first.h"

#include <algorithm>

#include "base/planted.h"

namespace tsfeat {
namespace {

constexpr uint64_t kFirstWindow = 128;
constexpr uint64_t kLargestWindow = 1024;

}  // namespace

void NewestFirst::start(std::span<const Part> parts) {
  open_ = 0;
  ran_out_ = false;
  if (cursors_.size() < parts.size()) cursors_.resize(parts.size());
  for (const Part& part : parts) {
    if (part.rows.size() == 0 && !part.may_have_older) continue;
    Cursor& cursor = cursors_[open_++];
    cursor.source = part.source;
    cursor.rows = part.rows;
    cursor.may_have_older = part.may_have_older;
    cursor.has_head = false;
    cursor.window = part.rows.end;
    cursor.step = 0;
    cursor.times.clear();
    cursor.versions.clear();
  }
}

size_t NewestFirst::held_bytes() const {
  size_t bytes = cursors_.capacity() * sizeof(Cursor);
  for (const Cursor& cursor : cursors_) bytes += 8 * (cursor.times.capacity() + cursor.versions.capacity());
  return bytes;
}

Result<Slice> NewestFirst::next(uint64_t most) {
  for (size_t at = open_; at-- > 0;) {
    if (cursors_[at].rows.size() > 0) continue;
    ran_out_ = ran_out_ || cursors_[at].may_have_older;
    if (at != --open_) std::swap(cursors_[at], cursors_[open_]);
  }
  if (open_ == 0 || ran_out_) return Slice{};
  Cursor* const alone = open_ == 1 ? &cursors_[0] : apart_from_others();
  if (alone != nullptr) return take(*alone, alone->rows.end - std::min(most, alone->rows.size()));
  TSFEAT_ASSIGN(const size_t best, newest_cursor());
  return take_overlapping(cursors_[best], most);
}

Slice NewestFirst::take(Cursor& cursor, uint64_t begin) {
  const Slice piece{cursor.source, {begin, cursor.rows.end}};
  cursor.rows.end = begin;
  cursor.has_head = false;
  return piece;
}

// The source whose every time is after every time of the others, if the sources' ranges alone show that there is one.
NewestFirst::Cursor* NewestFirst::apart_from_others() {
  Cursor* best = &cursors_[0];
  for (size_t at = 1; at < open_; ++at) {
    if (cursors_[at].source->stats().max_time > best->source->stats().max_time) best = &cursors_[at];
  }
  for (size_t at = 0; at < open_; ++at) {
    if (&cursors_[at] != best && cursors_[at].source->stats().max_time >= best->source->stats().min_time)
      return nullptr;
  }
  return best;
}

Status NewestFirst::find_head(Cursor& cursor) {
  if (cursor.has_head) return {};
  const uint64_t row = cursor.rows.end - 1;
  if (row >= cursor.window && row - cursor.window < cursor.times.size()) {
    cursor.head = cursor.times[row - cursor.window];
  } else {
    TSFEAT_TRY(cursor.source->times({row, row + 1}, &cursor.head));
  }
  cursor.has_head = true;
  return {};
}

Status NewestFirst::fill_times(Cursor& cursor) {
  cursor.step = cursor.step == 0 ? kFirstWindow : std::min(2 * cursor.step, kLargestWindow);
  cursor.window = cursor.rows.end - std::min(cursor.step, cursor.rows.size());
  cursor.times.resize(cursor.rows.end - cursor.window);
  cursor.versions.clear();
  return cursor.source->times({cursor.window, cursor.rows.end}, cursor.times.data());
}

// `row` is within the window, or the last of the rows that are left.
Result<uint64_t> NewestFirst::version_at(Cursor& cursor, uint64_t row) {
  uint64_t version = 0;
  if (row < cursor.window || cursor.times.empty()) {
    TSFEAT_TRY(cursor.source->versions({row, row + 1}, &version));
    return version;
  }
  if (cursor.versions.empty()) {
    cursor.versions.resize(cursor.times.size());
    const RowRange window{cursor.window, cursor.window + cursor.times.size()};
    TSFEAT_TRY(cursor.source->versions(window, cursor.versions.data()));
  }
  return cursor.versions[row - cursor.window];
}

// Whether a's newest row comes after b's. Both heads are known.
Result<bool> NewestFirst::newer(Cursor& a, Cursor& b) {
  if (a.head != b.head) return a.head > b.head;
  TSFEAT_ASSIGN(const uint64_t version, version_at(a, a.rows.end - 1));
  TSFEAT_ASSIGN(const uint64_t other, version_at(b, b.rows.end - 1));
  return planted("ties") ? version < other : version > other;
}

Result<size_t> NewestFirst::newest_cursor() {
  size_t best = 0;
  TSFEAT_TRY(find_head(cursors_[0]));
  for (size_t at = 1; at < open_; ++at) {
    TSFEAT_TRY(find_head(cursors_[at]));
    TSFEAT_ASSIGN(const bool is_newer, newer(cursors_[at], cursors_[best]));
    if (is_newer) best = at;
  }
  return best;
}

// Gives out what is after every other source's newest row. `best` has the newest row of all, and all heads are known.
Result<Slice> NewestFirst::take_overlapping(Cursor& best, uint64_t most) {
  int64_t bound = kMinTime;
  tied_.clear();
  for (size_t at = 0; at < open_; ++at) {
    if (&cursors_[at] == &best) continue;
    bound = std::max(bound, cursors_[at].head);
    if (cursors_[at].head == best.head) tied_.push_back(&cursors_[at]);
  }
  const bool in_window = best.rows.end > best.window && !best.times.empty();
  if (!in_window) {
    // Perhaps all that is wanted is after the others: one time tells.
    const uint64_t oldest = best.rows.end - std::min(most, best.rows.size());
    int64_t time = 0;
    TSFEAT_TRY(best.source->times({oldest, oldest + 1}, &time));
    if (time > bound) return take(best, oldest);
    TSFEAT_TRY(fill_times(best));
  }
  if (!tied_.empty()) return take_tied(best, tied_, most);
  const uint64_t left = std::min(best.rows.end - best.window, most);
  const int64_t* const end = best.times.data() + (best.rows.end - best.window);
  const int64_t* const first = std::upper_bound(end - left, end, bound);
  return take(best, best.rows.end - static_cast<uint64_t>(end - first));
}

// Several sources have rows of the newest time: those of `best` with versions above all the others' go first.
Result<Slice> NewestFirst::take_tied(Cursor& best, std::span<Cursor* const> tied, uint64_t most) {
  uint64_t bound = 0;
  for (Cursor* other : tied) {
    TSFEAT_ASSIGN(const uint64_t version, version_at(*other, other->rows.end - 1));
    bound = std::max(bound, version);
  }
  const uint64_t last = best.rows.end - std::min(most, best.rows.end - best.window);
  uint64_t begin = best.rows.end - 1;  // best is newest, so this one goes
  for (; begin > last && best.times[begin - 1 - best.window] == best.head; --begin) {
    TSFEAT_ASSIGN(const uint64_t version, version_at(best, begin - 1));
    if (version <= bound) break;
  }
  return take(best, begin);
}

}  // namespace tsfeat
