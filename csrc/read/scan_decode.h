// Decoding a scan's chunks, by several threads: each takes some of the events, with sources of its own.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "read/read.h"

namespace tsfeat {

class ScanDecoder {
 public:
  // The view outlives the decoder; the columns, too.
  ScanDecoder(const View& view, std::span<const int> columns) : view_(view), columns_(columns) {}

  // Allocates the columns, and fills them with the slices' events (of the view's sources), `events` in all.
  Status decode(std::span<const Slice> slices, uint64_t events, std::vector<ColumnResult>* out);

 private:
  // What one of the helping threads does.
  struct Share {
    View::Sources sources;  // as the view's, but for memtables
    std::vector<Slice> slices;
    uint64_t first = 0;  // place of its first event
    std::vector<codec::VarlenBuffer> texts;
  };

  bool worth_sharing(std::span<const Slice> slices, uint64_t events) const;
  void open_shares();
  void deal(std::span<const Slice> slices, uint64_t events);

  const View& view_;
  const std::span<const int> columns_;
  std::vector<Share> shares_;                             // the caller's is the first, which needs no sources
  std::unordered_map<const Source*, size_t> run_places_;  // of the view's runs, counted from the last source back
};

}  // namespace tsfeat
