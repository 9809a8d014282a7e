// Paths that the disk in memory refuses: they can only be mistakes of the engine's tests.
#include <gtest/gtest.h>

#include <cerrno>

#include "vfs/memory.h"

namespace tsfeat {
namespace {

TEST(MemoryPaths, AreRefusedWithTheErrorOfASystem) {
  const auto disk = MemoryVfs::create(1);
  ASSERT_TRUE(disk->make_directory("a").ok() && disk->make_directory("a/b").ok() && disk->make_directory("a/b/c").ok());
  ASSERT_TRUE(disk->write_file("a/file", as_bytes("content")).ok());
  const auto files = disk->files();
  const std::pair<Status, int> refused[] = {
      {disk->open("", OpenMode::kRead).status(), ENOENT},
      {disk->open("a/../file", OpenMode::kRead).status(), EINVAL},
      {disk->exists("..").status(), EINVAL},
      {disk->remove("/"), EBUSY},
      {disk->rename("/", "elsewhere"), EBUSY},
      {disk->rename("a", "/"), EBUSY},
      {disk->rename("a", "a/b/c/d"), EINVAL},
      {disk->write_file("nowhere/file", as_bytes("content")), ENOENT},
      {disk->write_file("a/b", as_bytes("content")), EISDIR},
  };
  for (const auto& [status, error_number] : refused) EXPECT_EQ(status.error_number(), error_number) << status.message();
  EXPECT_EQ(disk->files(), files);
  EXPECT_FALSE(*disk->exists("a/file/below")) << "a file holds nothing";
}

TEST(MemoryPaths, ASyncThatWasToFailNeedNot) {
  const auto disk = MemoryVfs::create(1);
  const auto file = disk->open("file", OpenMode::kCreate);
  ASSERT_TRUE(file.ok());
  disk->fail_sync_after(1);
  disk->fail_sync_after(0);
  EXPECT_TRUE((*file)->sync().ok());
}

}  // namespace
}  // namespace tsfeat
