#include "source/arrivals.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace tsfeat {
namespace {

// One entry a version, in order, with its greatest time.
void merge_versions(std::vector<Arrival>* known) {
  std::sort(known->begin(), known->end(), [](const Arrival& a, const Arrival& b) {
    return a.version != b.version ? a.version < b.version : a.last_time > b.last_time;
  });
  const auto same = [](const Arrival& a, const Arrival& b) { return a.version == b.version; };
  known->erase(std::unique(known->begin(), known->end(), same), known->end());
}

// By patience sorting (Fredman, "On computing the length of longest increasing subsequences", 1975).
std::vector<Arrival> longest_ascending(const std::vector<Arrival>& known) {
  std::vector<uint32_t> ends;                  // of the best sequence of each length: the entry that ends it
  std::vector<uint32_t> before(known.size());  // the entry before each in its sequence
  for (uint32_t i = 0; i < known.size(); ++i) {
    const auto at = std::lower_bound(ends.begin(), ends.end(), known[i].last_time,
                                     [&](uint32_t end, int64_t time) { return known[end].last_time < time; });
    before[i] = at == ends.begin() ? i : *(at - 1);
    if (at == ends.end()) {
      ends.push_back(i);
    } else {
      *at = i;
    }
  }
  std::vector<Arrival> out(ends.size());
  uint32_t at = ends.empty() ? 0 : ends.back();
  for (size_t i = out.size(); i-- > 0; at = before[at]) out[i] = known[at];
  return out;
}

}  // namespace

Arrivals::Arrivals(std::vector<Arrival> entries) : entries_(std::move(entries)) { make_guide(); }

Arrivals Arrivals::choose(std::vector<Arrival> known, uint64_t most) {
  merge_versions(&known);
  std::vector<Arrival> chosen = longest_ascending(known);
  const uint64_t step = most == 0 ? 0 : (chosen.size() + most - 1) / most;
  if (step == 0) return {};
  std::vector<Arrival> kept;
  for (size_t i = 0; i < chosen.size(); i += step) kept.push_back(chosen[std::min(i + step, chosen.size()) - 1]);
  return Arrivals(std::move(kept));
}

Arrivals Arrivals::between(int64_t first, int64_t last) const {
  const auto ends_before = [](const Arrival& entry, int64_t time) { return entry.last_time < time; };
  auto begin = std::lower_bound(entries_.begin(), entries_.end(), first, ends_before);
  auto end = std::lower_bound(begin, entries_.end(), last, ends_before);
  if (end != entries_.end()) ++end;
  if (begin == end && begin != entries_.begin()) --begin;
  return Arrivals(std::vector<Arrival>(begin, end));
}

void Arrivals::make_guide() {
  if (entries_.empty()) return;
  const auto span =
      static_cast<uint64_t>(entries_.back().last_time) - static_cast<uint64_t>(entries_.front().last_time);
  // Two to four stretches an entry: few see more than one entry end in them.
  const auto span_bits = static_cast<unsigned>(std::bit_width(span));
  const auto count_bits = static_cast<unsigned>(std::bit_width(entries_.size())) + 1;
  shift_ = span_bits > count_bits ? span_bits - count_bits : 0;
  guide_.reserve((span >> shift_) + 2);
  uint32_t entry = 0;
  for (uint64_t stretch = 0; stretch <= span >> shift_; ++stretch) {
    const auto begin = static_cast<int64_t>(static_cast<uint64_t>(entries_.front().last_time) + (stretch << shift_));
    while (entries_[entry].last_time < begin) ++entry;
    guide_.push_back(entry);
  }
  guide_.push_back(static_cast<uint32_t>(entries_.size() - 1));
}

uint64_t Arrivals::memory_bytes() const {
  return entries_.capacity() * sizeof(Arrival) + guide_.capacity() * sizeof(uint32_t);
}

uint64_t Arrivals::expected(int64_t time) const {
  if (entries_.empty()) return 0;
  if (time <= entries_.front().last_time) return entries_.front().version;
  if (time > entries_.back().last_time) return entries_.back().version;
  const uint64_t stretch = (static_cast<uint64_t>(time) - static_cast<uint64_t>(entries_.front().last_time)) >> shift_;
  uint32_t low = guide_[stretch];
  uint32_t high = guide_[stretch + 1];  // it may be this one too
  // Without a branch where that does: which way it goes cannot be foretold.
  if (high - low <= 1) return entries_[low + (entries_[low].last_time < time ? 1 : 0)].version;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (entries_[middle].last_time < time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return entries_[low].version;
}

void Arrivals::subtract_expected(const int64_t* times, uint64_t count, uint64_t* versions) const {
  for (uint64_t i = 0; i < count; ++i) versions[i] -= expected(times[i]);
}

void Arrivals::add_expected(const int64_t* times, uint64_t count, uint64_t* versions) const {
  for (uint64_t i = 0; i < count; ++i) versions[i] += expected(times[i]);
}

}  // namespace tsfeat
