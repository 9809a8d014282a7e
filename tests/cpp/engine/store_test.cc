// The store's operations: each on a disk in memory, and a whole life on the real file system.

#include "engine/store.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "catalog/manifest.h"
#include "engine/events_table.h"
#include "vfs/memory.h"
#include "vfs/temporary_directory.h"

namespace tsfeat {
namespace {

using namespace engine_testing;

constexpr int64_t kSecond = 1'000'000'000;

struct Opened {
  explicit Opened(Vfs& disk, const StoreOptions& options_ = quiet_options()) : vfs(disk), options(options_) {
    reopen();
  }
  void reopen() {
    table.reset();
    if (store != nullptr) {
      EXPECT_TRUE(store->close().ok());
    }
    Result<std::shared_ptr<Store>> opened = Store::open(vfs, clock, kStorePath, true, options);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    store = *opened;
    if (store->tables()->empty()) {
      table = *store->create_table("t", events_schema(), std::nullopt);
    } else {
      table = *store->table("t");
    }
  }
  Vfs& vfs;
  const StoreOptions options;
  ManualClock clock{1'000 * kSecond};
  std::shared_ptr<Store> store;
  std::shared_ptr<Table> table;
};

Rows rows_of(uint64_t first_item, size_t count) {
  Rows rows;
  for (uint64_t item = first_item; item < first_item + count; ++item) {
    rows.push_back({item % 5, static_cast<int64_t>(item * 31 % 97), item});
  }
  return rows;
}

std::vector<std::string> run_files(const MemoryVfs& disk) {
  std::vector<std::string> runs;
  for (const auto& [name, bytes] : disk.files()) {
    if (name.ends_with(".run")) runs.push_back(name);
  }
  return runs;
}

// Flush, compaction and reopening change no read, at no version.
void live(Vfs& vfs) {
  Opened opened(vfs);
  std::vector<Rows> batches;
  const auto expect_all = [&] {
    for (size_t version = 0; version <= batches.size(); version += 3) {
      const Result<Rows> found = read_all(*opened.table, static_cast<int64_t>(version));
      ASSERT_TRUE(found.ok()) << found.status().message();
      EXPECT_EQ(*found, in_order({batches.begin(), batches.begin() + static_cast<std::ptrdiff_t>(version)}));
    }
    EXPECT_EQ(*read_all(*opened.table), in_order(batches));
    EXPECT_EQ(*opened.table->version(), batches.size());
  };
  for (uint64_t round = 0; round < 30; ++round) {
    batches.push_back(rows_of(1 + round * 100, round * 7 % 40));
    const Result<uint64_t> version = append(*opened.table, batches.back());
    ASSERT_TRUE(version.ok()) << version.status().message();
    EXPECT_EQ(*version, batches.size());
    if (round % 4 == 1) {
      ASSERT_TRUE(opened.store->flush().ok());
    }
    if (round % 11 == 5) {
      ASSERT_TRUE(opened.store->compact(false, {}).ok());
    }
    if (round % 7 == 6) opened.reopen();
    if (round % 5 == 0) expect_all();
  }
  expect_all();
  ASSERT_TRUE(opened.store->compact(true, {}).ok());
  expect_all();
  opened.reopen();
  expect_all();
  EXPECT_TRUE(opened.store->verify({})->problems.empty());
  EXPECT_TRUE(opened.store->stats().ok());
  EXPECT_TRUE(opened.store->close().ok());
  EXPECT_EQ(opened.table->version().status().code(), Code::kClosed);
  EXPECT_EQ(opened.store->flush().code(), Code::kClosed);
}

TEST(Store, ReadsDoNotDependOnHowItIsStored) { live(*MemoryVfs::create(1)); }

TEST(Store, LivesOnTheRealFileSystem) {
  const TemporaryDirectory directory;
  ManualClock clock(kSecond);
  Vfs& vfs = *Vfs::posix();
  const std::string path = directory.path() + "/store";
  const Rows rows = rows_of(1, 200);
  for (int round = 0; round < 2; ++round) {
    auto store = Store::open(vfs, clock, path, true, quiet_options());
    ASSERT_TRUE(store.ok()) << store.status().message();
    EXPECT_EQ(Store::open(vfs, clock, path, true, quiet_options()).status().code(), Code::kLocked);
    if (round == 0) {
      ASSERT_TRUE(append(**(*store)->create_table("t", events_schema(), std::nullopt), rows, true).ok());
    } else {
      EXPECT_EQ(*read_all(**(*store)->table("t")), in_order({rows}));
      EXPECT_TRUE((*store)->verify({})->problems.empty());
      ASSERT_TRUE((*store)->checkpoint(directory.path() + "/copy").ok());
    }
    EXPECT_TRUE((*store)->close().ok());
  }
  auto copy = Store::open(vfs, clock, directory.path() + "/copy", false, quiet_options());
  ASSERT_TRUE(copy.ok()) << copy.status().message();
  EXPECT_EQ(*read_all(**(*copy)->table("t")), in_order({rows}));
}

TEST(Store, ASecondWriterIsRefusedAndHarmsNothing) {
  const auto disk = MemoryVfs::create(1);
  Opened opened(*disk);
  ASSERT_TRUE(append(*opened.table, rows_of(1, 10)).ok());
  const auto before = disk->files();
  EXPECT_EQ(Store::open(*disk, opened.clock, kStorePath, true, quiet_options()).status().code(), Code::kLocked);
  EXPECT_EQ(disk->files(), before);
  ASSERT_TRUE(opened.store->flush().ok());
  opened.reopen();
  EXPECT_EQ(*read_all(*opened.table), in_order({rows_of(1, 10)}));
}

TEST(Store, AStoreThatCannotBeOpenedIsLeftAsItWas) {
  const auto disk = MemoryVfs::create(1);
  {
    Opened opened(*disk);
    ASSERT_TRUE(append(*opened.table, rows_of(1, 10)).ok());
    EXPECT_TRUE(opened.store->close().ok());
  }
  ManualClock clock(0);
  std::string manifest = disk->files().at("/store/MANIFEST");
  manifest[40] ^= 1;
  ASSERT_TRUE(disk->write_file("store/MANIFEST", as_bytes(manifest)).ok());
  const auto before = disk->files();
  EXPECT_EQ(Store::open(*disk, clock, kStorePath, true, quiet_options()).status().code(), Code::kCorruption);
  EXPECT_EQ(Store::open(*disk, clock, kStorePath, false, quiet_options()).status().code(), Code::kCorruption);
  EXPECT_EQ(disk->files(), before);

  ASSERT_TRUE(disk->make_directory("other").ok());
  ASSERT_TRUE(disk->write_file("other/mine", as_bytes("text")).ok());
  const auto with_other = disk->files();
  EXPECT_EQ(Store::open(*disk, clock, "other", true, quiet_options()).status().code(), Code::kNotFound);
  EXPECT_EQ(Store::open(*disk, clock, "other", false, quiet_options()).status().code(), Code::kNotFound);
  EXPECT_EQ(Store::open(*disk, clock, "nothing", false, quiet_options()).status().code(), Code::kNotFound);
  EXPECT_EQ(disk->files(), with_other);
}

// The log's first segment is named by the manifest: it cannot have been cut off while it was created.
TEST(Store, ADamagedOrMissingLogIsReported) {
  const auto disk = MemoryVfs::create(1);
  ManualClock clock(0);
  auto store = *Store::open(*disk, clock, kStorePath, true, quiet_options());
  auto table = *store->create_table("t", events_schema(), std::nullopt);
  ASSERT_TRUE(append(*table, rows_of(1, 10), true).ok());
  const auto crashed = disk->power_loss(Survival::kAll);
  const std::string log = "/store/" + log_name(1);
  const std::string bytes = crashed->files().at(log).substr(0, 4096);
  const auto open_with = [&](const std::string& content) {
    EXPECT_TRUE(crashed->write_file(log, as_bytes(content)).ok());
    return Store::open(*crashed, clock, kStorePath, true, quiet_options()).status().code();
  };
  EXPECT_EQ(open_with(""), Code::kCorruption);
  EXPECT_EQ(open_with(bytes.substr(0, 300)), Code::kCorruption);
  EXPECT_EQ(open_with(std::string(4096, '\0')), Code::kCorruption);
  EXPECT_EQ(open_with(std::string(512, '\0') + bytes.substr(512)), Code::kCorruption);
  ASSERT_TRUE(crashed->remove(log).ok());
  EXPECT_EQ(Store::open(*crashed, clock, kStorePath, true, quiet_options()).status().code(), Code::kCorruption);
  EXPECT_EQ(open_with(bytes), Code::kOk);
}

TEST(Store, VerifyReadsTheLogThatIsBeingWritten) {
  const auto disk = MemoryVfs::create(1);
  const Opened opened(*disk);
  ASSERT_TRUE(append(*opened.table, rows_of(1, 10), true).ok());
  const std::string log = log_name(1);
  const std::string bytes = disk->files().at("/store/" + log);
  const auto problem_with = [&](size_t at) -> std::string {
    std::string changed = bytes;
    changed[at] ^= 1;
    EXPECT_TRUE(disk->write_file("/store/" + log, as_bytes(changed)).ok());
    const Result<VerifyReport> report = opened.store->verify({});
    EXPECT_TRUE(report.ok() && report->problems.size() == 1 && report->problems[0].file == log);
    return report->problems.empty() ? "" : report->problems[0].message;
  };
  const size_t record_end = bytes.find_last_not_of('\0');
  EXPECT_NE(problem_with(record_end).find("offset"), std::string::npos);
  EXPECT_NE(problem_with(bytes.size() - 1).find("bytes behind the last record"), std::string::npos);
  EXPECT_TRUE(disk->write_file("/store/" + log, as_bytes(bytes)).ok());
  EXPECT_TRUE(opened.store->verify({})->problems.empty());
}

TEST(Store, SourcesAreIngestedExactlyOnce) {
  const auto disk = MemoryVfs::create(1);
  Opened opened(*disk);
  EXPECT_EQ(*append(*opened.table, rows_of(1, 3), {}, "s", 5), 1U);
  EXPECT_EQ(*append(*opened.table, rows_of(4, 3), {}, "s", 5), 1U);
  EXPECT_EQ(*append(*opened.table, rows_of(4, 3), {}, "s", 4), 1U);
  EXPECT_EQ(*append(*opened.table, rows_of(4, 3), {}, "other", 4), 2U);
  EXPECT_EQ(*append(*opened.table, {}, {}, "s", 9), 3U);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(*opened.table->position("s"), 9);
    EXPECT_EQ(*opened.table->position("other"), 4);
    EXPECT_EQ(*opened.table->position("unknown"), std::nullopt);
    EXPECT_EQ(*opened.table->version(), 3U);
    opened.reopen();
  }
}

TEST(Store, ErasureIsForEveryVersionAndForTheBytes) {
  const auto disk = MemoryVfs::create(1);
  Opened opened(*disk);
  const Rows rows = {{1, 10, 111'111'111}, {1, 20, 222'222'222}, {2, 10, 333'333'333}};
  ASSERT_TRUE(append(*opened.table, rows).ok());
  PerRow<int64_t> before;
  before.scalar = 20;
  EXPECT_EQ(*opened.table->erase({KeyView::from_uint64(1), KeyView::from_uint64(1), KeyView::from_uint64(7)}, before),
            1U);
  EXPECT_EQ(*read_all(*opened.table, 1), Rows({rows[1], rows[2]}));
  EXPECT_EQ(*opened.table->erase({KeyView::from_uint64(1)}, {}), 1U);
  ASSERT_TRUE(append(*opened.table, {{1, 5, 4}}).ok());
  const Rows left = {{1, 5, 4}, rows[2]};
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(*read_all(*opened.table), left);
    EXPECT_EQ(*last_n(*opened.table, {1}, 10), Rows({left[0]}));
    if (round == 0) {
      ASSERT_TRUE(opened.store->compact(true, {}).ok());
    }
    if (round == 1) opened.reopen();
  }
  for (const auto& [name, bytes] : disk->files()) {
    for (const uint64_t item : {111'111'111U, 222'222'222U}) {
      EXPECT_EQ(bytes.find(std::to_string(item * 7919)), std::string::npos)
          << name << " still has the text of an erased event";
    }
  }
}

TEST(Store, AnAddedColumnReadsAsItsDefault) {
  const auto disk = MemoryVfs::create(1);
  Opened opened(*disk);
  ASSERT_TRUE(append(*opened.table, rows_of(1, 20)).ok());
  ASSERT_TRUE(opened.store->flush().ok());
  ASSERT_TRUE(append(*opened.table, rows_of(21, 20)).ok());
  Column column;
  column.name = "added";
  column.type = Type::kInt64;
  column.default_value = Value{true, "short"};
  EXPECT_EQ(opened.table->add_column(column).code(), Code::kSchema);
  column.default_value = Value{true, std::string("\7\0\0\0\0\0\0\0", 8)};
  ASSERT_TRUE(opened.table->add_column(column).ok());
  EXPECT_EQ(opened.table->add_column(column).code(), Code::kSchema);
  ASSERT_TRUE(append(*opened.table, rows_of(41, 20)).ok());
  const Rows all = in_order({rows_of(1, 20), rows_of(21, 20), rows_of(41, 20)});
  EXPECT_EQ(*read_all(*opened.table), all);
  ASSERT_TRUE(opened.store->compact(false, {}).ok());
  EXPECT_EQ(*read_all(*opened.table), all);
  opened.reopen();
  EXPECT_EQ(*read_all(*opened.table), all);
}

TEST(Store, ADroppedTableIsGoneAndItsNameFree) {
  const auto disk = MemoryVfs::create(1);
  Opened opened(*disk);
  ASSERT_TRUE(append(*opened.table, rows_of(1, 20)).ok());
  ASSERT_TRUE(opened.store->flush().ok());
  ASSERT_TRUE(append(*opened.table, rows_of(21, 20)).ok());
  ASSERT_TRUE(opened.store->drop_table("t").ok());
  EXPECT_TRUE(run_files(*disk).empty());
  EXPECT_EQ(append(*opened.table, rows_of(1, 1)).status().code(), Code::kNotFound);
  EXPECT_EQ(opened.store->drop_table("t").code(), Code::kNotFound);
  EXPECT_EQ(opened.store->create_table("u", Schema{}, std::nullopt).status().code(), Code::kSchema);
  opened.table = *opened.store->create_table("t", events_schema(), std::nullopt);
  EXPECT_EQ(opened.store->create_table("t", events_schema(), std::nullopt).status().code(), Code::kSchema);
  EXPECT_EQ(*opened.table->version(), 0U);
  ASSERT_TRUE(append(*opened.table, rows_of(41, 3)).ok());
  opened.reopen();
  EXPECT_EQ(*read_all(*opened.table), in_order({rows_of(41, 3)}));
}

TEST(Store, LooseningRetentionBringsNothingBack) {
  const auto disk = MemoryVfs::create(1);
  Opened opened(*disk);
  Retention tight;
  tight.max_events = 2;
  ASSERT_TRUE(opened.table->set_retention(tight).ok());
  ASSERT_TRUE(append(*opened.table, {{1, 10, 1}, {1, 20, 2}, {1, 30, 3}}).ok());
  opened.clock.set(2'000 * kSecond);
  EXPECT_EQ(last_n(*opened.table, {1}, 9)->size(), 2U);
  ASSERT_TRUE(opened.table->set_retention(std::nullopt).ok());
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(last_n(*opened.table, {1}, 9)->size(), 2U);
    EXPECT_EQ(last_n(*opened.table, {1}, 9, 25).status().code(), Code::kRetention)
        << "it stands before the old horizon";
    opened.reopen();
  }
}

TEST(Store, ACheckpointIsTheStoreAtThatMoment) {
  const auto disk = MemoryVfs::create(1);
  Opened opened(*disk);
  ASSERT_TRUE(append(*opened.table, rows_of(1, 20)).ok());
  ASSERT_TRUE(opened.store->flush().ok());
  ASSERT_TRUE(append(*opened.table, rows_of(21, 20)).ok());
  ASSERT_TRUE(opened.store->checkpoint("deep/copy").ok());
  EXPECT_EQ(opened.store->checkpoint("deep/copy").error_number(), ENOTEMPTY);
  ASSERT_TRUE(append(*opened.table, rows_of(41, 20)).ok());
  ASSERT_TRUE(opened.store->compact(true, {}).ok());
  const auto crashed = disk->power_loss(Survival::kNone);  // it is durable when it is there
  for (Vfs* vfs : {static_cast<Vfs*>(disk.get()), static_cast<Vfs*>(crashed.get())}) {
    auto copy = Store::open(*vfs, opened.clock, "deep/copy", true, quiet_options());
    ASSERT_TRUE(copy.ok()) << copy.status().message();
    const auto table = *(*copy)->table("t");
    EXPECT_EQ(*read_all(*table), in_order({rows_of(1, 20), rows_of(21, 20)}));
    EXPECT_EQ(*append(*table, rows_of(99, 1)), 3U);
    EXPECT_TRUE((*copy)->verify({})->problems.empty());
  }
}

TEST(Store, ADamagedRunIsReportedAndTheRestGoesOn) {
  const auto disk = MemoryVfs::create(1);
  Opened opened(*disk);
  ASSERT_TRUE(append(*opened.table, rows_of(1, 200)).ok());
  auto healthy = *opened.store->create_table("healthy", events_schema(), std::nullopt);
  ASSERT_TRUE(append(*healthy, rows_of(1, 50)).ok());
  EXPECT_TRUE(opened.store->close().ok());
  ASSERT_EQ(run_files(*disk).size(), 2U);
  const std::string run = run_files(*disk)[0];
  const std::string bytes = disk->files().at(run);
  for (size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 40) {
    std::string damaged = bytes;
    damaged[at] ^= 0x10;
    ASSERT_TRUE(disk->write_file(run, as_bytes(damaged)).ok());
    auto store = Store::open(*disk, opened.clock, kStorePath, true, quiet_options());
    ASSERT_TRUE(store.ok()) << store.status().message();
    const Result<Rows> rows = read_all(**(*store)->table("t"));
    const Result<Rows> others = read_all(**(*store)->table("healthy"));
    EXPECT_FALSE(rows.ok() && others.ok() &&
                 (*rows != in_order({rows_of(1, 200)}) || *others != in_order({rows_of(1, 50)})));
    EXPECT_TRUE(rows.ok() || others.ok());
    for (const Status& status : {rows.status(), others.status()}) {
      EXPECT_TRUE(status.ok() || status.code() == Code::kCorruption) << status.message();
    }
    EXPECT_FALSE((*store)->verify({})->problems.empty()) << "byte " << at;
    EXPECT_TRUE((*store)->close().ok());
  }
}

}  // namespace
}  // namespace tsfeat
