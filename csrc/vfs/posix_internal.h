// What the three files of the POSIX house share: posix.cc (names), posix_file.cc (bytes), posix_lock.cc (locks).
#pragma once

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "vfs/vfs.h"

namespace tsfeat::posix_internal {

// A file descriptor, closed when this dies. -1: none.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();
  int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

// Repeats a system call that a signal interrupted.
template <typename Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// The error that errno holds: "cannot <what> <path>: <why>".
Status failed(const char* what, const std::string& path);

// A zero byte would end the path early and name another file.
Status check_path(const std::string& path);

// open(2) with O_CLOEXEC, O_NOFOLLOW and O_NONBLOCK (so that a pipe that lies in wait does not hang us); then only a
// regular file is accepted.
Result<Descriptor> open_regular(const std::string& path, int flags);

Status write_all(int descriptor, uint64_t offset, Bytes data, const std::string& path);

Result<std::unique_ptr<File>> open_file(const std::string& path, OpenMode mode);
Result<std::unique_ptr<FileLock>> lock_file(const std::string& path);

}  // namespace tsfeat::posix_internal
