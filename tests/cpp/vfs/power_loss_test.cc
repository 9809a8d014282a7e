// What a power loss may take, and what it may not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "vfs/memory.h"

namespace tsfeat {
namespace {

using Files = std::map<std::string, std::string>;

std::unique_ptr<File> open(Vfs& vfs, const std::string& path, OpenMode mode = OpenMode::kReadWrite) {
  auto file = vfs.open(path, mode);
  EXPECT_TRUE(file.ok()) << file.status().message();
  return file.ok() ? std::move(*file) : nullptr;
}

void must(const Status& status) { EXPECT_TRUE(status.ok()) << status.message(); }

// A file whose name and content are durable.
std::unique_ptr<File> durable_file(Vfs& vfs, const std::string& path, const std::string& content) {
  auto file = open(vfs, path, OpenMode::kCreate);
  must(file->write(0, as_bytes(content)));
  must(file->sync());
  must(vfs.sync_directory("/"));
  return file;
}

// Every state in which the disk was found after `times` random losses.
std::set<Files> outcomes(MemoryVfs& vfs, int times = 400) {
  std::set<Files> all;
  for (int i = 0; i < times; ++i) all.insert(vfs.power_loss(Survival::kRandom)->files());
  return all;
}

TEST(PowerLoss, NoneKeepsWhatWasSyncedAndAllKeepsAll) {
  const auto vfs = MemoryVfs::create(1);
  const auto file = durable_file(*vfs, "/f", "durable");
  must(file->write(0, as_bytes("pending, and longer")));
  must(open(*vfs, "/g", OpenMode::kCreate)->sync());
  const Files now = {{"/f", "pending, and longer"}, {"/g", ""}};
  EXPECT_EQ(vfs->power_loss(Survival::kNone)->files(), (Files{{"/f", "durable"}}));
  EXPECT_EQ(vfs->power_loss(Survival::kAll)->files(), now);
  EXPECT_EQ(vfs->files(), now) << "the running system does not notice";
}

TEST(PowerLoss, AFileWithoutADurableNameMayVanishThoughItWasSynced) {
  const auto vfs = MemoryVfs::create(2);
  const auto file = open(*vfs, "/f", OpenMode::kCreate);
  must(file->write(0, as_bytes("synced")));
  must(file->sync());
  EXPECT_EQ(outcomes(*vfs), (std::set<Files>{{}, {{"/f", "synced"}}}));
  must(vfs->sync_directory("/"));
  EXPECT_EQ(outcomes(*vfs), (std::set<Files>{{{"/f", "synced"}}}));
}

TEST(PowerLoss, ADurableNameMayHaveNoContent) {
  const auto vfs = MemoryVfs::create(3);
  const auto file = open(*vfs, "/f", OpenMode::kCreate);
  must(file->write(0, as_bytes("data")));
  must(vfs->sync_directory("/"));
  const std::set<Files> all = outcomes(*vfs);
  EXPECT_TRUE(all.contains({{"/f", ""}}));
  EXPECT_TRUE(all.contains({{"/f", "data"}}));
  EXPECT_TRUE(all.contains({{"/f", std::string(4, '\0')}})) << "the size without the data";
  EXPECT_FALSE(all.contains({}));
}

TEST(PowerLoss, ANewDirectoryVanishesWithAllItHolds) {
  const auto vfs = MemoryVfs::create(4);
  must(vfs->make_directory("/d"));
  must(open(*vfs, "/d/f", OpenMode::kCreate)->sync());
  must(vfs->sync_directory("/d"));
  EXPECT_EQ(outcomes(*vfs), (std::set<Files>{{}, {{"/d/f", ""}}}));
  must(vfs->sync_directory("/"));
  EXPECT_EQ(outcomes(*vfs), (std::set<Files>{{{"/d/f", ""}}}));
}

TEST(PowerLoss, ARenameHappensWholeOrNotAtAll) {
  const auto vfs = MemoryVfs::create(5);
  durable_file(*vfs, "/old", "1");
  durable_file(*vfs, "/new", "2");
  must(vfs->make_directory("/d"));
  must(vfs->sync_directory("/"));
  must(vfs->rename("/new", "/old"));
  EXPECT_EQ(outcomes(*vfs), (std::set<Files>{{{"/old", "1"}, {"/new", "2"}}, {{"/old", "2"}}}));
  must(vfs->rename("/old", "/d/old"));
  const std::set<Files> expected = {{{"/old", "1"}, {"/new", "2"}}, {{"/old", "2"}}, {{"/d/old", "2"}}};
  EXPECT_EQ(outcomes(*vfs), expected);
  must(vfs->sync_directory("/d"));
  EXPECT_EQ(outcomes(*vfs), (std::set<Files>{{{"/d/old", "2"}}})) << "with the operations that it rests on";
}

TEST(PowerLoss, ARemovedFileMayComeBack) {
  const auto vfs = MemoryVfs::create(6);
  durable_file(*vfs, "/f", "1");
  must(vfs->remove("/f"));
  EXPECT_EQ(outcomes(*vfs), (std::set<Files>{{}, {{"/f", "1"}}}));
  must(vfs->sync_directory("/"));
  EXPECT_EQ(outcomes(*vfs), (std::set<Files>{{}}));
}

TEST(PowerLoss, NamesSurviveInAnyCombination) {
  const auto vfs = MemoryVfs::create(7);
  for (const char* path : {"/a", "/b", "/c"}) must(open(*vfs, path, OpenMode::kCreate)->sync());
  EXPECT_EQ(outcomes(*vfs).size(), 8u);
}

TEST(PowerLoss, ATruncationMayBeForgottenAndWhatWasCutIsZeroOrOld) {
  const auto vfs = MemoryVfs::create(8);
  const auto file = durable_file(*vfs, "/f", "12345678");
  must(file->truncate(4));
  const std::string cut = std::string("1234\0\0\0\0", 8);
  EXPECT_EQ(outcomes(*vfs), (std::set<Files>{{{"/f", "12345678"}}, {{"/f", "1234"}}, {{"/f", cut}}}));
  must(file->sync());
  must(file->truncate(8));
  EXPECT_EQ(outcomes(*vfs), (std::set<Files>{{{"/f", "1234"}}, {{"/f", cut}}}));
}

TEST(PowerLoss, TearsBetweenBlocksAndNeverInside) {
  const auto vfs = MemoryVfs::create(9);
  const auto file = durable_file(*vfs, "/f", std::string(4 * 512, 'o'));
  must(file->write(100, as_bytes(std::string(1400, 'n'))));
  std::set<std::string> shapes;
  for (const Files& files : outcomes(*vfs)) {
    const std::string& content = files.at("/f");
    ASSERT_EQ(content.size(), 2048u);
    std::string shape;
    for (const size_t at : {size_t{100}, size_t{512}, size_t{1024}}) {
      const size_t end = std::min<size_t>((at / 512 + 1) * 512, 1500);
      shape += content[at];
      EXPECT_EQ(content.substr(at, end - at), std::string(end - at, content[at]));
    }
    EXPECT_EQ(content.substr(0, 100) + content.substr(1500), std::string(100 + 548, 'o')) << "untouched bytes stay";
    shapes.insert(shape);
  }
  EXPECT_EQ(shapes.size(), 8u) << "every combination of three blocks occurs";
}

TEST(PowerLoss, AnEarlierUnsyncedStateOfABlockMayBeTheOneFound) {
  const auto vfs = MemoryVfs::create(10);
  const auto file = durable_file(*vfs, "/f", "0");
  must(file->write(0, as_bytes("1")));
  must(file->write(0, as_bytes("2")));
  EXPECT_EQ(outcomes(*vfs), (std::set<Files>{{{"/f", "0"}}, {{"/f", "1"}}, {{"/f", "2"}}}));
}

TEST(PowerLoss, OnlyNeverDurableRangesHoldGarbage) {
  const auto vfs = MemoryVfs::create(11);
  const auto file = durable_file(*vfs, "/f", std::string(300, 'd'));
  must(file->write(300, as_bytes(std::string(900, 'p'))));
  bool garbage = false;
  for (const Files& files : outcomes(*vfs)) {
    const std::string& content = files.at("/f");
    ASSERT_EQ(content.substr(0, 300), std::string(300, 'd'));
    for (size_t i = 300; i < content.size(); ++i) {
      const bool expected = content[i] == 'p' || content[i] == '\0';
      if (!expected) garbage = true;
      ASSERT_TRUE(expected || i >= 512);
    }
  }
  EXPECT_TRUE(garbage);
}

TEST(PowerLoss, TwoNamesOfOneFileStayOneFileAndDisksAreApart) {
  const auto vfs = MemoryVfs::create(12);
  const auto file = durable_file(*vfs, "/a", "1");
  must(vfs->link("/a", "/b"));
  const auto lock = vfs->lock("/LOCK");
  const auto after = vfs->power_loss(Survival::kAll);
  EXPECT_TRUE(after->lock("/LOCK").ok());
  must(open(*after, "/a")->write(0, as_bytes("2")));
  EXPECT_EQ(after->files().at("/b"), "2");
  EXPECT_EQ(vfs->files().at("/b"), "1");
  must(file->write(0, as_bytes("3")));
  EXPECT_EQ(after->files().at("/a"), "2");
}

TEST(PowerLoss, DamageFromOutsideIsDurable) {
  const auto vfs = MemoryVfs::create(13);
  must(vfs->make_directory("/d"));
  must(vfs->sync_directory("/"));
  const auto file = open(*vfs, "/d/f", OpenMode::kCreate);
  must(file->write(0, as_bytes("pending")));
  must(vfs->write_file("/d/f", as_bytes("damage")));
  must(vfs->write_file("/g", as_bytes("new")));
  EXPECT_EQ(outcomes(*vfs), (std::set<Files>{{{"/d/f", "damage"}, {"/g", "new"}}}));
}

TEST(PowerLoss, ReplaceFileLeavesTheOldOrTheNew) {
  const auto vfs = MemoryVfs::create(14);
  must(replace_file(*vfs, "/", "f", as_bytes("old")));
  for (const Files& files : outcomes(*vfs, 50)) EXPECT_EQ(files, (Files{{"/f", "old"}}));
  must(replace_file(*vfs, "/", "f", as_bytes("new")));
  for (const Files& files : outcomes(*vfs, 50)) EXPECT_EQ(files, (Files{{"/f", "new"}}));
}

TEST(PowerLoss, NewestAndOldestKeepOneWriteOfEachFile) {
  const auto vfs = MemoryVfs::create(15);
  const auto file = durable_file(*vfs, "/f", std::string(3 * 512, 'o'));
  for (const size_t block : {0, 1, 2}) must(file->write(512 * block, as_bytes(std::string(512, 'n'))));
  must(open(*vfs, "/g", OpenMode::kCreate)->sync());
  must(open(*vfs, "/h", OpenMode::kCreate)->sync());
  const Files newest = vfs->power_loss(Survival::kNewest)->files();
  EXPECT_EQ(newest.at("/f"), std::string(1024, 'o') + std::string(512, 'n'));
  EXPECT_TRUE(newest.contains("/h") && !newest.contains("/g"));
  const Files oldest = vfs->power_loss(Survival::kOldest)->files();
  EXPECT_EQ(oldest.at("/f"), std::string(512, 'n') + std::string(1024, 'o'));
  EXPECT_TRUE(oldest.contains("/g") && !oldest.contains("/h"));
}

TEST(PowerLoss, SizesAndNamesSurviveWithoutTheirData) {
  const auto vfs = MemoryVfs::create(16);
  durable_file(*vfs, "/f", "old");
  must(open(*vfs, "/t", OpenMode::kCreate)->write(0, as_bytes("renamed")));
  must(vfs->rename("/t", "/f"));
  EXPECT_EQ(vfs->power_loss(Survival::kSizes)->files(), (Files{{"/f", std::string(7, '\0')}}));
  EXPECT_EQ(vfs->power_loss(Survival::kNames)->files(), (Files{{"/f", ""}}));
}

TEST(PowerLoss, TornCutsTheLastWriteAndGarbageFillsNeverDurableBlocks) {
  const auto vfs = MemoryVfs::create(17);
  const auto file = durable_file(*vfs, "/f", std::string(512, 'd'));
  must(file->write(512, as_bytes(std::string(512, 'a'))));
  must(file->write(1024, as_bytes(std::string(1024, 'b'))));
  std::set<std::string> torn;
  bool garbage = false;
  for (int i = 0; i < 100; ++i) {
    torn.insert(vfs->power_loss(Survival::kTorn)->files().at("/f"));
    const std::string content = vfs->power_loss(Survival::kGarbage)->files().at("/f");
    ASSERT_EQ(content.substr(0, 512), std::string(512, 'd'));
    garbage = garbage || content.substr(512, 512) != std::string(512, 'a');
  }
  EXPECT_TRUE(garbage);
  ASSERT_EQ(torn.size(), 3U) << "none, one or both blocks of the last write";
  for (const std::string& content : torn)
    EXPECT_TRUE(content.starts_with(std::string(512, 'd') + std::string(512, 'a')));
}

TEST(PowerLoss, AFailedSyncIsNotMadeUpForByTheNext) {
  const auto vfs = MemoryVfs::create(18);
  const auto file = durable_file(*vfs, "/f", std::string(1024, 'o'));
  must(file->write(0, as_bytes(std::string(512, 'n'))));
  vfs->fail_sync_after(1);
  EXPECT_EQ(file->sync().error_number(), EIO);
  EXPECT_EQ(vfs->files().at("/f").front(), 'n') << "the running system sees it";
  must(file->sync());
  EXPECT_EQ(vfs->power_loss(Survival::kNone)->files().at("/f"), std::string(1024, 'o'));
  EXPECT_EQ(vfs->power_loss(Survival::kAll)->files().at("/f").front(), 'n') << "or it went to the disk after all";
  must(file->write(0, as_bytes(std::string(512, 'n'))));
  must(file->sync());
  EXPECT_EQ(vfs->power_loss(Survival::kNone)->files().at("/f").front(), 'n') << "unless it is written again";
  vfs->fail_sync_after(1);
  EXPECT_EQ(vfs->sync_directory("/").error_number(), EIO);
  must(vfs->sync_directory("/"));
}

TEST(PowerLoss, AKilledProcessLeavesWhatIsNotDurableAsItIs) {
  const auto vfs = MemoryVfs::create(19);
  const auto file = durable_file(*vfs, "/f", "durable");
  must(file->write(0, as_bytes("pending")));
  must(vfs->make_directory("/d"));
  must(vfs->link("/f", "/d/g"));
  const auto next = vfs->kill();
  EXPECT_EQ(next->files(), (Files{{"/f", "pending"}, {"/d/g", "pending"}}));
  EXPECT_EQ(next->power_loss(Survival::kNone)->files(), (Files{{"/f", "durable"}}));
  EXPECT_EQ(vfs->open_files(), 1U);
  EXPECT_EQ(next->open_files(), 0U);
}

// What a byte of a file may be after a loss: what it durably was, or anything it has been since.
struct Expected {
  std::string durable;
  std::string now;
  std::set<size_t> sizes;
  std::vector<std::set<char>> since;  // by offset

  void record() {
    sizes.insert(now.size());
    since.resize(std::max({since.size(), now.size(), durable.size()}));
    for (size_t i = 0; i < since.size(); ++i) since[i].insert(i < now.size() ? now[i] : '\0');
  }
  void sync() {
    durable = now;
    sizes = {now.size()};
    since.clear();
  }
  void check(const std::string& found) const {
    ASSERT_TRUE(sizes.contains(found.size()));
    for (size_t i = 0; i < found.size(); ++i) {
      const bool was_durable = i < durable.size();
      if (found[i] == (was_durable ? durable[i] : '\0')) continue;
      if (i < since.size() && since[i].contains(found[i])) continue;
      // Else it is garbage: in a written block that was never durable.
      ASSERT_GE(i / 512 * 512, durable.size()) << i;
      ASSERT_LT(i, since.size());
    }
  }
};

TEST(PowerLoss, RandomHistoriesLoseNothingThatWasSynced) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    auto vfs = MemoryVfs::create(seed);
    Expected expected;
    auto file = durable_file(*vfs, "/f", "");
    expected.sync();
    for (int step = 0; step < 60; ++step) {
      const size_t offset = random() % 2000;
      switch (random() % 6) {
        case 0:
        case 1: {  // append
          const std::string data(1 + random() % 700, static_cast<char>('a' + random() % 26));
          must(file->write(expected.now.size(), as_bytes(data)));
          expected.now += data;
          break;
        }
        case 2: {
          const std::string data(1 + random() % 700, static_cast<char>('A' + random() % 26));
          must(file->write(offset, as_bytes(data)));
          if (expected.now.size() < offset + data.size()) expected.now.resize(offset + data.size());
          expected.now.replace(offset, data.size(), data);
          break;
        }
        case 3:
          must(file->truncate(offset));
          expected.now.resize(offset);
          break;
        case 4:
          must(file->sync());
          expected.sync();
          break;
        default:
          break;
      }
      expected.record();
      for (int i = 0; i < 3; ++i) expected.check(vfs->power_loss(Survival::kRandom)->files().at("/f"));
      if (random() % 20 == 0) {  // and on from there
        vfs = vfs->power_loss(Survival::kRandom);
        file = open(*vfs, "/f");
        expected.now = vfs->files().at("/f");
        expected.sync();
      }
      ASSERT_FALSE(HasFailure()) << "seed " << seed << " step " << step;
    }
  }
}

TEST(PowerLoss, TheSameSeedGivesTheSameLosses) {
  const auto run = [](uint64_t seed) {
    const auto vfs = MemoryVfs::create(seed);
    std::vector<Files> all;
    for (int i = 0; i < 20; ++i) {
      const std::string path = "/f" + std::to_string(i);
      must(open(*vfs, path, OpenMode::kCreate)->write(0, as_bytes(std::string(3000, 'x'))));
      all.push_back(vfs->power_loss(Survival::kRandom)->files());
    }
    return all;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

}  // namespace
}  // namespace tsfeat
