#include "vfs/memory_disk.h"

#include <cerrno>

namespace tsfeat::memory_internal {
namespace {

class OpenFile final : public File {
 public:
  OpenFile(std::shared_ptr<Disk> disk, std::shared_ptr<MemoryFile> file, std::string path, bool writable)
      : disk_(std::move(disk)), file_(std::move(file)), path_(std::move(path)), writable_(writable) {
    ++disk_->handles;
  }
  ~OpenFile() override {
    const std::lock_guard held(disk_->mutex);
    --disk_->handles;
  }

  Status read(uint64_t offset, std::span<uint8_t> out) const override {
    if (out.empty()) return {};
    const std::lock_guard held(disk_->mutex);
    const Content& content = file_->now();
    if (offset <= content.size() && out.size() <= content.size() - offset) {
      content.read(offset, out);
      return {};
    }
    return Status::corruption(path_ + ": the file is shorter than offset " + std::to_string(offset) + " + " +
                              std::to_string(out.size()) + " bytes");
  }
  Status write(uint64_t offset, Bytes data) override {
    TSFEAT_TRY(check("write to", offset, data.size()));
    const std::lock_guard held(disk_->mutex);
    file_->write(offset, data);
    return {};
  }
  Status sync() override {
    const std::lock_guard held(disk_->mutex);
    if (++disk_->syncs == disk_->failing_sync) {
      file_->fail_sync();
      return error(EIO, "sync", path_);
    }
    file_->sync();
    return {};
  }
  Status allocate(uint64_t bytes) override {
    TSFEAT_TRY(check("allocate", bytes, 0));
    const std::lock_guard held(disk_->mutex);
    if (bytes > file_->now().size()) file_->resize(bytes);
    return {};
  }
  Status truncate(uint64_t bytes) override {
    TSFEAT_TRY(check("truncate", bytes, 0));
    const std::lock_guard held(disk_->mutex);
    file_->resize(bytes);
    return {};
  }
  Result<uint64_t> size() const override {
    const std::lock_guard held(disk_->mutex);
    return uint64_t{file_->now().size()};
  }
  const std::string& path() const override { return path_; }

 private:
  Status check(const char* what, uint64_t offset, size_t size) const {
    if (!writable_) return error(EBADF, what, path_);
    if (offset > kMaxFileBytes || size > kMaxFileBytes - offset) return error(EFBIG, what, path_);
    return {};
  }
  const std::shared_ptr<Disk> disk_;
  const std::shared_ptr<MemoryFile> file_;
  const std::string path_;
  const bool writable_;
};

class HeldLock final : public FileLock {
 public:
  HeldLock(std::shared_ptr<Disk> disk, std::shared_ptr<MemoryFile> file)
      : disk_(std::move(disk)), file_(std::move(file)) {}
  ~HeldLock() override {
    const std::lock_guard held(disk_->mutex);
    disk_->locked.erase(file_.get());
  }

 private:
  const std::shared_ptr<Disk> disk_;
  const std::shared_ptr<MemoryFile> file_;
};

}  // namespace

Status error(int number, const char* what, const std::string& path) {
  return Status::storage(number, std::string("cannot ") + what + " " + path);
}

std::unique_ptr<File> open_handle(std::shared_ptr<Disk> disk, std::shared_ptr<MemoryFile> file, std::string path,
                                  bool writable) {
  return std::make_unique<OpenFile>(std::move(disk), std::move(file), std::move(path), writable);
}

std::unique_ptr<FileLock> hold(std::shared_ptr<Disk> disk, std::shared_ptr<MemoryFile> file) {
  return std::make_unique<HeldLock>(std::move(disk), std::move(file));
}

}  // namespace tsfeat::memory_internal
