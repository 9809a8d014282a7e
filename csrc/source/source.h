// A Source holds events in (key, time, arrival) order and gives out sequences: the memtable and the sorted run are
// the two kinds. Reads, scans, flush and compaction know events only through this interface: one mechanism, used
// everywhere.
//
// Rows are numbers that the source gives; rows of one key are consecutive, oldest first, ordered by (time, version,
// position in the batch). Two different sources of a table never hold events of one key with the same time and
// version, so (time, version) orders events across sources.
//
// A Source object serves one caller at a time: it is made for one read (or scan, flush, compaction job) by its owner
// (Run, Memtable), is cheap to make, may hold scratch, and keeps its owner alive by being outlived by the caller's
// shared_ptr. Fallible calls return kCorruption (file and offset) or kStorage.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/key.h"
#include "base/status.h"
#include "codec/varlen.h"
#include "schema/schema.h"
#include "source/arrivals.h"

namespace tsfeat {

struct RowRange {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t size() const { return end - begin; }
};

// Rows to decode, and the place of the first one's value in the arrays that the values go to.
struct Aim {
  RowRange rows;
  uint64_t at = 0;
};

struct SourceStats {
  uint64_t events = 0;
  int64_t min_time = kMaxTime;
  int64_t max_time = kMinTime;
  uint64_t min_version = ~uint64_t{0};
  uint64_t max_version = 0;
};

// A question for locate(): at most `limit` of the key's newest events with time <= until are wanted. A source may
// answer with more rows than asked, but then with the key's whole range (as a run does); never with fewer.
struct Probe {
  KeyView key;
  int64_t until = kMaxTime;
  uint64_t limit = ~uint64_t{0};
};

// What is known, without decoding, of the block that a row lies in. order_bits() of the smallest and the largest
// value that is neither null nor NaN; `bounded` is false where that is not known.
struct BlockBounds {
  RowRange rows;
  bool bounded = false;
  bool may_have_null = true;
  bool may_have_nan = true;
  uint64_t min = 0;
  uint64_t max = ~uint64_t{0};

  // On the time, of which there is always one.
  static BlockBounds of_times(RowRange rows, int64_t min, int64_t max);
};

// Walks the keys in order. Rows stay valid until the source is destroyed.
class KeyCursor {
 public:
  virtual ~KeyCursor() = default;
  // Moves to the first (then next) key; false at the end.
  virtual Result<bool> next() = 0;
  virtual KeyView key() const = 0;  // valid until next()
  virtual RowRange rows() const = 0;
};

class Source {
 public:
  virtual ~Source() = default;
  virtual const SourceStats& stats() const = 0;

  // answers[i] for probes[i]; an unknown key gets an empty range. One call plans a batch: misses overlap.
  virtual Status locate(std::span<const Probe> probes, std::span<RowRange> answers) = 0;
  virtual std::unique_ptr<KeyCursor> walk() = 0;

  // Of one key's rows: the first with time >= `time` (rows.end if none).
  virtual Result<uint64_t> seek(RowRange rows, int64_t time) = 0;

  // Adds what the source knows of when its versions' batches ended; nothing, where it does not know. Not while the
  // source's owner is written to.
  virtual void arrivals(std::vector<Arrival>* /*out*/) const {}
  virtual Status times(RowRange rows, int64_t* out) = 0;
  virtual Status versions(RowRange rows, uint64_t* out) = 0;
  // False for a column added after the source was written: its events read as the default.
  virtual bool has_column(uint32_t column_id) const = 0;
  virtual Status fixed(const Column& column, RowRange rows, uint8_t* out) = 0;               // size * width bytes
  virtual Status varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) = 0;  // appends
  virtual Status validity(const Column& column, RowRange rows, uint8_t* out) = 0;            // 1 = present; size bytes
  // Of the block around `row`, for a column that it has, or for the time (column null). Bounds on time always hold.
  virtual BlockBounds bounds(const Column* column, uint64_t row) = 0;

  // Several columns of the same rows, one after the other: aim() names rows and where their values go (a list that the
  // caller keeps as it is), and each call after it decodes all of them, into an array of the whole answer. Many ranges
  // at once let cache misses overlap, and where they lie is worked out once for all columns. They need not ascend, and
  // may overlap: what several of them hold may be decoded once.
  virtual void aim(std::span<const Aim> aims) { aimed_ = aims; }
  virtual Status aimed_times(int64_t* out);
  virtual Status aimed_versions(uint64_t* out);
  virtual Status aimed_fixed(const Column& column, uint8_t* out);
  virtual Status aimed_varlen(const Column& column, codec::VarlenBuffer* out);  // appends, in the list's order
  virtual Status aimed_validity(const Column& column, uint8_t* out);
  // For who will make many calls: from now on they hold nothing of a shared cache from one to the next, so that it can
  // give up what it must. On the thread that made the source.
  virtual void hold_by_call() {}
  // Whether rows are numbered through in key order, so that ranges of neighbouring keys may be decoded as one.
  virtual bool ranges_may_cross_keys() const { return false; }

 protected:
  std::span<const Aim> aimed_;
};

// Rows of one key in one source: a piece of an answer.
struct Slice {
  Source* source = nullptr;
  RowRange rows;
};

}  // namespace tsfeat
