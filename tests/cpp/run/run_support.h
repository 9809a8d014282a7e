// Writing, opening and comparing runs in tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "run/run.h"
#include "run/vector_source.h"
#include "vfs/memory.h"

namespace tsfeat::testing {

inline constexpr const char* kRunPath = "/store/000000000007.run";

std::unique_ptr<MemoryVfs> make_disk();  // with the directory "/store"
// Writes all events; expects success.
RunMeta write_run(Vfs& vfs, const Events& events, const RunOptions& options, const std::string& path = kRunPath,
                  uint64_t number = 7);
// Copies another source, key by key.
RunMeta copy_run(Vfs& vfs, Source& from, std::shared_ptr<const Schema> schema, const RunOptions& options,
                 const std::string& path, uint64_t number);

// Reads everything of the source in every way and compares. Stops at the first error, which it returns; a difference
// is a failure of the test.
Status compare_all(const Events& expected, Source& source, uint64_t seed);

}  // namespace tsfeat::testing
