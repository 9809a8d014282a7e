// Walks a run's directory.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "run/run_file.h"
#include "source/source.h"

namespace tsfeat::run {

// Reads the directory past the cache: a walk visits each block once. only: blocks to visit, ascending, which outlive
// the cursor; null: all.
std::unique_ptr<KeyCursor> make_cursor(const RunFile& run, const std::vector<uint32_t>* only = nullptr);

}  // namespace tsfeat::run
