# Without cargo: whatever librocksdb is installed. Debian's is several years old, was compiled with asserts and without
# hardware CRC, and is 1.1 to 3.2 times slower: systems/rocksdb.py says so in the table.
find_path(ROCKSDB_INCLUDE rocksdb/db.h)
find_library(ROCKSDB_LIBRARY rocksdb)
if(NOT ROCKSDB_INCLUDE OR NOT ROCKSDB_LIBRARY)
  message(FATAL_ERROR "RocksDB needs cargo (Debian: apt install cargo), which fetches the sources of a release, or else "
    "a librocksdb (Debian: apt install librocksdb-dev)")
endif()
message(WARNING "There is no cargo, so RocksDB is ${ROCKSDB_LIBRARY}: no release build, with asserts, no hardware CRC")
add_library(bench_rocksdb INTERFACE)
target_include_directories(bench_rocksdb SYSTEM INTERFACE "${ROCKSDB_INCLUDE}")
target_link_libraries(bench_rocksdb INTERFACE "${ROCKSDB_LIBRARY}" Threads::Threads)
set(bench_rocksdb_library "${ROCKSDB_LIBRARY}, which has asserts compiled in and no hardware CRC; install cargo for a \
release build")
