#include "vfs/fault.h"

#include <mutex>
#include <utility>

namespace tsfeat {
namespace {

// The count and the order, shared by the Vfs and its Files, which may outlive it.
class Trigger {
 public:
  void set(uint64_t calls, int error_number, bool once) {
    const std::lock_guard held(mutex_);
    fail_at_ = calls == 0 ? 0 : calls_ + calls;
    error_number_ = error_number;
    once_ = once;
  }
  uint64_t calls() const {
    const std::lock_guard held(mutex_);
    return calls_;
  }
  // Counts a call; the error that it must give, if any.
  Status count(const char* call, const std::string& path) {
    const std::lock_guard held(mutex_);
    ++calls_;
    const bool fails = fail_at_ != 0 && (once_ ? calls_ == fail_at_ : calls_ >= fail_at_);
    if (!fails) return {};
    return Status::storage(error_number_, std::string("cannot ") + call + " " + path + " (injected)");
  }

 private:
  mutable std::mutex mutex_;
  uint64_t calls_ = 0;
  uint64_t fail_at_ = 0;  // 0: never
  int error_number_ = 0;
  bool once_ = false;
};

class FaultFile final : public File {
 public:
  FaultFile(std::unique_ptr<File> wrapped, std::shared_ptr<Trigger> trigger)
      : wrapped_(std::move(wrapped)), trigger_(std::move(trigger)) {}

  Status read(uint64_t offset, std::span<uint8_t> out) const override {
    TSFEAT_TRY(trigger_->count("read", path()));
    return wrapped_->read(offset, out);
  }
  Status write(uint64_t offset, Bytes data) override {
    Status fault = trigger_->count("write to", path());
    if (fault.ok()) return wrapped_->write(offset, data);
    // A full disk takes what still fits.
    static_cast<void>(wrapped_->write(offset, data.first(data.size() / 2)).ok());
    return fault;
  }
  Status sync() override {
    TSFEAT_TRY(trigger_->count("sync", path()));
    return wrapped_->sync();
  }
  Status allocate(uint64_t bytes) override {
    TSFEAT_TRY(trigger_->count("allocate", path()));
    return wrapped_->allocate(bytes);
  }
  Status truncate(uint64_t bytes) override {
    TSFEAT_TRY(trigger_->count("truncate", path()));
    return wrapped_->truncate(bytes);
  }
  Result<uint64_t> size() const override {
    TSFEAT_TRY(trigger_->count("look at", path()));
    return wrapped_->size();
  }
  const std::string& path() const override { return wrapped_->path(); }

 private:
  const std::unique_ptr<File> wrapped_;
  const std::shared_ptr<Trigger> trigger_;
};

class Wrapper final : public FaultVfs {
 public:
  explicit Wrapper(Vfs* wrapped) : wrapped_(wrapped), trigger_(std::make_shared<Trigger>()) {}

  void fail_after(uint64_t calls, int error_number, bool once) override { trigger_->set(calls, error_number, once); }
  uint64_t calls() const override { return trigger_->calls(); }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    TSFEAT_TRY(trigger_->count("open", path));
    TSFEAT_ASSIGN(std::unique_ptr<File> file, wrapped_->open(path, mode));
    return std::unique_ptr<File>(std::make_unique<FaultFile>(std::move(file), trigger_));
  }
  Status rename(const std::string& from, const std::string& to) override {
    TSFEAT_TRY(trigger_->count("rename", from + " to " + to));
    return wrapped_->rename(from, to);
  }
  Status remove(const std::string& path) override {
    TSFEAT_TRY(trigger_->count("remove", path));
    return wrapped_->remove(path);
  }
  Status link(const std::string& from, const std::string& to) override {
    TSFEAT_TRY(trigger_->count("link", from + " to " + to));
    return wrapped_->link(from, to);
  }
  Status make_directory(const std::string& path) override {
    TSFEAT_TRY(trigger_->count("make the directory", path));
    return wrapped_->make_directory(path);
  }
  Status sync_directory(const std::string& path) override {
    TSFEAT_TRY(trigger_->count("sync the directory", path));
    return wrapped_->sync_directory(path);
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    TSFEAT_TRY(trigger_->count("list", directory));
    return wrapped_->list(directory);
  }
  Result<bool> exists(const std::string& path) override {
    TSFEAT_TRY(trigger_->count("look at", path));
    return wrapped_->exists(path);
  }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    TSFEAT_TRY(trigger_->count("lock", path));
    return wrapped_->lock(path);
  }
  Result<uint64_t> free_bytes(const std::string& path) override {
    TSFEAT_TRY(trigger_->count("look at the disk of", path));
    return wrapped_->free_bytes(path);
  }

 private:
  Vfs* const wrapped_;
  const std::shared_ptr<Trigger> trigger_;
};

}  // namespace

std::unique_ptr<FaultVfs> FaultVfs::create(Vfs* wrapped) { return std::make_unique<Wrapper>(wrapped); }

}  // namespace tsfeat
