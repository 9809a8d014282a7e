// A read-only store beside a writer that gets in between its calls, at the worst moments, on order.

#include <gtest/gtest.h>

#include <functional>

#include "engine/events_table.h"
#include "vfs/memory.h"

namespace tsfeat {
namespace {

using namespace engine_testing;

using SizeHook = std::function<uint64_t(const std::string& path, uint64_t size)>;

// What the reader is told of a file's size passes through the hook, which may let the writer work in the meantime.
class HookedFile final : public File {
 public:
  HookedFile(std::unique_ptr<File> file, const SizeHook& hook) : file_(std::move(file)), hook_(hook) {}
  Status read(uint64_t offset, std::span<uint8_t> out) const override { return file_->read(offset, out); }
  Status write(uint64_t offset, Bytes data) override { return file_->write(offset, data); }
  Status sync() override { return file_->sync(); }
  Status allocate(uint64_t bytes) override { return file_->allocate(bytes); }
  Status truncate(uint64_t bytes) override { return file_->truncate(bytes); }
  Result<uint64_t> size() const override {
    TSFEAT_ASSIGN(const uint64_t size, file_->size());
    return hook_(file_->path(), size);
  }
  const std::string& path() const override { return file_->path(); }

 private:
  std::unique_ptr<File> file_;
  const SizeHook& hook_;
};

class HookedVfs final : public Vfs {
 public:
  HookedVfs(Vfs& vfs, SizeHook hook) : vfs_(vfs), hook_(std::move(hook)) {}
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    TSFEAT_ASSIGN(std::unique_ptr<File> file, vfs_.open(path, mode));
    return std::unique_ptr<File>(std::make_unique<HookedFile>(std::move(file), hook_));
  }
  Status rename(const std::string& from, const std::string& to) override { return vfs_.rename(from, to); }
  Status remove(const std::string& path) override { return vfs_.remove(path); }
  Status link(const std::string& from, const std::string& to) override { return vfs_.link(from, to); }
  Status make_directory(const std::string& path) override { return vfs_.make_directory(path); }
  Status sync_directory(const std::string& path) override { return vfs_.sync_directory(path); }
  Result<std::vector<std::string>> list(const std::string& directory) override { return vfs_.list(directory); }
  Result<bool> exists(const std::string& path) override { return vfs_.exists(path); }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override { return vfs_.lock(path); }
  Result<uint64_t> free_bytes(const std::string& path) override { return vfs_.free_bytes(path); }

 private:
  Vfs& vfs_;
  const SizeHook hook_;
};

bool is_log(const std::string& path) { return path.ends_with(".log"); }

struct Follow : testing::Test {
  void open_reader(SizeHook hook) {
    hooked = std::make_unique<HookedVfs>(*disk, std::move(hook));
    reader = *Store::open(*hooked, clock, kStorePath, false, quiet_options());
  }
  void append_one() { ASSERT_TRUE(append(*table, {{1, appended, static_cast<uint64_t>(appended++)}}).ok()); }

  std::unique_ptr<MemoryVfs> disk = MemoryVfs::create(1);
  ManualClock clock{1'000'000'000};
  std::shared_ptr<Store> writer = *Store::open(*disk, clock, kStorePath, true, quiet_options());
  std::shared_ptr<Table> table = *writer->create_table("t", events_schema(), std::nullopt);
  int64_t appended = 0;
  std::unique_ptr<HookedVfs> hooked;
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

}  // namespace
}  // namespace tsfeat
