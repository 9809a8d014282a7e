// A sorted run: an immutable file of events in (key, time, arrival) order. docs/format.md, "Runs", is normative.
//
//   page 0 | page 1 | ... | directory blocks | bloom filter | index | footer
//
// A page holds up to page_rows consecutive events as chunks: times, versions, then each column (and its validity, if
// it has nulls), each with its own CRC-32C, so that a read touches the chunks it needs and no others. The directory
// maps keys to first rows, in blocks of keys. The index (pages: rows, offset, chunk sizes, minima and maxima;
// directory blocks: first keys) is loaded when a run is opened and stays in memory; pages and directory blocks go
// through the block cache, checked when they enter it. Every byte of the file is under a checksum, padding included.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/hot.h"
#include "run/cache.h"
#include "schema/schema.h"
#include "source/decode.h"
#include "source/source.h"
#include "vfs/vfs.h"

namespace tsfeat {

// What the manifest knows of a run, and its footer says again.
struct RunMeta {
  uint64_t number = 0;  // names the file
  uint32_t level = 0;   // 0: flushed; else one more than the highest it was merged from (known to the manifest only)
  uint64_t bytes = 0;
  uint64_t keys = 0;
  SourceStats stats;
};

struct RunOptions {
  uint32_t page_rows = 1024;
  codec::Effort effort = codec::Effort::kFast;
  // The hot values of each column, by position in the schema; null, or fewer than columns: none.
  std::vector<std::shared_ptr<const codec::HotCodes>> hot = {};
  // What versions are stored as distances from; null: from nothing.
  std::shared_ptr<const Arrivals> arrivals = nullptr;
  // Asked for each page: whether a processor is free that may encode it while the next is gathered; null: never.
  std::function<bool()> aside = nullptr;
};

// Writes one run. Keys ascending; a key's slices in order, oldest first, in one call or in several that follow each
// other. Columns are pulled (source/decode.h) from the slices' sources when a page is full, a column at a time, so
// sources must stay usable, and their rows valid, until end_page() or finish(). Nothing is durable before finish(); an
// unfinished file is an orphan that the caller removes.
class RunWriter {
 public:
  static Result<std::unique_ptr<RunWriter>> create(Vfs& vfs, std::string path, uint64_t number,
                                                   std::shared_ptr<const Schema> schema, const RunOptions& options);
  virtual ~RunWriter() = default;
  virtual Status append(const KeyView& key, std::span<const Slice> slices) = 0;
  virtual uint64_t events() const = 0;  // appended so far
  virtual uint64_t bytes() const = 0;   // written so far
  // Writes the rows at hand, few as they may be.
  virtual Status end_page() = 0;
  // Nothing is appended any more: writes and syncs all that does not depend on versions, so that finish() is short.
  virtual Status end_rows() = 0;
  // Writes what is left, and syncs the file (its directory entry is the caller's). version: of all rows, where it was
  // not known before: their sources said 0, and there are no arrivals.
  virtual Result<RunMeta> finish(std::optional<uint64_t> version = std::nullopt) = 0;
};

class Run {
 public:
  // Reads footer, index and bloom filter, and checks them against `meta`. schema: of the table now; it has all the
  // run's columns.
  static Result<std::shared_ptr<Run>> open(Vfs& vfs, std::string path, const RunMeta& meta,
                                           std::shared_ptr<const Schema> schema, std::shared_ptr<BlockCache> cache);
  virtual ~Run() = default;
  virtual const RunMeta& meta() const = 0;
  virtual uint64_t memory_bytes() const = 0;  // index and bloom filter
  // For one read; holds an epoch pin, so do not keep it for long, and make and destroy it on one thread. Another may
  // use it while that one waits.
  // bypass_cache: compaction and long scans, which would wash the cache out: blocks that are not cached are read into
  // the source's own scratch.
  virtual std::unique_ptr<Source> source(bool bypass_cache = false) = 0;

  // Brings its blocks into the cache, if they take only a small share of it: for a run that will be read at once. What
  // cannot be read, or is damaged, is left to the read that needs it.
  virtual void preload() {}

  struct Problem {
    uint64_t offset = 0;
    std::string message;
  };
  // Reads every byte and checks all that the format promises: checksums, bounds, order, counts.
  virtual Status verify(std::vector<Problem>* problems) = 0;
};

}  // namespace tsfeat
