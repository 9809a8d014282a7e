#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>

#include "vfs/posix_internal.h"

namespace tsfeat::posix_internal {
namespace {

constexpr uint64_t kMaxFileBytes = static_cast<uint64_t>(std::numeric_limits<off_t>::max());

Status error(int number, const char* what, const std::string& path) {
  return Status::storage(number, std::string("cannot ") + what + " " + path);
}

bool fits(uint64_t offset, size_t size) { return offset <= kMaxFileBytes && size <= kMaxFileBytes - offset; }

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path, bool writable)
      : descriptor_(std::move(descriptor)), path_(std::move(path)), writable_(writable) {}

  Status read(uint64_t offset, std::span<uint8_t> out) const override {
    size_t done = 0;
    while (done < out.size() && fits(offset, out.size())) {
      const auto count = retried([&] {
        return pread(descriptor_.number(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      });
      if (count < 0) return failed("read", path_);
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    if (done == out.size()) return {};
    return Status::corruption(path_ + ": the file is shorter than offset " + std::to_string(offset) + " + " +
                              std::to_string(out.size()) + " bytes");
  }

  Status write(uint64_t offset, Bytes data) override {
    if (!writable_) return error(EBADF, "write to", path_);
    if (!fits(offset, data.size())) return error(EFBIG, "write to", path_);
    return write_all(descriptor_.number(), offset, data, path_);
  }

  Status sync() override {
    if (retried([&] { return fdatasync(descriptor_.number()); }) != 0) return failed("sync", path_);
    return {};
  }

  Status allocate(uint64_t bytes) override {
    if (!writable_) return error(EBADF, "allocate", path_);
    if (bytes == 0) return {};
    if (!fits(bytes, 0)) return error(EFBIG, "allocate", path_);
    // Not posix_fallocate: where the file system cannot do it, that one would write every block.
    if (retried([&] { return fallocate(descriptor_.number(), 0, 0, static_cast<off_t>(bytes)); }) == 0) return {};
    if (errno == EOPNOTSUPP || errno == ENOSYS) return {};
    return failed("allocate", path_);
  }

  Status truncate(uint64_t bytes) override {
    if (!writable_) return error(EBADF, "truncate", path_);
    if (!fits(bytes, 0)) return error(EFBIG, "truncate", path_);
    if (retried([&] { return ftruncate(descriptor_.number(), static_cast<off_t>(bytes)); }) == 0) return {};
    return failed("truncate", path_);
  }

  Result<uint64_t> size() const override {
    struct stat about{};
    if (fstat(descriptor_.number(), &about) != 0) return failed("look at", path_);
    return static_cast<uint64_t>(about.st_size);
  }

  void expect_random_reads() const override { posix_fadvise(descriptor_.number(), 0, 0, POSIX_FADV_RANDOM); }

  void sync_ahead(uint64_t offset, uint64_t bytes) override {
#if defined(SYNC_FILE_RANGE_WRITE)
    if (!fits(offset, bytes)) return;
    sync_file_range(descriptor_.number(), static_cast<off_t>(offset), static_cast<off_t>(bytes), SYNC_FILE_RANGE_WRITE);
#else
    static_cast<void>(offset), static_cast<void>(bytes);
#endif
  }

  const std::string& path() const override { return path_; }

 private:
  const Descriptor descriptor_;
  const std::string path_;
  const bool writable_;
};

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::kCreateOrTruncate:
      return O_RDWR | O_CREAT | O_TRUNC;
    case OpenMode::kRead:
      break;
  }
  return O_RDONLY;
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);  // never repeated: Linux has closed it even when it says EINTR
}

Status failed(const char* what, const std::string& path) { return error(errno, what, path); }

Status check_path(const std::string& path) {
  if (path.find('\0') == std::string::npos) return {};
  return error(EINVAL, "use a path with a zero byte", path.c_str());
}

Result<Descriptor> open_regular(const std::string& path, int flags) {
  TSFEAT_TRY(check_path(path));
  constexpr mode_t kReadableByAll = 0644;  // less what the umask takes away
  Descriptor descriptor(
      retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kReadableByAll); }));
  if (descriptor.number() < 0 && errno == ELOOP) {
    return Status::storage(ELOOP, path + " is a symbolic link, which is not followed here");
  }
  if (descriptor.number() < 0) return failed("open", path);
  struct stat about{};
  if (fstat(descriptor.number(), &about) != 0) return failed("look at", path);
  if (S_ISREG(about.st_mode)) return descriptor;
  return Status::storage(S_ISDIR(about.st_mode) ? EISDIR : EINVAL, path + " is not a regular file");
}

Status write_all(int descriptor, uint64_t offset, Bytes data, const std::string& path) {
  size_t done = 0;
  while (done < data.size()) {
    const auto count = retried(
        [&] { return pwrite(descriptor, data.data() + done, data.size() - done, static_cast<off_t>(offset + done)); });
    if (count < 0) return failed("write to", path);
    if (count == 0) return error(EIO, "write to", path);  // would be for ever
    done += static_cast<size_t>(count);
  }
  return {};
}

Result<std::unique_ptr<File>> open_file(const std::string& path, OpenMode mode) {
  TSFEAT_ASSIGN(Descriptor descriptor, open_regular(path, open_flags(mode)));
  return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(descriptor), path, mode != OpenMode::kRead));
}

}  // namespace tsfeat::posix_internal
