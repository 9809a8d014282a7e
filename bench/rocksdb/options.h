// Every RocksDB option of the three layouts.
#pragma once

#include <rocksdb/options.h>

#include <string>

namespace bench {

// layout: "A1", "A2" or "A3". more: options in RocksDB's own text form ("a=1;block_based_table_factory={b=2}"), which
// win; for experiments.
rocksdb::Options options_for(const std::string& layout, const std::string& more);
rocksdb::ReadOptions read_options();
rocksdb::ReadOptions scan_options();

}  // namespace bench
