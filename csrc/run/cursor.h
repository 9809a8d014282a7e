// Walks a run's directory.
#pragma once

#include <memory>

#include "run/run_file.h"
#include "source/source.h"

namespace tsfeat::run {

// Reads the directory past the cache: a walk visits each block once.
std::unique_ptr<KeyCursor> make_cursor(const RunFile& run);

}  // namespace tsfeat::run
