// The ordered walk over several sources: each key once, its events in order. Scan, keys(), flush and compaction are
// this walk.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "read/read.h"

namespace tsfeat {

// Picks a key's events out of its rows in each source. What differs between a scan (what a read at one version and
// moment sees) and compaction (what any permitted read may still see) is the chooser.
class KeyMerge {
 public:
  // Sources outlive the merge.
  static Result<std::unique_ptr<KeyMerge>> create(std::vector<Source*> sources);
  virtual ~KeyMerge() = default;
  virtual Result<bool> next() = 0;  // to the first (then next) key; false at the end
  virtual KeyView key() const = 0;
  // The key's rows per source that has it; valid until next().
  virtual std::span<const Slice> parts() const = 0;
};

// All rows of the parts as slices in (time, version) order, oldest first. Appends.
Status merge_parts(std::span<const Slice> parts, std::vector<Slice>* out);

// Walks a whole view as a read without n would see it: chunks of at most chunk_rows events.
struct ScanRequest {
  std::optional<int64_t> since;
  std::optional<int64_t> before;
  std::optional<int64_t> version;
  const FilterNode* filter = nullptr;  // outlives the scan
  std::vector<int> columns;
  uint64_t chunk_rows = 65'536;
  bool keys_only = false;  // each key with a visible event once; no columns
};
struct ScanChunk {
  std::vector<uint64_t> fixed_keys;  // one an event: integer keys, in their own encoding (int64 as its bits)
  codec::VarlenBuffer varlen_keys;
  uint64_t rows = 0;
  std::vector<ColumnResult> columns;

  // So many more events of the key.
  void add_keys(KeyType type, const KeyView& key, uint64_t count);
};
class Scanner {
 public:
  // Holds the view for as long as it lives.
  static Result<std::unique_ptr<Scanner>> create(View view, ScanRequest request);
  virtual ~Scanner() = default;
  virtual Result<bool> next(ScanChunk* chunk) = 0;  // false at the end
};

}  // namespace tsfeat
