// What the Vfs in memory, its open files and its locks share.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "vfs/memory_tree.h"

namespace tsfeat::memory_internal {

// Any of those who share it may outlive the others. One lock for everything.
struct Disk {
  Disk(uint64_t seed, std::unique_ptr<MemoryTree> its_tree) : random(seed), tree(std::move(its_tree)) {}
  std::mutex mutex;
  Random random;
  std::unique_ptr<MemoryTree> tree;
  std::set<const MemoryFile*> locked;
  uint64_t handles = 0;
  uint64_t syncs = 0;
  uint64_t failing_sync = 0;  // by its number; 0: none
};

Status error(int number, const char* what, const std::string& path);

std::unique_ptr<File> open_handle(std::shared_ptr<Disk> disk, std::shared_ptr<MemoryFile> file, std::string path,
                                  bool writable);
// Gives back, when it dies, a lock that was entered in disk->locked.
std::unique_ptr<FileLock> hold(std::shared_ptr<Disk> disk, std::shared_ptr<MemoryFile> file);

}  // namespace tsfeat::memory_internal
