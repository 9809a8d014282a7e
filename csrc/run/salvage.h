// What is left of a damaged run: the events whose bytes are whole, around the damage, page by page.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "run/run.h"

namespace tsfeat {

// A part of a run that cannot be read.
struct LostPart {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  RowRange rows;  // that went with it; none where no event depends on the part
  // The bytes of the first and the last key that lost rows with it, as far as the directory still knows them.
  std::optional<std::pair<std::string, std::string>> keys;
  std::string message;
};

struct SalvagedRun {
  // Of the events that are whole, numbered through anew. For a merge: it walks, and does not locate.
  std::unique_ptr<Source> source;
  uint64_t events = 0;         // in it
  std::vector<LostPart> lost;  // whose rows may overlap
};

// Reads every byte. An event is whole if its page's header, all chunks of its page and the directory block of its key
// are, and so is what those are decoded with (index, hot values). The index is what leads to everything: without it
// nothing is left, and the error (kCorruption, kStorage) says why.
Result<SalvagedRun> salvage_run(Vfs& vfs, const std::string& path, const RunMeta& meta, const Schema& schema,
                                std::shared_ptr<BlockCache> cache);

}  // namespace tsfeat
