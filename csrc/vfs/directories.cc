#include "vfs/directories.h"

#include <cerrno>
#include <vector>

namespace tsfeat {
namespace {

std::string parent_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Status make_directories(Vfs& vfs, const std::string& path) {
  std::vector<std::string> missing;
  for (std::string at = path; at != "/" && at != "."; at = parent_of(at)) {
    TSFEAT_ASSIGN(const bool there, vfs.exists(at));
    if (there) {
      // An attempt that was interrupted may have made it, without a durable name. (What we may not look into, we did
      // not make.)
      const Status status = vfs.sync_directory(parent_of(at));
      if (!status.ok() && status.error_number() != EACCES) return status;
      break;
    }
    missing.push_back(at);
  }
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    TSFEAT_TRY(vfs.make_directory(*at));
    TSFEAT_TRY(vfs.sync_directory(parent_of(*at)));
  }
  return {};
}

}  // namespace tsfeat
