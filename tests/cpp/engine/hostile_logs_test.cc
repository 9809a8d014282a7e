// Logs that contradict each other, the manifest or the schema, in files that are whole byte by byte: no store is opened
// over them, and repair takes what is left.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "engine/events_table.h"
#include "engine/repair.h"
#include "vfs/hooked.h"
#include "vfs/memory.h"
#include "wal/log.h"

namespace tsfeat {
namespace {

using namespace engine_testing;

const ManualClock kLogClock(1'000'000'000);

Rows rows_from(uint64_t item) { return {{1, static_cast<int64_t>(item), item}, {2, static_cast<int64_t>(item), item}}; }

std::string log_path(uint64_t number) { return std::string("/") + kStorePath + "/" + log_name(number); }

class HostileLogs : public testing::Test {
 protected:
  void SetUp() override {
    disk_ = make_disk();
    for (const auto& [name, bytes] : disk_->files()) {
      const std::string file = name.substr(name.rfind('/') + 1);
      if (const auto number = log_number(file)) logs_.push_back(*number);
    }
    ASSERT_EQ(logs_.size(), 3U);
  }
  // Three logs that wait for a flush: twice there was no room for a run.
  static std::unique_ptr<MemoryVfs> make_disk() {
    const auto disk = MemoryVfs::create(1);
    HookedVfs hooks(disk.get());
    const auto store = *Store::open(hooks, kLogClock, kStorePath, true, quiet_options());
    const auto table = *store->create_table("t", events_schema(), {});
    hooks.before_open = [](const std::string& path) {
      return path.ends_with(".run") ? Status::storage(ENOSPC, "no room for " + path) : Status();
    };
    for (uint64_t round = 0; round < 3; ++round) {
      EXPECT_TRUE(append(*table, rows_from(10 * round), true).ok());
      if (round < 2) {
        EXPECT_EQ(store->flush().code(), Code::kOutOfSpace);
      }
    }
    return disk->kill();
  }

  Status open(bool writable) const {
    return Store::open(*disk_, kLogClock, kStorePath, writable, quiet_options()).status();
  }
  // Both kinds of stores refuse, and name the file.
  void expect_refused(uint64_t number, const std::string& message) {
    for (const bool writable : {false, true}) {
      const Status status = open(writable);
      EXPECT_EQ(status.code(), Code::kCorruption) << status.message();
      EXPECT_NE(status.message().find(message), std::string::npos) << status.message() << " is not: " << message;
      EXPECT_NE(status.message().find(log_name(number)), std::string::npos) << status.message();
    }
  }
  // The records of the last log, and one more.
  void add_record(const EncodedRecord& record) {
    const std::string path = log_path(logs_.back());
    const auto desk = MemoryVfs::create(1);
    ASSERT_TRUE(desk->make_directory("desk").ok());
    const auto log = LogWriter::create(*desk, "desk", log_name(logs_.back()), logs_.back(), logs_[1], 4096);
    const auto add = [&](Bytes payload, uint64_t) {
      EncodedRecord copy;
      copy.append(payload);
      return (*log)->append(copy);
    };
    ASSERT_TRUE(log.ok());
    ASSERT_TRUE(replay_log(*disk_, path, logs_.back(), 0, true, add).ok());
    ASSERT_TRUE(add(record.payload(), 0).ok());
    ASSERT_TRUE((*log)->finish().ok());
    ASSERT_TRUE(disk_->write_file(path, as_bytes(desk->files().at("/desk/" + log_name(logs_.back())))).ok());
  }
  RepairReport repaired() const {
    const Result<RepairReport> report = repair(*disk_, kLogClock, kStorePath, "new");
    EXPECT_TRUE(report.ok()) << report.status().message();
    return report.ok() ? *report : RepairReport{};
  }

  void remove_repaired() {
    for (const auto& [name, bytes] : disk_->files()) {
      if (!name.starts_with("/new/")) continue;
      ASSERT_TRUE(disk_->remove(name).ok());
    }
  }

  std::unique_ptr<MemoryVfs> disk_;
  std::vector<uint64_t> logs_;
};

TEST_F(HostileLogs, WholeOnesAreReplayed) {
  ASSERT_TRUE(open(false).ok());
  const auto store = *Store::open(*disk_, kLogClock, kStorePath, true, quiet_options());
  EXPECT_EQ(*read_all(**store->table("t")), in_order({rows_from(0), rows_from(10), rows_from(20)}));
}

TEST_F(HostileLogs, TheFirstIsMissing) {
  ASSERT_TRUE(disk_->remove(log_path(logs_[0])).ok());
  expect_refused(logs_[0], "the log is missing");
  EXPECT_EQ(repaired().events, 4U);
}

TEST_F(HostileLogs, OneBetweenTwoOthersIsMissing) {
  ASSERT_TRUE(disk_->remove(log_path(logs_[1])).ok());
  expect_refused(logs_[2], "the log before it, number " + std::to_string(logs_[1]) + ", is missing");
  const RepairReport report = repaired();
  EXPECT_EQ(report.events, 4U);
  ASSERT_EQ(report.losses.size(), 1U);
  EXPECT_EQ(report.losses[0].file, log_name(logs_[1]));
}

TEST_F(HostileLogs, OneIsLongerThanItsRecords) {
  const std::string path = log_path(logs_[0]);
  ASSERT_TRUE(disk_->write_file(path, as_bytes(disk_->files().at(path) + std::string(64, '\0'))).ok());
  expect_refused(logs_[0], "a log record is damaged");
}

// What a record may say wrong. `events`: that repair still finds, of the six before it and its own.
struct Wrong {
  std::function<void(BatchHeader*, Batch*)> change;
  const char* message;
  uint64_t events;
};

TEST_F(HostileLogs, ARecordThatItsTableCannotHave) {
  Schema schema = events_schema();
  for (Column& column : schema.columns) column.id = schema.next_column_id++;
  const uint32_t item = schema.columns[0].id, category = schema.columns[2].id;
  const RowArrays arrays(rows_from(30), schema);
  const uint32_t codes[] = {0, 0}, unknown[] = {77, 0}, impossible[] = {0, 1u << 20};
  const std::string text = "text";
  const int64_t offsets[] = {0, 2, 4};
  const Wrong wrongs[] = {
      {[&](BatchHeader* header, Batch*) { header->categories = {{item, 0, {"a"}}}; }, "a column that has none", 6},
      {[&](BatchHeader* header, Batch*) { header->categories = {{category, 100, {"a"}}}; }, "leave a gap", 8},
      {[&](BatchHeader*, Batch* batch) { batch->columns[2].fixed = reinterpret_cast<const uint8_t*>(unknown); },
       "an unknown category code", 8},
      {[&](BatchHeader*, Batch* batch) { batch->columns[2].fixed = reinterpret_cast<const uint8_t*>(impossible); },
       "an unknown category code", 6},
  };
  const auto whole = disk_->files();
  for (const Wrong& wrong : wrongs) {
    for (const auto& [name, bytes] : whole) ASSERT_TRUE(disk_->write_file(name, as_bytes(bytes)).ok());
    BatchHeader header{1, 4, 0, "", 0, {}};
    Batch batch;
    batch.rows = 2;
    batch.keys.fixed = reinterpret_cast<const uint8_t*>(arrays.keys.data());
    batch.times = arrays.times.data();
    batch.columns.resize(3);
    batch.columns[0].fixed = reinterpret_cast<const uint8_t*>(arrays.items.data());
    batch.columns[1] = {.offsets = offsets, .data = as_bytes(text).data()};
    batch.columns[2].fixed = reinterpret_cast<const uint8_t*>(codes);
    wrong.change(&header, &batch);
    EncodedRecord record;
    encode_batch(header, schema, batch, &record);
    add_record(record);
    expect_refused(logs_.back(), wrong.message);
    EXPECT_EQ(repaired().events, wrong.events) << wrong.message;
    remove_repaired();
  }
}

TEST_F(HostileLogs, ARecordThatIsNone) {
  const std::pair<std::string, const char*> wrongs[] = {
      {std::string("\x09\x01", 2), "its kind is unknown"},
      {std::string("\x01\xff\xff\xff\xff\x7f", 6), "table id"},
      {std::string("\x02\x01\x05\x01\x01k", 6), "erasure"},
      {std::string("\x01\x01\x05", 3), "head"},
  };
  const auto whole = disk_->files();
  for (const auto& [payload, message] : wrongs) {
    for (const auto& [name, bytes] : whole) ASSERT_TRUE(disk_->write_file(name, as_bytes(bytes)).ok());
    EncodedRecord record;
    record.append(as_bytes(payload));
    add_record(record);
    expect_refused(logs_.back(), message);
    const RepairReport report = repaired();
    EXPECT_EQ(report.events, 6U);
    ASSERT_EQ(report.losses.size(), 1U);
    EXPECT_NE(report.losses[0].message.find(message), std::string::npos) << report.losses[0].message;
    remove_repaired();
  }
}

// A table that was dropped since: its records are passed over.
TEST_F(HostileLogs, ARecordOfNoTable) {
  EncodedRecord record;
  encode_delete({99, 1, {}}, &record);
  add_record(record);
  EXPECT_TRUE(open(false).ok());
  EXPECT_EQ(repaired().events, 6U);
}

}  // namespace
}  // namespace tsfeat
