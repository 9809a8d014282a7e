// What the system itself refuses, of files that it makes up: errors that no ordinary file gives.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>

#include "vfs/temporary_directory.h"
#include "vfs/vfs.h"

namespace tsfeat {
namespace {

TEST(PosixErrors, AReadThatFails) {
  const auto file = Vfs::posix()->open("/proc/self/mem", OpenMode::kRead);
  if (!file.ok()) GTEST_SKIP() << file.status().message();
  uint8_t bytes[8];
  const Status status = (*file)->read(0, bytes);  // no memory is mapped there
  EXPECT_EQ(status.code(), Code::kStorage);
  EXPECT_EQ(status.error_number(), EIO) << status.message();
}

TEST(PosixErrors, AFileThatCannotBeSyncedNorReserved) {
  const auto file = Vfs::posix()->open("/proc/self/comm", OpenMode::kReadWrite);
  if (!file.ok()) GTEST_SKIP() << file.status().message();
  EXPECT_EQ((*file)->sync().error_number(), EINVAL);
  EXPECT_TRUE((*file)->allocate(100).ok()) << "space is reserved only where that is known";
  EXPECT_EQ((*file)->write(0, as_bytes("")).code(), Code::kOk);
}

TEST(PosixErrors, AFileThatMayNotGrow) {
  const TemporaryDirectory directory;
  const auto file = Vfs::posix()->open(directory.path() + "/file", OpenMode::kCreate);
  ASSERT_TRUE(file.ok()) << file.status().message();
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_EQ((*file)->allocate(8192).error_number(), EFBIG);
  EXPECT_EQ((*file)->truncate(8192).error_number(), EFBIG);
  EXPECT_TRUE((*file)->truncate(4096).ok());
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, ignored);
}

TEST(PosixErrors, AHintThatCannotBeFollowedIsNoError) {
  const TemporaryDirectory directory;
  const auto file = Vfs::posix()->open(directory.path() + "/file", OpenMode::kCreate);
  ASSERT_TRUE(file.ok()) << file.status().message();
  ASSERT_TRUE((*file)->write(0, as_bytes("some bytes")).ok());
  (*file)->sync_ahead(0, 10);
  (*file)->sync_ahead(uint64_t{1} << 63, 10);
  EXPECT_TRUE((*file)->sync().ok());
}

TEST(PosixErrors, ADirectoryThatHasNothingToSync) {
  const auto there = Vfs::posix()->exists("/proc/self");
  if (!there.ok() || !*there) GTEST_SKIP() << "no /proc";
  EXPECT_TRUE(Vfs::posix()->sync_directory("/proc").ok());
}

TEST(PosixErrors, ANameThatIsTooLong) {
  const std::string name = "/tmp/" + std::string(1'000, 'n');
  EXPECT_EQ(Vfs::posix()->exists(name).status().error_number(), ENAMETOOLONG);
  EXPECT_EQ(Vfs::posix()->make_directory(name).error_number(), ENAMETOOLONG);
  EXPECT_EQ(Vfs::posix()->list(name).status().error_number(), ENAMETOOLONG);
}

}  // namespace
}  // namespace tsfeat
