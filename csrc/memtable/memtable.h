// Events that are in the log but not yet in a run: per-key tails of rows, in memory.
//
// One writer at a time inserts (the engine's write lock); any number of readers read meanwhile, without locks. A batch
// becomes visible to a reader through the version it reads at: a source made for version v shows only events with
// version <= v, and the engine publishes v after insert() returned. Rows, once written, never move or change. Memory
// comes from an arena that goes back to the pool with the memtable. The layout of rows follows the schema that the
// memtable was made for.
#pragma once

#include <cstdint>
#include <memory>

#include "schema/batch.h"
#include "source/source.h"
#include "vfs/pages.h"

namespace tsfeat {

class Memtable {
 public:
  static std::shared_ptr<Memtable> create(std::shared_ptr<const Schema> schema,
                                          std::shared_ptr<PagePool> pool = PagePool::create(0));
  virtual ~Memtable() = default;

  // All rows of a batch, as `version` (greater than any before). The batch was validated: this cannot fail.
  virtual void insert(const Batch& batch, uint64_t version) = 0;
  virtual size_t memory_bytes() const = 0;
  virtual uint64_t events() const = 0;
  virtual bool empty() const = 0;
  virtual const Schema& schema() const = 0;
  // What readers at `version` see. The memtable outlives the source.
  virtual std::unique_ptr<Source> source(uint64_t version) const = 0;
};

}  // namespace tsfeat
