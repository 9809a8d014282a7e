#include "catalog/version_clock.h"

#include <algorithm>

namespace tsfeat {
namespace {

// Enough for any test of exactness and for hours of appends a second apart; 64 KiB a table.
constexpr size_t kMaxMarks = 4096;

}  // namespace

void VersionClock::add(uint64_t version, int64_t clock) {
  if (!marks_.empty()) {
    clock = std::max(clock, marks_.back().clock);
    // The same moment: only the newer version can be asked for.
    if (clock == marks_.back().clock) {
      marks_.back().version = version;
      return;
    }
  }
  marks_.push_back({version, clock});
  if (marks_.size() < kMaxMarks) return;
  // Every second one goes, but never the newest.
  size_t kept = 0;
  for (size_t i = 0; i < marks_.size(); i += 2) marks_[kept++] = marks_[i];
  marks_[kept - 1] = marks_.back();
  marks_.resize(kept);
}

uint64_t VersionClock::current_at(int64_t moment) const {
  const auto after = std::upper_bound(marks_.begin(), marks_.end(), moment,
                                      [](int64_t value, const VersionMark& mark) { return value < mark.clock; });
  return after == marks_.begin() ? 0 : std::prev(after)->version;
}

void VersionClock::prune(int64_t horizon) {
  const auto after = std::upper_bound(marks_.begin(), marks_.end(), horizon,
                                      [](int64_t value, const VersionMark& mark) { return value < mark.clock; });
  if (after - marks_.begin() > 1) marks_.erase(marks_.begin(), std::prev(after));
}

void VersionClock::encode(std::string* to) const {
  ByteWriter out(to);
  out.varint(marks_.size());
  for (const VersionMark& mark : marks_) {
    out.fixed(mark.version);
    out.fixed(mark.clock);
  }
}

Result<VersionClock> VersionClock::decode(ByteReader& in) {
  VersionClock out;
  const uint64_t count = in.varint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const auto version = in.fixed<uint64_t>();
    const auto clock = in.fixed<int64_t>();
    const bool ascends = out.marks_.empty() || (version > out.marks_.back().version && clock > out.marks_.back().clock);
    if (!ascends) return Status::corruption("version clock does not ascend");
    out.marks_.push_back({version, clock});
  }
  if (!in.ok()) return Status::corruption("version clock is cut short");
  return out;
}

}  // namespace tsfeat
