// The names of the disk in memory: directories, and what is durable of them.
//
// Every change of names (create, remove, link, rename) is one operation, durable as a whole or not at all; that a
// rename touches two names, perhaps in two directories, makes no difference. Syncing a directory makes durable each
// operation on it, and each earlier one on the same names. A power loss keeps some of the others; of the operations on
// one name always the earlier ones with the later, as a journal does.
//
// Directories live as long as the tree, files as long as a name, a pending operation or an open handle.
// Not thread-safe: the disk's lock guards it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "vfs/memory_file.h"

namespace tsfeat::memory_internal {

struct Directory;

// What a name stands for: a file, a directory, or nothing.
struct Entry {
  std::shared_ptr<MemoryFile> file;
  Directory* directory = nullptr;
  bool exists() const { return file != nullptr || directory != nullptr; }
  friend bool operator==(const Entry&, const Entry&) = default;
};

struct Directory {
  std::map<std::string, Entry> now;
  std::map<std::string, Entry> durable;
};

// A name in a directory that exists. The root has no name.
struct Place {
  Directory* directory = nullptr;
  std::string name;
  Entry entry;
};

class MemoryTree {
 public:
  MemoryTree();

  Result<Place> find(const std::string& path) const;  // an error when a directory on the way is missing
  Result<Directory*> find_directory(const std::string& path) const;

  void add(const Place& place, std::shared_ptr<MemoryFile> file);
  void add_directory(const Place& place);
  void remove(const Place& place);
  void rename(const Place& from, const Place& to);
  void sync(const Directory* directory);
  void sync_name(const Place& place);

  std::unique_ptr<MemoryTree> survivor(Survival survival, Random& random) const;
  std::unique_ptr<MemoryTree> copy() const;  // with what is durable and what is not
  std::map<std::string, std::string> files() const;

 private:
  struct Change {
    Directory* directory;
    std::string name;
    Entry entry;
  };
  using Operation = std::vector<Change>;
  using Names = std::set<std::pair<const Directory*, std::string>>;

  void apply(Operation operation);
  // For each pending operation: does `wants` it, or does a later one need it?
  template <typename Wants>
  std::vector<bool> choose(Wants wants) const;
  void make_durable(const std::vector<bool>& chosen);

  std::vector<std::unique_ptr<Directory>> directories_;  // the first is the root
  std::vector<Operation> pending_;                       // oldest first
};

}  // namespace tsfeat::memory_internal
