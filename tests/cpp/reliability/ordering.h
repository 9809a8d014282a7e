// Watches that a store does things in an order that survives a power loss at any moment, whatever the disk makes of it:
//   - nothing is acknowledged before the log that holds it is synced, and has a durable name;
//   - the manifest is not switched before every file that it names is synced and has a durable name;
//   - no file is removed that a manifest names which a power loss could bring back, but for a log without records
//   behind
//     the first.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "catalog/manifest.h"
#include "reliability/watched.h"

namespace tsfeat::reliability {

class Ordering final : public Observer {
 public:
  // disk: where to look at files without being watched. What is there now counts as durable.
  Ordering(Vfs& disk, std::string directory);
  void before(const Call& call) override;
  void after(const Call& call, const Status& status) override;
  void acknowledged();
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  struct FileState {
    bool synced = true;
    bool named = true;  // durably
  };
  void switched();
  void removed(const std::string& path);
  void require(const std::string& path, const char* why);
  std::string path_of(const std::string& name) const { return directory_ + "/" + name; }

  Vfs& disk_;
  const std::string directory_;
  std::map<std::string, FileState> files_;  // what is not here is synced and named
  std::vector<Manifest> manifests_;         // that the next boot may find; the last is the current one
  std::vector<std::string> violations_;
};

}  // namespace tsfeat::reliability
