// What only the real file system can show: links, pipes, permissions, processes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "vfs/temporary_directory.h"
#include "vfs/vfs.h"

namespace tsfeat {
namespace {

TEST(Posix, DoesNotFollowASymlink) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(Vfs::posix()->open(directory / "real", OpenMode::kCreate).ok());
  ASSERT_EQ(symlink((directory / "real").c_str(), (directory / "link").c_str()), 0);
  ASSERT_EQ(symlink((directory / "nowhere").c_str(), (directory / "dangling").c_str()), 0);
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite, OpenMode::kCreateOrTruncate}) {
    EXPECT_EQ(Vfs::posix()->open(directory / "link", mode).status().error_number(), ELOOP);
    EXPECT_EQ(Vfs::posix()->open(directory / "dangling", mode).status().error_number(), ELOOP);
  }
  EXPECT_EQ(Vfs::posix()->lock(directory / "link").status().error_number(), ELOOP);
  EXPECT_TRUE(*Vfs::posix()->exists(directory / "dangling"));
  EXPECT_FALSE(*Vfs::posix()->exists(directory / "nowhere"));
}

TEST(Posix, APipeNeitherHangsNorOpens) {
  const TemporaryDirectory directory;
  ASSERT_EQ(mkfifo((directory / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(Vfs::posix()->open(directory / "pipe", OpenMode::kRead).status().error_number(), EINVAL);
  EXPECT_EQ(Vfs::posix()->open(directory / "pipe", OpenMode::kReadWrite).status().error_number(), EINVAL);
}

TEST(Posix, PermissionsFollowTheUmask) {
  const TemporaryDirectory directory;
  const mode_t before = umask(027);
  ASSERT_TRUE(Vfs::posix()->open(directory / "f", OpenMode::kCreate).ok());
  ASSERT_TRUE(Vfs::posix()->make_directory(directory / "d").ok());
  umask(before);
  struct stat about{};
  ASSERT_EQ(stat((directory / "f").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0640u);
  ASSERT_EQ(stat((directory / "d").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0750u);
}

TEST(Posix, DescriptorsAreClosedAndNotInherited) {
  const TemporaryDirectory directory;
  const int probe = open(directory.path().c_str(), O_RDONLY);
  close(probe);  // the lowest free number, which the next opening gets
  {
    const auto file = Vfs::posix()->open(directory / "f", OpenMode::kCreate);
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(fcntl(probe, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  }
  EXPECT_TRUE(Vfs::posix()->lock(directory / "LOCK").ok());
  EXPECT_FALSE(Vfs::posix()->open(directory / "missing", OpenMode::kRead).ok());
  EXPECT_TRUE(Vfs::posix()->list(directory.path()).ok());
  EXPECT_TRUE(Vfs::posix()->sync_directory(directory.path()).ok());
  const int again = open(directory.path().c_str(), O_RDONLY);
  EXPECT_EQ(again, probe);
  close(again);
}

TEST(Posix, ALinkToAnotherFileSystemIsACopy) {
  const TemporaryDirectory directory;
  std::string elsewhere = "/dev/shm/tsfeat-vfs-XXXXXX";
  if (mkdtemp(elsewhere.data()) == nullptr) GTEST_SKIP() << "no second file system";
  const std::string content(3'000'000, 'x');  // some steps long
  ASSERT_TRUE(replace_file(*Vfs::posix(), directory.path(), "f", as_bytes(content)).ok());
  const std::string copy = elsewhere + "/f";
  EXPECT_TRUE(Vfs::posix()->link(directory / "f", copy).ok());
  EXPECT_TRUE(*read_file(*Vfs::posix(), copy, content.size()) == content);
  EXPECT_EQ(Vfs::posix()->link(directory / "f", copy).error_number(), EEXIST);
  EXPECT_TRUE(Vfs::posix()->remove(copy).ok());
  EXPECT_TRUE(Vfs::posix()->remove(elsewhere).ok());
}

int wait_for(pid_t child) {
  int how = -1;
  waitpid(child, &how, 0);
  return WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

// The system would stop at the byte, and do it to another file.
TEST(Posix, APathWithAZeroByteIsRefused) {
  const TemporaryDirectory directory;
  const std::string good = directory / "f";
  const std::string bad = good + std::string("\0g", 2);
  Vfs& vfs = *Vfs::posix();
  ASSERT_TRUE(vfs.open(good, OpenMode::kCreate).ok());
  const Status statuses[] = {vfs.open(bad, OpenMode::kRead).status(),
                             vfs.rename(good, bad),
                             vfs.rename(bad, good),
                             vfs.remove(bad),
                             vfs.link(good, bad),
                             vfs.link(bad, good),
                             vfs.make_directory(bad),
                             vfs.sync_directory(bad),
                             vfs.list(bad).status(),
                             vfs.exists(bad).status(),
                             vfs.lock(bad).status(),
                             vfs.free_bytes(bad).status()};
  for (const Status& status : statuses) EXPECT_EQ(status.error_number(), EINVAL) << status.message();
  EXPECT_EQ(*vfs.list(directory.path()), std::vector<std::string>{"f"});
}

TEST(PosixLock, NamesTheProcessThatHoldsItAndDiesWithIt) {
  const TemporaryDirectory directory;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = Vfs::posix()->lock(directory / "LOCK");
    if (write(ready[1], "x", 1) != 1) _exit(1);
    pause();
    _exit(lock.ok() ? 0 : 1);
  }
  char letter = 0;
  ASSERT_EQ(read(ready[0], &letter, 1), 1);
  const Status refused = Vfs::posix()->lock(directory / "LOCK").status();
  EXPECT_EQ(refused.code(), Code::kLocked);
  const std::string holder = "by process " + std::to_string(child) + ";";
  EXPECT_NE(refused.message().find(holder), std::string::npos) << refused.message();
  kill(child, SIGKILL);
  wait_for(child);
  EXPECT_TRUE(Vfs::posix()->lock(directory / "LOCK").ok());
  close(ready[0]);
  close(ready[1]);
}

TEST(PosixLock, AForkedChildNeitherHoldsNorGivesBack) {
  const TemporaryDirectory directory;
  auto lock = Vfs::posix()->lock(directory / "LOCK");
  ASSERT_TRUE(lock.ok());
  const pid_t first = fork();
  if (first == 0) {
    lock->reset();  // as when the child destroys what it got
    _exit(Vfs::posix()->lock(directory / "LOCK").status().code() == Code::kLocked ? 0 : 1);
  }
  EXPECT_EQ(wait_for(first), 0);
  EXPECT_EQ(Vfs::posix()->lock(directory / "LOCK").status().code(), Code::kLocked);

  int stop[2];
  ASSERT_EQ(pipe(stop), 0);
  const pid_t second = fork();
  if (second == 0) {
    close(stop[1]);
    char letter = 0;
    _exit(read(stop[0], &letter, 1) == 0 ? 0 : 1);  // lives until the parent says so
  }
  lock->reset();
  EXPECT_TRUE(Vfs::posix()->lock(directory / "LOCK").ok()) << "the living child holds it";
  close(stop[1]);
  close(stop[0]);
  EXPECT_EQ(wait_for(second), 0);
}

TEST(PosixLock, SurvivesNonsenseInTheLockFile) {
  const TemporaryDirectory directory;
  auto lock = Vfs::posix()->lock(directory / "LOCK");
  ASSERT_TRUE(lock.ok());
  for (const char* nonsense : {"", "words", "\n", "9999999999999999999999999999999999999999999999"}) {
    auto file = Vfs::posix()->open(directory / "LOCK", OpenMode::kCreateOrTruncate);
    ASSERT_TRUE((*file)->write(0, as_bytes(nonsense)).ok());
    EXPECT_EQ(Vfs::posix()->lock(directory / "LOCK").status().code(), Code::kLocked);
  }
}

}  // namespace
}  // namespace tsfeat
