#include "vfs/memory.h"

#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <utility>

#include "vfs/memory_disk.h"

namespace tsfeat {
namespace memory_internal {
namespace {

constexpr uint64_t kFreeBytes = uint64_t{1} << 40;  // never full; FaultVfs can say otherwise

class MemoryDiskVfs final : public MemoryVfs {
 public:
  explicit MemoryDiskVfs(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const std::lock_guard held(disk_->mutex);
    TSFEAT_ASSIGN(std::shared_ptr<MemoryFile> file, open_node(path, mode));
    return open_handle(disk_, std::move(file), path, mode != OpenMode::kRead);
  }

  Status rename(const std::string& from, const std::string& to) override {
    const std::lock_guard held(disk_->mutex);
    TSFEAT_ASSIGN(const Place source, disk_->tree->find(from));
    TSFEAT_ASSIGN(const Place target, disk_->tree->find(to));
    if (!source.entry.exists()) return error(ENOENT, "rename", from);
    if (source.directory == nullptr || target.directory == nullptr) return error(EBUSY, "rename", from + " to " + to);
    if (source.entry == target.entry) return {};  // also of two links to one file; so says POSIX
    if (const int reason = refuses(source, target); reason != 0) return error(reason, "rename", from + " to " + to);
    disk_->tree->rename(source, target);
    return {};
  }

  Status remove(const std::string& path) override {
    const std::lock_guard held(disk_->mutex);
    TSFEAT_ASSIGN(const Place place, disk_->tree->find(path));
    if (!place.entry.exists()) return error(ENOENT, "remove", path);
    if (place.directory == nullptr) return error(EBUSY, "remove", path);
    const Directory* const directory = place.entry.directory;
    if (directory != nullptr && !directory->now.empty()) return error(ENOTEMPTY, "remove", path);
    disk_->tree->remove(place);
    return {};
  }

  Status link(const std::string& from, const std::string& to) override {
    const std::lock_guard held(disk_->mutex);
    TSFEAT_ASSIGN(const Place source, disk_->tree->find(from));
    if (!source.entry.exists()) return error(ENOENT, "link", from);
    TSFEAT_ASSIGN(const Place target, disk_->tree->find(to));
    if (target.entry.exists()) return error(EEXIST, "link", from + " to " + to);
    if (source.entry.file == nullptr) return error(EISDIR, "link", from);
    disk_->tree->add(target, source.entry.file);
    return {};
  }

  Status make_directory(const std::string& path) override {
    const std::lock_guard held(disk_->mutex);
    TSFEAT_ASSIGN(const Place place, disk_->tree->find(path));
    if (place.entry.directory != nullptr) return {};
    if (place.entry.exists()) return error(EEXIST, "make the directory", path);
    disk_->tree->add_directory(place);
    return {};
  }

  Status sync_directory(const std::string& path) override {
    const std::lock_guard held(disk_->mutex);
    TSFEAT_ASSIGN(const Directory* directory, disk_->tree->find_directory(path));
    if (++disk_->syncs == disk_->failing_sync) return error(EIO, "sync the directory", path);
    disk_->tree->sync(directory);
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    const std::lock_guard held(disk_->mutex);
    TSFEAT_ASSIGN(const Directory* directory, disk_->tree->find_directory(path));
    std::vector<std::string> names;
    for (const auto& [name, entry] : directory->now) names.push_back(name);
    return names;
  }

  Result<bool> exists(const std::string& path) override {
    const std::lock_guard held(disk_->mutex);
    const Result<Place> place = disk_->tree->find(path);
    if (place.ok()) return place->entry.exists();
    if (place.status().error_number() == ENOENT || place.status().error_number() == ENOTDIR) return false;
    return place.status();
  }

  // The lock file stays empty: the bytes of a run with a fixed seed must not hold its process id.
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    const std::lock_guard held(disk_->mutex);
    const bool is_new = open_node(path, OpenMode::kReadWrite).status().error_number() == ENOENT;
    TSFEAT_ASSIGN(std::shared_ptr<MemoryFile> file, open_node(path, is_new ? OpenMode::kCreate : OpenMode::kReadWrite));
    if (!disk_->locked.insert(file.get()).second) {
      return Status(Code::kLocked,
                    path + ": the store is open for writing by this process, " + std::to_string(getpid()) +
                        "; close it there or open with mode='r'",
                    EWOULDBLOCK);
    }
    return hold(disk_, std::move(file));
  }

  Result<uint64_t> free_bytes(const std::string& path) override {
    const std::lock_guard held(disk_->mutex);
    TSFEAT_ASSIGN(const Place place, disk_->tree->find(path));
    if (!place.entry.exists()) return error(ENOENT, "look at the disk of", path);
    return kFreeBytes;
  }

  std::unique_ptr<MemoryVfs> power_loss(Survival survival) override {
    const std::lock_guard held(disk_->mutex);
    std::unique_ptr<MemoryTree> tree = disk_->tree->survivor(survival, disk_->random);
    return std::make_unique<MemoryDiskVfs>(std::make_shared<Disk>(disk_->random.next(), std::move(tree)));
  }

  std::unique_ptr<MemoryVfs> kill() override {
    const std::lock_guard held(disk_->mutex);
    return std::make_unique<MemoryDiskVfs>(std::make_shared<Disk>(disk_->random.next(), disk_->tree->copy()));
  }

  void fail_sync_after(uint64_t syncs) override {
    const std::lock_guard held(disk_->mutex);
    disk_->failing_sync = syncs == 0 ? 0 : disk_->syncs + syncs;
  }
  uint64_t syncs() const override {
    const std::lock_guard held(disk_->mutex);
    return disk_->syncs;
  }
  uint64_t open_files() const override {
    const std::lock_guard held(disk_->mutex);
    return disk_->handles;
  }

  std::map<std::string, std::string> files() const override {
    const std::lock_guard held(disk_->mutex);
    return disk_->tree->files();
  }

  Status write_file(const std::string& path, Bytes content) override {
    const std::lock_guard held(disk_->mutex);
    TSFEAT_ASSIGN(const std::shared_ptr<MemoryFile> file, open_node(path, OpenMode::kCreateOrTruncate));
    file->write(0, content);
    file->sync();
    TSFEAT_ASSIGN(const Place place, disk_->tree->find(path));
    disk_->tree->sync_name(place);
    return {};
  }

 private:
  Result<std::shared_ptr<MemoryFile>> open_node(const std::string& path, OpenMode mode) {
    TSFEAT_ASSIGN(Place place, disk_->tree->find(path));
    const bool creates = mode == OpenMode::kCreate || mode == OpenMode::kCreateOrTruncate;
    if (place.entry.exists() && mode == OpenMode::kCreate) return error(EEXIST, "open", path);
    if (place.entry.directory != nullptr) return error(EISDIR, "open", path);
    if (!place.entry.exists() && !creates) return error(ENOENT, "open", path);
    if (!place.entry.exists()) {
      place.entry.file = std::make_shared<MemoryFile>();
      disk_->tree->add(place, place.entry.file);
    } else if (mode == OpenMode::kCreateOrTruncate) {
      place.entry.file->resize(0);
    }
    return place.entry.file;
  }

  // Why `source` may not take the place of `target`, or 0.
  static int refuses(const Place& source, const Place& target) {
    const Directory* const moved = source.entry.directory;
    const Directory* const replaced = target.entry.directory;
    if (moved != nullptr && holds(*moved, target.directory)) return EINVAL;
    if (replaced != nullptr && holds(*replaced, source.directory)) return ENOTEMPTY;
    if (!target.entry.exists()) return 0;
    if (moved == nullptr) return replaced != nullptr ? EISDIR : 0;
    if (replaced == nullptr) return ENOTDIR;
    return replaced->now.empty() ? 0 : ENOTEMPTY;
  }
  static bool holds(const Directory& outer, const Directory* inner) {
    if (&outer == inner) return true;
    for (const auto& [name, entry] : outer.now) {
      if (entry.directory != nullptr && holds(*entry.directory, inner)) return true;
    }
    return false;
  }

  const std::shared_ptr<Disk> disk_;
};

}  // namespace
}  // namespace memory_internal

std::unique_ptr<MemoryVfs> MemoryVfs::create(uint64_t seed) {
  using namespace memory_internal;
  return std::make_unique<MemoryDiskVfs>(std::make_shared<Disk>(seed, std::make_unique<MemoryTree>()));
}

}  // namespace tsfeat
