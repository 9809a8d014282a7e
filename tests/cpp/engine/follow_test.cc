// A read-only store beside a writer that gets in between its calls, at the worst moments, on order.

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "engine/events_table.h"
#include "vfs/hooked.h"
#include "vfs/memory.h"

namespace tsfeat {
namespace {

using namespace engine_testing;

using SizeHook = std::function<uint64_t(const std::string& path, uint64_t size)>;

bool is_log(const std::string& path) { return path.ends_with(".log"); }

struct Follow : testing::Test {
  void open_reader(SizeHook hook) {
    hooked->after_size = std::move(hook);
    reader = *Store::open(*hooked, clock, kStorePath, false, quiet_options());
  }
  void append_one() { ASSERT_TRUE(append(*table, {{1, appended, static_cast<uint64_t>(appended++)}}).ok()); }

  std::unique_ptr<MemoryVfs> disk = MemoryVfs::create(1);
  ManualClock clock{1'000'000'000};
  std::shared_ptr<Store> writer = *Store::open(*disk, clock, kStorePath, true, quiet_options());
  std::shared_ptr<Table> table = *writer->create_table("t", events_schema(), std::nullopt);
  int64_t appended = 0;
  const std::unique_ptr<HookedVfs> hooked = std::make_unique<HookedVfs>(disk.get());
  std::shared_ptr<Store> reader;
};

TEST_F(Follow, ALogThatIsCutWhileItIsReadIsNotTakenForDamage) {
  int races = 0;
  open_reader([&](const std::string& path, uint64_t size) {
    if (!is_log(path) || races == 0) return size;
    if (--races > 0) {
      append_one();
      EXPECT_TRUE(writer->flush().ok());  // ends this log: the file is shorter now, or gone
      return size;
    }
    return size + 4096;  // as seen just before the reserve was cut off, with the flush still under way
  });
  for (const int times : {1, 2, 3, 4, 5, 10}) {
    append_one();
    races = times;
    const Status status = reader->refresh();
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(races, 0);
    EXPECT_EQ(read_all(**reader->table("t"))->size(), static_cast<size_t>(appended));
  }
}

TEST_F(Follow, DamageThatStaysIsReported) {
  append_one();
  bool damaged = false;
  open_reader([&](const std::string& path, uint64_t size) { return size + (damaged && is_log(path) ? 4096 : 0); });
  damaged = true;
  EXPECT_EQ(reader->refresh().code(), Code::kCorruption);
  damaged = false;
  EXPECT_TRUE(reader->refresh().ok());
}

TEST_F(Follow, AStoreThatChangesWithEachLook) {
  append_one();
  open_reader({});
  uint64_t looks = 0;
  hooked->before_open = [&](const std::string& path) {
    const bool looks_again = path.ends_with("MANIFEST");
    return looks_again ? writer->create_view("view", *table, std::to_string(++looks)).status() : Status();
  };
  const Status status = reader->refresh();
  EXPECT_EQ(status.code(), Code::kStorage);
  EXPECT_EQ(status.error_number(), EBUSY) << status.message();
  hooked->before_open = {};
  append_one();
  EXPECT_TRUE(reader->refresh().ok());
  EXPECT_EQ(read_all(**reader->table("t"))->size(), 2U);
  EXPECT_EQ(reader->views()->size(), looks);
}

}  // namespace
}  // namespace tsfeat
