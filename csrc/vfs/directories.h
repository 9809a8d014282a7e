// Directories that are made as a store needs them.
#pragma once

#include <string>

#include "vfs/vfs.h"

namespace tsfeat {

// The directory and all above it that are missing, each made durable in its parent.
Status make_directories(Vfs& vfs, const std::string& path);

}  // namespace tsfeat
