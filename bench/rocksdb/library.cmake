# The library out of crates: cargo fetches the sources (the versions of sources/Cargo.lock) and says where they are.
execute_process(
  COMMAND "${CARGO}" metadata --format-version 1 --locked
  WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/sources" OUTPUT_VARIABLE bench_crates ERROR_VARIABLE bench_cargo_says
  RESULT_VARIABLE bench_cargo_failed)
if(bench_cargo_failed)
  message(FATAL_ERROR "cargo could not fetch the sources of RocksDB:\n${bench_cargo_says}")
endif()

# Directory of a crate: the first in the list whose name it is.
function(bench_crate_directory name variable)
  string(JSON count LENGTH "${bench_crates}" packages)
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON candidate GET "${bench_crates}" packages ${i} name)
    if(candidate STREQUAL name)
      string(JSON manifest GET "${bench_crates}" packages ${i} manifest_path)
      get_filename_component(directory "${manifest}" DIRECTORY)
      set(${variable} "${directory}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "bench/rocksdb/sources/Cargo.lock has no crate ${name}")
endfunction()
bench_crate_directory(librocksdb-sys rocksdb_crate)
bench_crate_directory(lz4-sys lz4_crate)
bench_crate_directory(zstd-sys zstd_crate)

if(BENCH_ROCKSDB_ARCH)
  add_compile_options(-march=${BENCH_ROCKSDB_ARCH})
endif()

add_library(bench_lz4 STATIC "${lz4_crate}/liblz4/lib/lz4.c" "${lz4_crate}/liblz4/lib/lz4hc.c")
target_include_directories(bench_lz4 PUBLIC "${lz4_crate}/liblz4/lib")

file(GLOB zstd_sources "${zstd_crate}/zstd/lib/common/*.c" "${zstd_crate}/zstd/lib/compress/*.c"
  "${zstd_crate}/zstd/lib/decompress/*.c" "${zstd_crate}/zstd/lib/dictBuilder/*.c")
add_library(bench_zstd STATIC ${zstd_sources})
target_include_directories(bench_zstd PUBLIC "${zstd_crate}/zstd/lib")
target_compile_definitions(bench_zstd PRIVATE ZSTD_DISABLE_ASM=1)

file(STRINGS "${rocksdb_crate}/rocksdb_lib_sources.txt" rocksdb_sources)
list(FILTER rocksdb_sources EXCLUDE REGEX "build_version.cc")
list(TRANSFORM rocksdb_sources STRIP)
list(TRANSFORM rocksdb_sources PREPEND "${rocksdb_crate}/rocksdb/")
add_library(bench_rocksdb STATIC ${rocksdb_sources} "${rocksdb_crate}/build_version.cc")
target_include_directories(bench_rocksdb SYSTEM PUBLIC "${rocksdb_crate}/rocksdb/include" PRIVATE "${rocksdb_crate}/rocksdb"
  "${rocksdb_crate}")
# What RocksDB's own build finds out on Linux.
target_compile_definitions(bench_rocksdb PRIVATE LZ4 ZSTD OS_LINUX ROCKSDB_PLATFORM_POSIX ROCKSDB_LIB_IO_POSIX
  ROCKSDB_SUPPORT_THREAD_LOCAL ROCKSDB_FALLOCATE_PRESENT ROCKSDB_RANGESYNC_PRESENT ROCKSDB_MALLOC_USABLE_SIZE
  ROCKSDB_PTHREAD_ADAPTIVE_MUTEX ROCKSDB_SCHED_GETCPU_PRESENT ROCKSDB_AUXV_GETAUXVAL_PRESENT ROCKSDB_NO_DYNAMIC_EXTENSION)
target_compile_options(bench_rocksdb PRIVATE -w $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)
set_target_properties(bench_rocksdb PROPERTIES CXX_STANDARD 17)
target_link_libraries(bench_rocksdb PUBLIC bench_lz4 bench_zstd Threads::Threads ${CMAKE_DL_LIBS})
set(bench_rocksdb_flags -fno-rtti)
set(bench_rocksdb_library "crate ${rocksdb_crate}")
