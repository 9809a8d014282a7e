#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "vfs/posix_internal.h"

namespace tsfeat {
namespace posix_internal {
namespace {

constexpr size_t kCopyBytes = size_t{1} << 20;

// Why link(2) may refuse where a copy will do: another file system, one without hard links, too many, or not the owner.
bool wants_copy(int error_number) {
  const std::array<int, 6> reasons = {EXDEV, EPERM, EMLINK, EOPNOTSUPP, ENOTSUP, ENOSYS};
  return std::find(reasons.begin(), reasons.end(), error_number) != reasons.end();
}

Status copy_bytes(const File& from, File& to) {
  TSFEAT_ASSIGN(const uint64_t size, from.size());
  std::vector<uint8_t> room(static_cast<size_t>(std::min<uint64_t>(size, kCopyBytes)));
  for (uint64_t offset = 0; offset < size; offset += room.size()) {
    const std::span<uint8_t> part(room.data(), static_cast<size_t>(std::min<uint64_t>(room.size(), size - offset)));
    TSFEAT_TRY(from.read(offset, part));
    TSFEAT_TRY(to.write(offset, part));
  }
  return to.sync();
}

Status copy_file(const std::string& from, const std::string& to) {
  TSFEAT_ASSIGN(const std::unique_ptr<File> source, open_file(from, OpenMode::kRead));
  TSFEAT_ASSIGN(std::unique_ptr<File> copy, open_file(to, OpenMode::kCreate));
  Status done = copy_bytes(*source, *copy);
  if (!done.ok()) unlink(to.c_str());
  return done;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

class PosixVfs final : public Vfs {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override { return open_file(path, mode); }

  Status rename(const std::string& from, const std::string& to) override {
    TSFEAT_TRY(check_path(from));
    TSFEAT_TRY(check_path(to));
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    return failed("rename", from + " to " + to);
  }

  Status remove(const std::string& path) override {
    TSFEAT_TRY(check_path(path));
    if (unlink(path.c_str()) == 0) return {};
    if (errno == EISDIR && rmdir(path.c_str()) == 0) return {};
    return failed("remove", path);
  }

  Status link(const std::string& from, const std::string& to) override {
    TSFEAT_TRY(check_path(from));
    TSFEAT_TRY(check_path(to));
    if (::link(from.c_str(), to.c_str()) == 0) return {};
    if (wants_copy(errno)) return copy_file(from, to);
    return failed("link", from + " to " + to);
  }

  Status make_directory(const std::string& path) override {
    TSFEAT_TRY(check_path(path));
    if (mkdir(path.c_str(), 0755) == 0) return {};
    const int reason = errno;
    struct stat about{};
    if (reason == EEXIST && stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode)) return {};
    return Status::storage(reason, "cannot make the directory " + path);
  }

  Status sync_directory(const std::string& path) override {
    TSFEAT_TRY(check_path(path));
    const Descriptor directory(retried([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (directory.number() < 0) return failed("open the directory", path);
    if (retried([&] { return fsync(directory.number()); }) == 0) return {};
    return errno == EINVAL ? Status() : failed("sync the directory", path);  // some file systems have no such thing
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    TSFEAT_TRY(check_path(path));
    const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
    if (directory == nullptr) return failed("list", path);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = readdir(directory.get());
      if (entry == nullptr) break;
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    if (errno != 0) return failed("list", path);
    std::sort(names.begin(), names.end());
    return names;
  }

  // A name that is taken, also by a link to nowhere.
  Result<bool> exists(const std::string& path) override {
    TSFEAT_TRY(check_path(path));
    struct stat about{};
    if (lstat(path.c_str(), &about) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return failed("look at", path);
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override { return lock_file(path); }

  Result<uint64_t> free_bytes(const std::string& path) override {
    TSFEAT_TRY(check_path(path));
    struct statvfs about{};
    if (retried([&] { return statvfs(path.c_str(), &about); }) != 0) return failed("look at the disk of", path);
    return static_cast<uint64_t>(about.f_bavail) * about.f_frsize;
  }
};

}  // namespace
}  // namespace posix_internal

Vfs* Vfs::posix() {
  static Vfs* const vfs = new posix_internal::PosixVfs;  // never destroyed: threads may outlive main
  return vfs;
}

}  // namespace tsfeat
