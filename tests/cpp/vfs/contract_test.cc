// What vfs.h promises, asked of the POSIX house and of the one in memory alike.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "vfs/fault.h"
#include "vfs/memory.h"
#include "vfs/temporary_directory.h"
#include "vfs/vfs.h"

namespace tsfeat {
namespace {

enum class House { kPosix, kMemory, kFault };

class VfsContract : public testing::TestWithParam<House> {
 protected:
  VfsContract() : memory_(MemoryVfs::create(1)), fault_(FaultVfs::create(memory_.get())) {
    root_ = GetParam() == House::kPosix ? directory_.path() : "/root";
    EXPECT_TRUE(memory_->make_directory("/root").ok());
  }
  Vfs& vfs() {
    if (GetParam() == House::kPosix) return *Vfs::posix();
    if (GetParam() == House::kMemory) return *memory_;
    return *fault_;
  }
  std::string at(const std::string& name) const { return root_ + "/" + name; }
  std::unique_ptr<File> open(const std::string& name, OpenMode mode) {
    Result<std::unique_ptr<File>> file = vfs().open(at(name), mode);
    EXPECT_TRUE(file.ok()) << file.status().message();
    return file.ok() ? std::move(*file) : nullptr;
  }
  void put(const std::string& name, const std::string& content) {
    const auto file = open(name, OpenMode::kCreateOrTruncate);
    EXPECT_TRUE(file->write(0, as_bytes(content)).ok());
  }
  std::string get(const std::string& name) {
    const Result<std::string> content = read_file(vfs(), at(name), 1 << 20);
    EXPECT_TRUE(content.ok()) << content.status().message();
    return content.ok() ? *content : "";
  }
  void expect_error(const Status& status, int number, const std::string& name) {
    EXPECT_EQ(status.code(), Code::kStorage);
    EXPECT_EQ(status.error_number(), number) << status.message();
    EXPECT_NE(status.message().find(at(name)), std::string::npos) << status.message();
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<MemoryVfs> memory_;
  std::unique_ptr<FaultVfs> fault_;
  std::string root_;
};

TEST_P(VfsContract, ReadsWhatWasWritten) {
  const auto file = open("f", OpenMode::kCreate);
  EXPECT_EQ(file->path(), at("f"));
  EXPECT_TRUE(file->write(3, as_bytes("abc")).ok());
  EXPECT_TRUE(file->write(0, as_bytes("xy")).ok());
  EXPECT_EQ(*file->size(), 6u);
  EXPECT_TRUE(file->sync().ok());
  EXPECT_EQ(get("f"), std::string("xy\0abc", 6));
  EXPECT_TRUE(file->truncate(4).ok());
  EXPECT_TRUE(file->truncate(6).ok());
  EXPECT_EQ(get("f"), std::string("xy\0a\0\0", 6));
  EXPECT_TRUE(file->allocate(8).ok());
  EXPECT_TRUE(file->allocate(2).ok());
  EXPECT_TRUE(file->allocate(0).ok());
  EXPECT_EQ(get("f"), std::string("xy\0a\0\0\0\0", 8));
}

TEST_P(VfsContract, AReadBeyondTheEndIsCorruption) {
  put("f", "12345");
  const auto file = open("f", OpenMode::kRead);
  std::vector<uint8_t> room(4);
  EXPECT_TRUE(file->read(1, room).ok());
  for (const uint64_t offset : {uint64_t{2}, uint64_t{5}, uint64_t{100}, UINT64_MAX, uint64_t{INT64_MAX}}) {
    const Status status = file->read(offset, room);
    EXPECT_EQ(status.code(), Code::kCorruption);
    EXPECT_NE(status.message().find(at("f")), std::string::npos);
  }
  EXPECT_TRUE(file->read(100, {}).ok());
}

TEST_P(VfsContract, OpenModesDifferAsTheySay) {
  expect_error(vfs().open(at("f"), OpenMode::kRead).status(), ENOENT, "f");
  expect_error(vfs().open(at("f"), OpenMode::kReadWrite).status(), ENOENT, "f");
  put("f", "old");
  expect_error(vfs().open(at("f"), OpenMode::kCreate).status(), EEXIST, "f");
  EXPECT_TRUE(open("f", OpenMode::kReadWrite)->write(1, as_bytes("L")).ok());
  EXPECT_EQ(get("f"), "oLd");
  EXPECT_EQ(*open("f", OpenMode::kCreateOrTruncate)->size(), 0u);
  expect_error(vfs().open(at(""), OpenMode::kRead).status(), EISDIR, "");
  expect_error(vfs().open(at("no/f"), OpenMode::kCreate).status(), ENOENT, "no/f");
  expect_error(vfs().open(at("f/g"), OpenMode::kCreate).status(), ENOTDIR, "f/g");
  expect_error(vfs().open(at(std::string(256, 'n')), OpenMode::kCreate).status(), ENAMETOOLONG, "nnn");
  EXPECT_EQ(vfs().open(at(std::string("f\0g", 3)), OpenMode::kRead).status().error_number(), EINVAL);
}

TEST_P(VfsContract, AFileOpenedForReadingIsNotWritten) {
  put("f", "old");
  const auto file = open("f", OpenMode::kRead);
  expect_error(file->write(0, as_bytes("new")), EBADF, "f");
  expect_error(file->truncate(0), EBADF, "f");
  expect_error(file->allocate(10), EBADF, "f");
  EXPECT_EQ(get("f"), "old");
}

TEST_P(VfsContract, RefusesImpossibleSizes) {
  const auto file = open("f", OpenMode::kCreate);
  expect_error(file->write(UINT64_MAX - 1, as_bytes("abc")), EFBIG, "f");
  expect_error(file->write(uint64_t{INT64_MAX}, as_bytes("abc")), EFBIG, "f");
  expect_error(file->truncate(UINT64_MAX), EFBIG, "f");
  expect_error(file->allocate(UINT64_MAX), EFBIG, "f");
  EXPECT_EQ(*file->size(), 0u);
}

TEST_P(VfsContract, RenameReplaces) {
  put("a", "1");
  put("b", "2");
  const auto replaced = open("b", OpenMode::kRead);
  EXPECT_TRUE(vfs().rename(at("a"), at("b")).ok());
  EXPECT_FALSE(*vfs().exists(at("a")));
  EXPECT_EQ(get("b"), "1");
  uint8_t byte = 0;
  EXPECT_TRUE(replaced->read(0, {&byte, 1}).ok()) << "an open file outlives its name";
  EXPECT_EQ(byte, '2');
  expect_error(vfs().rename(at("a"), at("b")), ENOENT, "a");
}

TEST_P(VfsContract, RemoveTakesFilesAndEmptyDirectories) {
  put("f", "1");
  EXPECT_TRUE(vfs().make_directory(at("d")).ok());
  put("d/g", "2");
  expect_error(vfs().remove(at("d")), ENOTEMPTY, "d");
  EXPECT_TRUE(vfs().remove(at("d/g")).ok());
  EXPECT_TRUE(vfs().remove(at("d")).ok());
  EXPECT_TRUE(vfs().remove(at("f")).ok());
  expect_error(vfs().remove(at("f")), ENOENT, "f");
  EXPECT_TRUE(vfs().list(at(""))->empty());
}

TEST_P(VfsContract, ALinkIsASecondName) {
  put("a", "1");
  EXPECT_TRUE(vfs().link(at("a"), at("b")).ok());
  expect_error(vfs().link(at("a"), at("b")), EEXIST, "b");
  EXPECT_TRUE(vfs().remove(at("a")).ok());
  EXPECT_EQ(get("b"), "1");
  expect_error(vfs().link(at("a"), at("c")), ENOENT, "a");
}

TEST_P(VfsContract, MakesAndListsDirectories) {
  EXPECT_TRUE(vfs().make_directory(at("d")).ok());
  EXPECT_TRUE(vfs().make_directory(at("d")).ok());
  expect_error(vfs().make_directory(at("x/y")), ENOENT, "x/y");
  put("f", "");
  expect_error(vfs().make_directory(at("f")), EEXIST, "f");
  put("d/b", "");
  put("d/a", "");
  EXPECT_TRUE(vfs().make_directory(at("d/c")).ok());
  EXPECT_EQ(*vfs().list(at("d")), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(vfs().sync_directory(at("d")).ok());
  expect_error(vfs().list(at("x")).status(), ENOENT, "x");
  expect_error(vfs().list(at("f")).status(), ENOTDIR, "f");
  expect_error(vfs().sync_directory(at("x")), ENOENT, "x");
  EXPECT_TRUE(*vfs().exists(at("d")));
  EXPECT_FALSE(*vfs().exists(at("f/x")));
}

TEST_P(VfsContract, APathThroughAFileLeadsNowhere) {
  put("f", "1");
  const std::string nowhere = at("f/x");
  const Status statuses[] = {vfs().open(nowhere, OpenMode::kRead).status(),
                             vfs().open(nowhere, OpenMode::kCreate).status(),
                             vfs().rename(nowhere, at("g")),
                             vfs().rename(at("f"), nowhere),
                             vfs().remove(nowhere),
                             vfs().link(nowhere, at("g")),
                             vfs().link(at("f"), nowhere),
                             vfs().make_directory(nowhere),
                             vfs().sync_directory(nowhere),
                             vfs().list(nowhere).status(),
                             vfs().lock(nowhere).status(),
                             vfs().free_bytes(nowhere).status()};
  for (const Status& status : statuses) expect_error(status, ENOTDIR, "f/x");
  EXPECT_EQ(*vfs().list(at("")), std::vector<std::string>{"f"});
}

TEST_P(VfsContract, ALockHasOneHolder) {
  Result<std::unique_ptr<FileLock>> first = vfs().lock(at("LOCK"));
  ASSERT_TRUE(first.ok()) << first.status().message();
  const Status refused = vfs().lock(at("LOCK")).status();
  EXPECT_EQ(refused.code(), Code::kLocked);
  EXPECT_NE(refused.message().find(std::to_string(getpid())), std::string::npos) << refused.message();
  EXPECT_TRUE(vfs().lock(at("OTHER")).ok());
  first->reset();
  EXPECT_TRUE(vfs().lock(at("LOCK")).ok());
  EXPECT_EQ(get("LOCK"), "") << "nobody is named when nobody holds it";
}

TEST_P(VfsContract, TellsFreeSpace) {
  EXPECT_GT(*vfs().free_bytes(at("")), 0u);
  expect_error(vfs().free_bytes(at("x")).status(), ENOENT, "x");
}

TEST_P(VfsContract, ReadFileRefusesWhatIsTooLarge) {
  put("f", "12345");
  EXPECT_EQ(*read_file(vfs(), at("f"), 5), "12345");
  EXPECT_EQ(read_file(vfs(), at("f"), 4).status().code(), Code::kCorruption);
  expect_error(read_file(vfs(), at("x"), 4).status(), ENOENT, "x");
}

TEST_P(VfsContract, ReplaceFileReplacesAndLeavesNothingElse) {
  EXPECT_TRUE(replace_file(vfs(), at(""), "f", as_bytes("old and long")).ok());
  put("f.tmp", "left by a crash, and longer than the rest");
  EXPECT_TRUE(replace_file(vfs(), at(""), "f", as_bytes("new")).ok());
  EXPECT_EQ(get("f"), "new");
  EXPECT_EQ(*vfs().list(at("")), std::vector<std::string>{"f"});
}

std::string name_of(const testing::TestParamInfo<House>& house) {
  static const char* const kNames[] = {"Posix", "Memory", "Fault"};
  return kNames[static_cast<size_t>(house.param)];
}

INSTANTIATE_TEST_SUITE_P(Houses, VfsContract, testing::Values(House::kPosix, House::kMemory, House::kFault), name_of);

}  // namespace
}  // namespace tsfeat
