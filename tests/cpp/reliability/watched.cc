#include "reliability/watched.h"

#include <utility>

namespace tsfeat::reliability {
namespace {

const std::string kNowhere;

template <typename Do>
auto observed(Observer* observer, const Call& call, Do act) {
  if (observer != nullptr) observer->before(call);
  auto result = act();
  if (observer != nullptr) {
    if constexpr (std::is_same_v<decltype(result), Status>) {
      observer->after(call, result);
    } else {
      observer->after(call, result.status());
    }
  }
  return result;
}

class WatchedFile final : public File {
 public:
  WatchedFile(std::unique_ptr<File> wrapped, Observer* observer) : wrapped_(std::move(wrapped)), observer_(observer) {}

  Status read(uint64_t offset, std::span<uint8_t> out) const override {
    return observed(observer_, call(CallKind::kRead, offset), [&] { return wrapped_->read(offset, out); });
  }
  Status write(uint64_t offset, Bytes data) override {
    return observed(observer_, call(CallKind::kWrite, offset), [&] { return wrapped_->write(offset, data); });
  }
  Status sync() override {
    return observed(observer_, call(CallKind::kSync), [&] { return wrapped_->sync(); });
  }
  Status allocate(uint64_t bytes) override {
    return observed(observer_, call(CallKind::kAllocate), [&] { return wrapped_->allocate(bytes); });
  }
  Status truncate(uint64_t bytes) override {
    return observed(observer_, call(CallKind::kTruncate), [&] { return wrapped_->truncate(bytes); });
  }
  Result<uint64_t> size() const override {
    return observed(observer_, call(CallKind::kLook), [&] { return wrapped_->size(); });
  }
  void expect_random_reads() const override { wrapped_->expect_random_reads(); }
  const std::string& path() const override { return wrapped_->path(); }

 private:
  Call call(CallKind kind, uint64_t offset = 0) const { return {kind, wrapped_->path(), kNowhere, offset}; }

  const std::unique_ptr<File> wrapped_;
  Observer* const observer_;
};

class WatchedVfs final : public Vfs {
 public:
  WatchedVfs(Vfs& wrapped, Observer* observer) : wrapped_(wrapped), observer_(observer) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    const bool creates = mode == OpenMode::kCreate || mode == OpenMode::kCreateOrTruncate;
    return observed(observer_, {creates ? CallKind::kCreate : CallKind::kOpen, path, kNowhere},
                    [&]() -> Result<std::unique_ptr<File>> {
                      TSFEAT_ASSIGN(std::unique_ptr<File> file, wrapped_.open(path, mode));
                      return std::unique_ptr<File>(std::make_unique<WatchedFile>(std::move(file), observer_));
                    });
  }
  Status rename(const std::string& from, const std::string& to) override {
    return observed(observer_, {CallKind::kRename, from, to}, [&] { return wrapped_.rename(from, to); });
  }
  Status remove(const std::string& path) override {
    return observed(observer_, {CallKind::kRemove, path, kNowhere}, [&] { return wrapped_.remove(path); });
  }
  Status link(const std::string& from, const std::string& to) override {
    return observed(observer_, {CallKind::kLink, from, to}, [&] { return wrapped_.link(from, to); });
  }
  Status make_directory(const std::string& path) override {
    return observed(observer_, {CallKind::kMakeDirectory, path, kNowhere},
                    [&] { return wrapped_.make_directory(path); });
  }
  Status sync_directory(const std::string& path) override {
    return observed(observer_, {CallKind::kSyncDirectory, path, kNowhere},
                    [&] { return wrapped_.sync_directory(path); });
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    return observed(observer_, {CallKind::kLook, directory, kNowhere}, [&] { return wrapped_.list(directory); });
  }
  Result<bool> exists(const std::string& path) override {
    return observed(observer_, {CallKind::kLook, path, kNowhere}, [&] { return wrapped_.exists(path); });
  }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    return observed(observer_, {CallKind::kLock, path, kNowhere}, [&] { return wrapped_.lock(path); });
  }
  Result<uint64_t> free_bytes(const std::string& path) override {
    return observed(observer_, {CallKind::kLook, path, kNowhere}, [&] { return wrapped_.free_bytes(path); });
  }

 private:
  Vfs& wrapped_;
  Observer* const observer_;
};

}  // namespace

std::unique_ptr<Vfs> watch(Vfs& wrapped, Observer* observer) { return std::make_unique<WatchedVfs>(wrapped, observer); }

}  // namespace tsfeat::reliability
