// Real files, and system calls that are interrupted or do half of what they were asked to: once, at every call in turn,
// and a few times on end. Nobody may notice. Stands in front of the C library's calls, so it belongs to the program
// alone.

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <filesystem>

#include "reliability/trial.h"

namespace {

enum class Trouble { kInterrupted, kShort };

struct Order {
  Trouble trouble = Trouble::kInterrupted;
  uint64_t at = 0;  // the number of the call; 0: none
  uint64_t times = 1;
  uint64_t calls = 0;
};
thread_local Order order;

// Whether this call meets its trouble. An interrupted one fails; a short one does some of its work.
bool troubled(Trouble trouble) {
  ++order.calls;
  return order.trouble == trouble && order.at != 0 && order.calls >= order.at && order.calls < order.at + order.times;
}
bool interrupted() {
  if (!troubled(Trouble::kInterrupted)) return false;
  errno = EINTR;
  return true;
}
size_t shortened(size_t bytes) {
  const bool cut = order.trouble == Trouble::kShort && order.at != 0 && order.calls >= order.at &&
                   order.calls < order.at + order.times;
  return cut ? std::max<size_t>(1, bytes / 2) : bytes;
}

}  // namespace

extern "C" {

ssize_t pread(int descriptor, void* to, size_t bytes, off_t offset) {
  if (interrupted()) return -1;
  return syscall(SYS_pread64, descriptor, to, shortened(bytes), offset);
}
ssize_t pwrite(int descriptor, const void* from, size_t bytes, off_t offset) {
  if (interrupted()) return -1;
  return syscall(SYS_pwrite64, descriptor, from, shortened(bytes), offset);
}
int fdatasync(int descriptor) {
  if (interrupted()) return -1;
  return static_cast<int>(syscall(SYS_fdatasync, descriptor));
}
int fsync(int descriptor) {
  if (interrupted()) return -1;
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}
int ftruncate(int descriptor, off_t bytes) noexcept {
  if (interrupted()) return -1;
  return static_cast<int>(syscall(SYS_ftruncate, descriptor, bytes));
}
int fallocate(int descriptor, int mode, off_t offset, off_t bytes) {
  if (interrupted()) return -1;
  return static_cast<int>(syscall(SYS_fallocate, descriptor, mode, offset, bytes));
}
int open(const char* path, int flags, ...) {
  if (interrupted()) return -1;
  va_list rest;
  va_start(rest, flags);
  const auto mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
}

namespace tsfeat::reliability {
namespace {

constexpr uint64_t kSteps = 8;

// False: the call never came.
bool live(const std::string& directory, uint64_t seed, const Order& wanted, const std::string& name, Report* report) {
  const std::string root = directory + "/" + std::to_string(seed);
  std::filesystem::remove_all(root);
  std::filesystem::create_directories(root);
  const ManualClock clock(kNow);
  Oracle oracle;
  Random random(seed);
  Life life(*Vfs::posix(), clock, oracle, seed, habits_of(seed), root + "/");
  order = wanted;
  Status status;
  for (uint64_t step = 0; step < kSteps && status.ok(); ++step) status = life.step();
  if (status.ok() && life.store() != nullptr) status = life.close();
  const bool came = order.calls >= wanted.at;
  order = {};
  if (!status.ok()) report->fail("refused", name + ", " + life.doing() + ": " + status.message());
  life.abandon();
  const Result<std::shared_ptr<Store>> store =
      Store::open(*Vfs::posix(), clock, root + "/" + kStorePath, false, small_options());
  if (!store.ok()) {
    report->fail("refused", name + ", reopened: " + store.status().message());
  } else {
    note(oracle.judge(**store, true, random), name, report);
  }
  std::filesystem::remove_all(root);
  return came;
}

}  // namespace

void system_faults(const Settings& settings, Report* report) {
  declare_zeros(report);
  const std::string directory = settings.directory.empty() ? std::filesystem::temp_directory_path().string() +
                                                                 "/tsfeat-trials-" + std::to_string(getpid())
                                                           : settings.directory;
  for (uint64_t seed = settings.seed * 1'000; report->of("trials") < settings.trials; ++seed) {
    for (const Trouble trouble : {Trouble::kInterrupted, Trouble::kShort}) {
      for (const uint64_t times : {1, 5}) {
        for (uint64_t at = 1; report->of("trials") < settings.trials; ++at) {
          const std::string name = "seed " + std::to_string(seed) + ", call " + std::to_string(at) + ", " +
                                   (trouble == Trouble::kShort ? "short" : "interrupted") + " x " +
                                   std::to_string(times);
          const bool came = live(directory, seed, {trouble, at, times, 0}, name, report);
          if (!came) break;
          report->count("trials");
        }
      }
    }
  }
  std::filesystem::remove_all(directory);
}

}  // namespace tsfeat::reliability
