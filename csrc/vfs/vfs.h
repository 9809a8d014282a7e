// The only door to the operating system's files. Three houses stand behind it: POSIX (posix.cc), memory with simulated
// power loss (memory.cc), and a wrapper that injects faults (fault.cc). No other room makes a file-system call.
//
// Paths are whole paths with '/'. All methods are thread-safe; a File may be read by many threads while one writes.
// Errors carry errno and name the path. EINTR and short transfers are retried inside.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace tsfeat {

class File {
 public:
  virtual ~File() = default;  // closes; unsynced data stays in the hands of the system
  // Exactly out.size() bytes from offset; fewer there is kCorruption ("file is shorter than ...").
  virtual Status read(uint64_t offset, std::span<uint8_t> out) const = 0;
  // All of data at offset, extending the file if needed.
  virtual Status write(uint64_t offset, Bytes data) = 0;
  virtual Status sync() = 0;  // fdatasync: data, and the size if it changed
  // Reserves space and extends the size with zeros; a no-op where unsupported.
  virtual Status allocate(uint64_t bytes) = 0;
  virtual Status truncate(uint64_t bytes) = 0;
  virtual Result<uint64_t> size() const = 0;
  // A hint: reads will hop about, so that what stands behind one is not worth fetching with it.
  virtual void expect_random_reads() const {}
  // A hint: what was written there will be synced soon, so the system may begin now, while its writer goes on.
  virtual void sync_ahead(uint64_t /*offset*/, uint64_t /*bytes*/) {}
  virtual const std::string& path() const = 0;
};

// Held while it lives. A lock dies with its process.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode { kRead, kReadWrite, kCreate /* must not exist */, kCreateOrTruncate };

class Vfs {
 public:
  virtual ~Vfs() = default;
  // A symlink is refused (O_NOFOLLOW).
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;  // replaces `to` atomically
  virtual Status remove(const std::string& path) = 0;                         // a file, or an empty directory
  virtual Status link(const std::string& from, const std::string& to) = 0;    // a hard link, or else a synced copy
  virtual Status make_directory(const std::string& path) = 0;  // ok if it is one already; parents must exist
  virtual Status sync_directory(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;  // names, sorted
  virtual Result<bool> exists(const std::string& path) = 0;
  // kLocked, naming the holder's process id, when another holder (in this process or not) has it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
  virtual Result<uint64_t> free_bytes(const std::string& path) = 0;

  static Vfs* posix();  // lives for ever
};

// Reads a whole file; refuses one larger than max_bytes.
Result<std::string> read_file(Vfs& vfs, const std::string& path, uint64_t max_bytes);
// Writes path + ".tmp", syncs, renames it to path and syncs the directory: after a crash there is the old file or the
// new.
Status replace_file(Vfs& vfs, const std::string& directory, const std::string& name, Bytes content);

}  // namespace tsfeat
