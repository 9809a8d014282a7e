#include "compact/change_window.h"

#include <algorithm>
#include <tuple>

namespace tsfeat {
namespace {

constexpr uint64_t kStripRows = 4096;  // decoded together
constexpr size_t kKeysLocated = 1024;  // looked up together
constexpr uint64_t kGone = 0;          // no event has this version

}  // namespace

ReclaimPolicy ChangeWindow::policy_of(const View& view) {
  ReclaimPolicy policy{view.retention, view.now, view.horizon_version};
  if (view.tombstones != nullptr) policy.tombstones = view.tombstones;
  return policy;
}

Status ChangeWindow::collect(View& view, uint64_t since, uint64_t until, uint64_t most_events) {
  events.clear();
  keys_.clear();
  sources_.clear();
  again_.clear();
  since_ = since;
  end = until + 1;
  most_events_ = most_events;
  for (const auto& source : view.sources) {
    const SourceStats& stats = source->stats();
    if (stats.events > 0 && stats.max_version > since && stats.min_version < end) sources_.push_back(source.get());
  }
  for (uint32_t i = 0; i < sources_.size(); ++i) TSFEAT_TRY(collect_from(i));
  alone = events.empty() && end <= until;
  if (view.retention || view.tombstones != nullptr) TSFEAT_TRY(reclaim(view));
  sort();
  return {};
}

Status ChangeWindow::collect_from(uint32_t source) {
  const std::unique_ptr<KeyCursor> cursor = sources_[source]->walk();
  Strip strip;
  for (;;) {
    TSFEAT_ASSIGN(const bool more, cursor->next());
    const RowRange rows = more ? cursor->rows() : RowRange{};
    const bool joins = more && rows.begin == strip.rows.end && strip.rows.size() < kStripRows;
    if (!joins) {
      if (!strip.keys.empty()) TSFEAT_TRY(take(source, strip));
      if (!more) return {};
      strip.keys.clear();
      strip.rows = {rows.begin, rows.begin};
    }
    strip.keys.emplace_back(OwnedKey(cursor->key()), rows);
    strip.rows.end = rows.end;
  }
}

// In pieces: the last key of a strip may have any number of rows.
Status ChangeWindow::take(uint32_t source, const Strip& strip) {
  auto owner = strip.keys.begin();
  bool noted = false;  // the owner is in keys_
  for (RowRange piece = strip.rows; piece.begin < strip.rows.end; piece.begin = piece.end) {
    piece.end = std::min(strip.rows.end, piece.begin + 2 * kStripRows);
    versions_.resize(piece.size());
    TSFEAT_TRY(sources_[source]->versions(piece, versions_.data()));
    const auto wanted = [&](uint64_t version) { return version > since_ && version < end; };
    if (std::none_of(versions_.begin(), versions_.end(), wanted)) continue;
    times_.resize(piece.size());
    TSFEAT_TRY(sources_[source]->times(piece, times_.data()));
    for (uint64_t row = piece.begin; row < piece.end; ++row) {
      const size_t at = row - piece.begin;
      if (!wanted(versions_[at])) continue;
      while (row >= owner->second.end) {
        ++owner;
        noted = false;
      }
      if (!noted) keys_.push_back(owner->first);
      noted = true;
      events.push_back({versions_[at], times_[at], row, source, static_cast<uint32_t>(keys_.size() - 1)});
    }
    if (events.size() >= 2 * most_events_) {
      trim();
      noted = false;
    }
  }
  return {};
}

// Keeps the lowest versions that are few enough together, and looks for no higher ones any more.
void ChangeWindow::trim() {
  const auto middle = events.begin() + static_cast<std::ptrdiff_t>(most_events_);
  std::nth_element(events.begin(), middle, events.end(),
                   [](const Event& a, const Event& b) { return a.version < b.version; });
  end = middle->version;
  std::erase_if(events, [&](const Event& event) { return event.version >= end; });
  forget_unused_keys();
}

void ChangeWindow::forget_unused_keys() {
  constexpr uint32_t kUnused = ~uint32_t{0};
  std::vector<uint32_t> places(keys_.size(), kUnused);
  std::vector<OwnedKey> used;
  for (Event& event : events) {
    if (places[event.key] == kUnused) {
      places[event.key] = static_cast<uint32_t>(used.size());
      used.push_back(std::move(keys_[event.key]));
    }
    event.key = places[event.key];
  }
  keys_ = std::move(used);
}

// One key may have been met in several sources. Afterwards equal keys have one number; returns those in use.
std::vector<uint32_t> ChangeWindow::distinct_keys() {
  std::vector<uint32_t> order(keys_.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return keys_[a].view() < keys_[b].view(); });
  std::vector<uint32_t> first(keys_.size());
  std::vector<uint32_t> distinct;
  for (const uint32_t key : order) {
    if (distinct.empty() || keys_[distinct.back()].view() != keys_[key].view()) distinct.push_back(key);
    first[key] = distinct.back();
  }
  for (Event& event : events) event.key = first[event.key];
  return distinct;
}

Status ChangeWindow::locate(std::span<const uint32_t> keys, std::vector<std::vector<Slice>>* parts) {
  std::vector<Probe> probes;
  for (const uint32_t key : keys) probes.push_back({keys_[key].view()});
  std::vector<RowRange> rows(keys.size());
  parts->assign(keys.size(), {});
  for (const auto& source : again_) {
    TSFEAT_TRY(source->locate(probes, rows));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].size() > 0) (*parts)[i].push_back({source.get(), rows[i]});
    }
  }
  return {};
}

// Whether an event may be forgotten depends on the others of its key. Where some may, what is kept is taken anew.
Status ChangeWindow::reclaim(View& view) {
  again_ = view.open_again(view);
  for (const auto& source : again_) sources_.push_back(source.get());
  const std::vector<uint32_t> distinct = distinct_keys();
  std::vector<uint8_t> changed(keys_.size(), 0);
  const size_t collected = events.size();
  Reclaimer reclaimer(policy_of(view));
  std::vector<std::vector<Slice>> parts;
  std::vector<Slice> kept;
  std::vector<Mark> marks;
  for (size_t begin = 0; begin < distinct.size(); begin += kKeysLocated) {
    const size_t count = std::min(kKeysLocated, distinct.size() - begin);
    const auto keys = std::span(distinct).subspan(begin, count);
    TSFEAT_TRY(locate(keys, &parts));
    for (size_t i = 0; i < count; ++i) {
      const KeyView key = keys_[keys[i]].view();
      marks.clear();
      if (!view.retention) view.tombstones->find(key, &marks);
      if (!view.retention && marks.empty()) continue;
      const uint64_t dropped_before = reclaimer.dropped_events();
      kept.clear();
      TSFEAT_TRY(reclaimer.choose(key, parts[i], &kept));
      if (reclaimer.dropped_events() == dropped_before) continue;
      changed[keys[i]] = 1;
      for (const Slice& slice : kept) TSFEAT_TRY(take_kept(slice, keys[i]));
    }
  }
  for (size_t i = 0; i < collected; ++i) {
    if (changed[events[i].key] != 0) events[i].version = kGone;
  }
  std::erase_if(events, [](const Event& event) { return event.version == kGone; });
  return {};
}

Status ChangeWindow::take_kept(const Slice& slice, uint32_t key) {
  const auto source =
      static_cast<uint32_t>(std::find(sources_.begin(), sources_.end(), slice.source) - sources_.begin());
  versions_.resize(slice.rows.size());
  times_.resize(slice.rows.size());
  TSFEAT_TRY(slice.source->versions(slice.rows, versions_.data()));
  TSFEAT_TRY(slice.source->times(slice.rows, times_.data()));
  for (size_t i = 0; i < versions_.size(); ++i) {
    if (versions_[i] <= since_ || versions_[i] >= end) continue;
    events.push_back({versions_[i], times_[i], slice.rows.begin + i, source, key});
  }
  return {};
}

// Sources never share events of one key, time and version: among those, rows are in order.
void ChangeWindow::sort() {
  std::sort(events.begin(), events.end(), [&](const Event& a, const Event& b) {
    if (a.version != b.version) return a.version < b.version;
    if (a.key != b.key) {
      const auto order = key(a) <=> key(b);
      if (order != 0) return order < 0;
    }
    return std::tie(a.time, a.source, a.row) < std::tie(b.time, b.source, b.row);
  });
}

}  // namespace tsfeat
