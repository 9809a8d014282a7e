// flock(2) on a file of its own: it belongs to the open file, so a second opening conflicts also within one process,
// and the system gives it back however the process ends. The file holds the holder's process id, for the message only.
//
// A forked child shares the open file, and would keep the lock after its parent's death. So a child closes what its
// parent has locked, at once, and only the process that took a lock gives it back.
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "vfs/posix_internal.h"

namespace tsfeat::posix_internal {
namespace {

class PosixLock;

// All locks of this process.
struct Registry {
  std::mutex mutex;
  std::vector<PosixLock*> locks;
};

Registry& registry() {
  static Registry* const all = new Registry;  // never destroyed: locks may outlive main
  return *all;
}

class PosixLock final : public FileLock {
 public:
  // Under the registry's mutex.
  explicit PosixLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) { registry().locks.push_back(this); }
  ~PosixLock() override {
    const std::lock_guard held(registry().mutex);
    std::erase(registry().locks, this);
    if (descriptor_.number() < 0) return;  // the lock is the parent's
    // So that nobody is told of a holder that is gone; if it fails the message is the worse for it.
    static_cast<void>(!retried([&] { return ftruncate(descriptor_.number(), 0); }));
    flock(descriptor_.number(), LOCK_UN);
  }
  void abandon() { const Descriptor closed(descriptor_.release()); }

 private:
  Descriptor descriptor_;
};

void before_fork() { registry().mutex.lock(); }
void after_fork_in_parent() { registry().mutex.unlock(); }
void after_fork_in_child() {
  for (PosixLock* lock : registry().locks) lock->abandon();
  registry().mutex.unlock();
}

Status conflict(const std::string& path, int descriptor) {
  char digits[24] = "";
  const auto count = retried([&] { return pread(descriptor, digits, sizeof digits - 1, 0); });
  std::string pid(digits, static_cast<size_t>(std::max<ssize_t>(count, 0)));
  pid.resize(std::min(pid.size(), pid.find_first_not_of("0123456789")));
  std::string holder = "another process";
  if (!pid.empty()) holder = (pid == std::to_string(getpid()) ? "this process, " : "process ") + pid;
  std::string message = path + ": the store is open for writing by " + holder;
  return {Code::kLocked, std::move(message) + "; close it there or open with mode='r'", EWOULDBLOCK};
}

}  // namespace

Result<std::unique_ptr<FileLock>> lock_file(const std::string& path) {
  static const int fork_handled = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  if (fork_handled != 0) return Status::storage(fork_handled, "cannot prepare the lock " + path + " for fork");
  const std::lock_guard held(registry().mutex);  // no fork while the lock is taken but not yet registered
  TSFEAT_ASSIGN(Descriptor descriptor, open_regular(path, O_RDWR | O_CREAT));
  const int number = descriptor.number();
  if (retried([&] { return flock(number, LOCK_EX | LOCK_NB); }) != 0)
    return errno == EWOULDBLOCK ? conflict(path, number) : failed("lock", path);
  if (retried([&] { return ftruncate(number, 0); }) != 0) return failed("write to", path);
  const std::string pid = std::to_string(getpid()) + "\n";
  TSFEAT_TRY(write_all(number, 0, as_bytes(pid), path));
  return std::unique_ptr<FileLock>(std::make_unique<PosixLock>(std::move(descriptor)));
}

}  // namespace tsfeat::posix_internal
