// Wraps another Vfs. Tests may act or refuse whenever a file is opened or written, and change what was read of it or is
// said of its size.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "vfs/vfs.h"

namespace tsfeat {

class HookedVfs final : public Vfs {
 public:
  explicit HookedVfs(Vfs* wrapped) : wrapped_(wrapped) {}

  std::function<Status(const std::string& path)> before_open;
  std::function<Status(const std::string& path)> before_write;
  std::function<void(const std::string& path, uint64_t offset, std::span<uint8_t> bytes)> after_read;
  std::function<uint64_t(const std::string& path, uint64_t size)> after_size;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (before_open) TSFEAT_TRY(before_open(path));
    TSFEAT_ASSIGN(std::unique_ptr<File> file, wrapped_->open(path, mode));
    return std::unique_ptr<File>(std::make_unique<HookedFile>(std::move(file), *this));
  }
  Status rename(const std::string& from, const std::string& to) override { return wrapped_->rename(from, to); }
  Status remove(const std::string& path) override { return wrapped_->remove(path); }
  Status link(const std::string& from, const std::string& to) override { return wrapped_->link(from, to); }
  Status make_directory(const std::string& path) override { return wrapped_->make_directory(path); }
  Status sync_directory(const std::string& path) override { return wrapped_->sync_directory(path); }
  Result<std::vector<std::string>> list(const std::string& directory) override { return wrapped_->list(directory); }
  Result<bool> exists(const std::string& path) override { return wrapped_->exists(path); }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override { return wrapped_->lock(path); }
  Result<uint64_t> free_bytes(const std::string& path) override { return wrapped_->free_bytes(path); }

 private:
  class HookedFile final : public File {
   public:
    HookedFile(std::unique_ptr<File> wrapped, const HookedVfs& vfs) : wrapped_(std::move(wrapped)), vfs_(vfs) {}
    Status read(uint64_t offset, std::span<uint8_t> out) const override {
      TSFEAT_TRY(wrapped_->read(offset, out));
      if (vfs_.after_read) vfs_.after_read(path(), offset, out);
      return {};
    }
    Status write(uint64_t offset, Bytes data) override {
      if (vfs_.before_write) TSFEAT_TRY(vfs_.before_write(path()));
      return wrapped_->write(offset, data);
    }
    Status sync() override { return wrapped_->sync(); }
    Status allocate(uint64_t bytes) override { return wrapped_->allocate(bytes); }
    Status truncate(uint64_t bytes) override { return wrapped_->truncate(bytes); }
    Result<uint64_t> size() const override {
      TSFEAT_ASSIGN(const uint64_t size, wrapped_->size());
      return vfs_.after_size ? vfs_.after_size(path(), size) : size;
    }
    const std::string& path() const override { return wrapped_->path(); }

   private:
    const std::unique_ptr<File> wrapped_;
    const HookedVfs& vfs_;
  };

  Vfs* const wrapped_;
};

}  // namespace tsfeat
