#include "options.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/version.h>

#include <stdexcept>

namespace bench {
namespace {

// The one without a lock. 0: it sizes its table as it goes (releases since 8.9).
std::shared_ptr<rocksdb::Cache> block_cache(size_t bytes) {
#if ROCKSDB_MAJOR >= 9
  return rocksdb::HyperClockCacheOptions(bytes, 0).MakeSharedCache();
#else
  return rocksdb::HyperClockCacheOptions(bytes, 16 << 10).MakeSharedCache();
#endif
}

}  // namespace

rocksdb::Options options_for(const std::string& layout, const std::string& more) {
  rocksdb::Options options;
  options.create_if_missing = true;

  // Memory: as much as tsfeat's default of 256 MB. Indexes and filters are on top, in memory; the rest is the page
  // cache.
  options.write_buffer_size = 32 << 20;
  options.max_write_buffer_number = 2;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = block_cache(160 << 20);
  table.cache_index_and_filter_blocks = false;
  options.max_open_files = -1;

  // Filters: 10 bits a user, for the first 8 bytes of a key. Nobody asks for whole keys.
  options.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(8));
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = false;
  table.format_version = 6;
  table.block_size = 16 << 10;
  options.compression = rocksdb::kLZ4Compression;

  // One writer at a time: no need for the latches of concurrent insertion.
  options.allow_concurrent_memtable_write = false;
  options.max_background_jobs = 2;

  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  if (layout != "A1" && layout != "A2" && layout != "A3") throw std::runtime_error("no such layout: " + layout);
  if (more.empty()) return options;
  rocksdb::Options changed;
  const rocksdb::Status status = rocksdb::GetOptionsFromString(options, more, &changed);
  if (!status.ok()) throw std::runtime_error("options: " + status.ToString());
  return changed;
}

rocksdb::ReadOptions read_options() {
  rocksdb::ReadOptions options;
  // Neither total_order_seek nor prefix_same_as_start: a seek asks the filters, and the walk after it does not compare
  // prefixes again, which the caller does anyway; 10 % of A1's time.
  options.ignore_range_deletions = true;  // there are none
  return options;
}

rocksdb::ReadOptions scan_options() {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.fill_cache = false;
  options.readahead_size = 2 << 20;
  return options;
}

}  // namespace bench
