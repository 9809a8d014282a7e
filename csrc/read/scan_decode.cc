#include "read/scan_decode.h"

#include <algorithm>

#include "read/columns.h"

namespace tsfeat {
namespace {

// A thread is woken for no fewer.
constexpr uint64_t kLeastEvents = 8192;

}  // namespace

// A memtable numbers its rows as it is walked: only the walk's own source knows them.
bool ScanDecoder::worth_sharing(std::span<const Slice> slices, uint64_t events) const {
  return view_.helpers != nullptr && view_.helpers->helpers() > 0 && view_.open_again != nullptr &&
         events >= 2 * kLeastEvents &&
         std::all_of(slices.begin(), slices.end(), [](const Slice& s) { return s.source->ranges_may_cross_keys(); });
}

void ScanDecoder::open_shares() {
  if (!shares_.empty()) return;
  shares_.resize(1 + view_.helpers->helpers());
  for (size_t i = 1; i < shares_.size(); ++i) shares_[i].sources = view_.open_again(view_);
  for (size_t i = 0; i < view_.sources.size(); ++i) run_places_[view_.sources[i].get()] = view_.sources.size() - i;
}

// The slices in as many parts of about the same size, cut where that is necessary.
void ScanDecoder::deal(std::span<const Slice> slices, uint64_t events) {
  const uint64_t most = (events + shares_.size() - 1) / shares_.size();
  uint64_t at = 0;
  for (Share& share : shares_) {
    share.slices.clear();
    share.texts.clear();
  }
  for (Slice rest : slices) {
    while (rest.rows.size() > 0) {
      Share& share = shares_[at / most];
      if (share.slices.empty()) share.first = at;
      Slice piece = rest;
      piece.rows.end = std::min(rest.rows.end, rest.rows.begin + (at / most + 1) * most - at);
      rest.rows.begin = piece.rows.end;
      at += piece.rows.size();
      if (!share.sources.empty())
        piece.source = (share.sources.end() - static_cast<ptrdiff_t>(run_places_.at(piece.source)))->get();
      share.slices.push_back(piece);
    }
  }
}

Status ScanDecoder::decode(std::span<const Slice> slices, uint64_t events, std::vector<ColumnResult>* out) {
  allocate_columns(*view_.schema, columns_, events, out);
  if (worth_sharing(slices, events)) {
    open_shares();
    deal(slices, events);
    std::vector<Status> statuses(shares_.size());
    view_.helpers->run(shares_.size(), [&](size_t at) {
      Share& share = shares_[at];
      if (at > 0) share.texts.resize(columns_.size());
      statuses[at] = decode_columns(*view_.schema, columns_, share.slices, share.first, {}, out, share.texts);
    });
    for (Status& status : statuses) TSFEAT_TRY(std::move(status));
    for (const Share& share : shares_) append_texts(share.texts, out);
  } else {
    TSFEAT_TRY(decode_columns(*view_.schema, columns_, slices, 0, {}, out));
  }
  finish_columns(events, out);
  return {};
}

}  // namespace tsfeat
