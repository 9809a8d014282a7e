#include "vfs/fault.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vfs/memory.h"

namespace tsfeat {
namespace {

// Makes every kind of call once; the statuses, in order.
std::vector<Status> call_everything(Vfs& vfs) {
  std::vector<Status> all;
  all.push_back(vfs.make_directory("/d"));
  auto opened = vfs.open("/d/f", OpenMode::kCreateOrTruncate);
  all.push_back(opened.status());
  if (opened.ok()) {
    File& file = **opened;
    uint8_t byte = 0;
    all.push_back(file.write(0, as_bytes("1234")));
    all.push_back(file.read(0, {&byte, 1}));
    all.push_back(file.allocate(100));
    all.push_back(file.truncate(10));
    all.push_back(file.sync());
    all.push_back(file.size().status());
  }
  all.push_back(vfs.link("/d/f", "/d/g"));
  all.push_back(vfs.rename("/d/g", "/d/h"));
  all.push_back(vfs.sync_directory("/d"));
  all.push_back(vfs.list("/d").status());
  all.push_back(vfs.exists("/d").status());
  all.push_back(vfs.free_bytes("/d").status());
  all.push_back(vfs.lock("/d/LOCK").status());
  all.push_back(vfs.remove("/d/h"));
  return all;
}

constexpr uint64_t kCalls = 16;

TEST(Fault, CountsEveryCall) {
  const auto memory = MemoryVfs::create(1);
  const auto vfs = FaultVfs::create(memory.get());
  for (const Status& status : call_everything(*vfs)) EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(vfs->calls(), kCalls);
}

TEST(Fault, FailsTheCallThatWasNamedOnceOrFromThereOn) {
  for (uint64_t call = 1; call <= kCalls; ++call) {
    for (const bool once : {true, false}) {
      const auto memory = MemoryVfs::create(1);
      const auto vfs = FaultVfs::create(memory.get());
      vfs->fail_after(call, EIO, once);
      const std::vector<Status> all = call_everything(*vfs);
      for (size_t i = 0; i < all.size(); ++i) {
        const uint64_t number = i + 1;
        if (number < call) {
          EXPECT_TRUE(all[i].ok()) << all[i].message();
        }
        if (number == call || (number > call && !once)) {
          EXPECT_EQ(all[i].error_number(), EIO) << call << " " << number;
          EXPECT_NE(all[i].message().find("/d"), std::string::npos);
        }
        if (number > call && once) {
          EXPECT_NE(all[i].error_number(), EIO) << call << " " << number;
        }
      }
    }
  }
}

TEST(Fault, AFailingWriteLeavesAPartAndNothingIsDoneOtherwise) {
  const auto memory = MemoryVfs::create(1);
  const auto vfs = FaultVfs::create(memory.get());
  auto file = vfs->open("/f", OpenMode::kCreate);
  vfs->fail_after(1, ENOSPC, false);
  EXPECT_EQ((*file)->write(0, as_bytes("123456")).code(), Code::kOutOfSpace);
  EXPECT_EQ(memory->files().at("/f"), "123");
  EXPECT_FALSE((*file)->truncate(0).ok());
  EXPECT_FALSE(vfs->rename("/f", "/g").ok());
  EXPECT_FALSE(vfs->remove("/f").ok());
  EXPECT_EQ(memory->files(), (std::map<std::string, std::string>{{"/f", "123"}}));
  vfs->fail_after(0, 0, false);
  EXPECT_TRUE((*file)->truncate(0).ok());
}

// At every call, and then a power loss: the file is the old one or the new one, and what was acknowledged is the new
// one.
TEST(Fault, ReplaceFileIsAtomicAtEveryCall) {
  for (uint64_t call = 1; call <= 8; ++call) {
    for (uint64_t seed = 0; seed < 40; ++seed) {
      const auto memory = MemoryVfs::create(seed);
      ASSERT_TRUE(replace_file(*memory, "/", "f", as_bytes("old")).ok());
      const auto vfs = FaultVfs::create(memory.get());
      vfs->fail_after(call, EIO, seed % 2 == 0);
      const Status status = replace_file(*vfs, "/", "f", as_bytes("new"));
      EXPECT_EQ(status.ok(), call > 5) << call;
      if (!status.ok()) {
        EXPECT_EQ(status.error_number(), EIO);
      }
      const std::string found = memory->power_loss(Survival::kRandom)->files().at("/f");
      EXPECT_TRUE(found == "new" || (found == "old" && !status.ok())) << call << " " << found;
      if (call <= 4) {
        EXPECT_EQ(memory->files().at("/f"), "old");
      }
      if (seed % 2 == 1 || call > 5) continue;
      EXPECT_EQ(memory->files().size(), 1u) << "a failure that passes leaves no temporary file";
    }
  }
}

TEST(Fault, FilesOutliveTheWrapper) {
  const auto memory = MemoryVfs::create(1);
  auto vfs = FaultVfs::create(memory.get());
  auto file = vfs->open("/f", OpenMode::kCreate);
  vfs.reset();
  EXPECT_TRUE((*file)->write(0, as_bytes("1")).ok());
}

}  // namespace
}  // namespace tsfeat
