#include "wal/log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <random>
#include <thread>

#include "base/crc32c.h"
#include "vfs/fault.h"
#include "vfs/memory.h"
#include "wal/log_format.h"

namespace tsfeat {
namespace {

constexpr const char* kPath = "d/000000000003.log";
constexpr uint64_t kNumber = 3;

std::unique_ptr<MemoryVfs> make_disk(uint64_t seed = 1) {
  auto disk = MemoryVfs::create(seed);
  EXPECT_TRUE(disk->make_directory("d").ok());
  EXPECT_TRUE(disk->sync_directory("/").ok());
  return disk;
}

Result<std::unique_ptr<LogWriter>> make_log(Vfs& vfs, uint64_t previous = 0) {
  return LogWriter::create(vfs, "d", "000000000003.log", kNumber, previous, uint64_t{8} << 20);
}

std::string payload_of(uint64_t i) {
  return std::string(i * 7 % 61, static_cast<char>('a' + i % 26)) + std::to_string(i);
}

Status append(LogWriter& log, const std::string& payload) {
  EncodedRecord record;
  record.append(as_bytes(payload));
  return log.append(record);
}

struct Replayed {
  Result<ReplayResult> result;
  std::vector<std::string> payloads;
};

Replayed replay(Vfs& vfs, bool last = true, uint64_t from = 0, uint64_t number = kNumber) {
  std::vector<std::string> payloads;
  Result<ReplayResult> result = replay_log(vfs, kPath, number, from, last, [&](Bytes record, uint64_t) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(record.data()) % 8, 0U);
    payloads.emplace_back(reinterpret_cast<const char*>(record.data()), record.size());
    return Status{};
  });
  return {std::move(result), std::move(payloads)};
}

void expect_prefix(const std::vector<std::string>& payloads) {
  for (size_t i = 0; i < payloads.size(); ++i) ASSERT_EQ(payloads[i], payload_of(i));
}

TEST(Log, GivesBackWhatWasAppended) {
  const auto disk = make_disk();
  auto log = make_log(*disk, 2);
  ASSERT_TRUE(log.ok());
  std::vector<uint64_t> ends;
  for (uint64_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(append(**log, payload_of(i)).ok());
    ends.push_back((*log)->size());
  }
  Replayed all = replay(*disk);
  ASSERT_TRUE(all.result.ok()) << all.result.status().message();
  EXPECT_EQ(all.payloads.size(), 50U);
  expect_prefix(all.payloads);
  EXPECT_EQ(all.result->previous, 2U);
  EXPECT_EQ(all.result->records, 50U);
  EXPECT_EQ(all.result->valid_bytes, (*log)->size());
  EXPECT_FALSE(all.result->torn);
  Replayed rest = replay(*disk, true, ends[19]);
  ASSERT_TRUE(rest.result.ok());
  EXPECT_EQ(rest.payloads.size(), 30U);
  EXPECT_EQ(rest.payloads.front(), payload_of(20));

  EXPECT_EQ(replay(*disk, false).result.status().code(), Code::kCorruption) << "it is not finished";
  ASSERT_TRUE((*log)->finish().ok());
  EXPECT_EQ((*log)->durable_bytes(), (*log)->size());
  EXPECT_EQ(disk->files().at("/d/000000000003.log").size(), (*log)->size());
  EXPECT_EQ(replay(*disk, false).payloads.size(), 50U);
}

TEST(Log, AnErrorOfTheVisitorEndsTheReplay) {
  const auto disk = make_disk();
  auto log = make_log(*disk);
  ASSERT_TRUE(append(**log, "x").ok());
  const auto with = [&](const Status& status) {
    return replay_log(*disk, kPath, kNumber, 0, true, [&](Bytes, uint64_t) { return status; }).status();
  };
  EXPECT_EQ(with(Status::schema("no")).code(), Code::kSchema);
  EXPECT_NE(with(Status::corruption("bad")).message().find("offset 512: bad"), std::string::npos);
}

TEST(Log, ASegmentThatExistsIsNotOverwritten) {
  const auto disk = make_disk();
  ASSERT_TRUE(make_log(*disk).ok());
  EXPECT_EQ(make_log(*disk).status().error_number(), EEXIST);
}

// The bytes of a log with `synced` records that are durable and `unsynced` ones behind, without most of the
// preallocated zeros.
std::string small_log(uint64_t synced, uint64_t unsynced, uint64_t* durable) {
  const auto disk = make_disk();
  auto log = make_log(*disk);
  for (uint64_t i = 0; i < synced + unsynced; ++i) {
    EXPECT_TRUE(append(**log, payload_of(i)).ok());
    if (i + 1 == synced) {
      EXPECT_TRUE((*log)->sync((*log)->size()).ok());
      *durable = (*log)->size();
    }
  }
  return disk->files().at("/d/000000000003.log").substr(0, (*log)->size() + 200);
}

TEST(Log, ACutIsATornTailOrDamage) {
  uint64_t durable = 0;
  const std::string bytes = small_log(6, 6, &durable);
  const auto disk = make_disk();
  for (size_t size = 0; size <= bytes.size(); ++size) {
    ASSERT_TRUE(disk->write_file(kPath, as_bytes(bytes).first(size)).ok());
    const Replayed found = replay(*disk);
    expect_prefix(found.payloads);
    if (size >= durable) {
      ASSERT_TRUE(found.result.ok()) << found.result.status().message();
      EXPECT_GE(found.payloads.size(), 6U);
      ASSERT_TRUE(make_log_durable(*disk, kPath, found.result->valid_bytes).ok());
      const Replayed again = replay(*disk, false);
      EXPECT_TRUE(again.result.ok()) << "whole once it was truncated";
      EXPECT_EQ(again.payloads, found.payloads);
    } else if (size >= log_format::kHeaderBytes) {
      EXPECT_EQ(found.result.status().code(), Code::kCorruption);
    } else {  // only its place in the store tells whether there must be more
      ASSERT_TRUE(found.result.ok());
      EXPECT_EQ(found.result->valid_bytes, 0U);
    }
    if (size < log_format::kHeaderBytes) {
      EXPECT_EQ(replay(*disk, false).result.status().code(), Code::kCorruption);
    }
  }
}

TEST(Log, EveryFlippedBitIsReportedOrInTheUnsyncedTail) {
  uint64_t durable = 0;
  const std::string bytes = small_log(4, 3, &durable);
  const auto disk = make_disk();
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    ASSERT_TRUE(disk->write_file(kPath, as_bytes(flipped)).ok());
    const Replayed found = replay(*disk);
    expect_prefix(found.payloads);
    const size_t byte = bit / 8;
    const bool in_seal = byte >= log_format::kSealAt && byte < log_format::kHeaderBytes;
    if (byte < durable && !in_seal) {
      EXPECT_EQ(found.result.status().code(), Code::kCorruption) << "byte " << bit / 8;
    } else {  // half a seal is what a failed write leaves: the other one holds, and nothing is lost
      ASSERT_TRUE(found.result.ok());
      EXPECT_GE(found.payloads.size(), in_seal ? 7U : 4U);
      EXPECT_TRUE(found.result->torn);
    }
  }
}

// The seal may be the old one (it is written behind the sync): then later records tell what was durable.
TEST(Log, DamageIsToldFromATornTailByWhatWasWrittenLater) {
  const auto disk = make_disk();
  auto log = make_log(*disk);
  const std::string fresh = disk->files().at("/d/000000000003.log").substr(0, 512);
  ASSERT_TRUE(append(**log, payload_of(0)).ok());
  ASSERT_TRUE(append(**log, payload_of(1)).ok());
  ASSERT_TRUE((*log)->sync((*log)->size()).ok());
  ASSERT_TRUE(append(**log, payload_of(2)).ok());
  std::string bytes = disk->files().at("/d/000000000003.log").substr(0, (*log)->size() + 64);
  bytes.replace(0, 512, fresh);
  ASSERT_TRUE(disk->write_file(kPath, as_bytes(bytes)).ok());
  EXPECT_EQ(replay(*disk).payloads.size(), 3U);
  bytes[512 + 30] ^= 1;
  ASSERT_TRUE(disk->write_file(kPath, as_bytes(bytes)).ok());
  EXPECT_EQ(replay(*disk).result.status().code(), Code::kCorruption);
}

TEST(Log, ADamagedHeaderHidesNoRecords) {
  uint64_t durable = 0;
  const std::string bytes = small_log(2, 0, &durable);
  const auto disk = make_disk();
  for (const size_t zeroed : {size_t{8}, size_t{256}, size_t{512}}) {
    const std::string damaged = std::string(zeroed, '\0') + bytes.substr(zeroed);
    ASSERT_TRUE(disk->write_file(kPath, as_bytes(damaged)).ok());
    EXPECT_EQ(replay(*disk).result.status().code(), Code::kCorruption);
  }
  // Without records it may have been cut off while it was created.
  for (const std::string& content :
       {std::string(4096, '\0'), bytes.substr(0, 256) + std::string(4096, '\0'), std::string(700, '\x5a')}) {
    ASSERT_TRUE(disk->write_file(kPath, as_bytes(content)).ok());
    const Replayed found = replay(*disk);
    ASSERT_TRUE(found.result.ok()) << found.result.status().message();
    EXPECT_EQ(found.result->valid_bytes, 0U);
    EXPECT_EQ(replay(*disk, false).result.status().code(), Code::kCorruption);
  }
}

TEST(Log, AnotherSegmentsBytesAreNotTakenForThisOne) {
  uint64_t durable = 0;
  const std::string bytes = small_log(2, 0, &durable);
  const auto disk = make_disk();
  ASSERT_TRUE(disk->write_file(kPath, as_bytes(bytes)).ok());
  EXPECT_TRUE(replay(*disk, true, 0, 4).payloads.empty());
  EXPECT_EQ(replay(*disk, false, 0, 4).result.status().code(), Code::kCorruption);
}

TEST(Log, ANewerFormatIsRefused) {
  uint64_t durable = 0;
  std::string bytes = small_log(1, 0, &durable);
  store(bytes.data() + 8, log_format::kVersion + 1);
  store(bytes.data() + log_format::kHeaderCrcAt, crc32c(as_bytes(bytes).first(log_format::kHeaderCrcAt)));
  const auto disk = make_disk();
  ASSERT_TRUE(disk->write_file(kPath, as_bytes(bytes)).ok());
  const Status status = replay(*disk).result.status();
  EXPECT_EQ(status.code(), Code::kStorage);
  EXPECT_NE(status.message().find("newer tsfeat"), std::string::npos);
}

// Records that only look like survivors must not be followed for ever: each here claims to be as long as what is left.
TEST(Log, AHostileTailEndsSoon) {
  uint64_t durable = 0;
  std::string bytes = small_log(0, 0, &durable).substr(0, 512) + std::string(256, '\x11');
  for (uint64_t i = 0; i < 40'000; ++i) {
    uint8_t head[24] = {};
    log_format::RecordHeader{1, static_cast<uint32_t>((40'000 - i - 1) * 24), kNumber, 1 << 20}.write(head);
    bytes.append(reinterpret_cast<const char*>(head), sizeof head);
  }
  const auto disk = make_disk();
  ASSERT_TRUE(disk->write_file(kPath, as_bytes(bytes)).ok());
  EXPECT_TRUE(replay(*disk).payloads.empty());
}

TEST(Log, AfterAPowerLossAPrefixWithAllThatWasSyncedIsThere) {
  std::mt19937_64 random(5);
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const auto disk = make_disk(seed);
    auto log = make_log(*disk);
    uint64_t synced = 0;
    const uint64_t records = random() % 30;
    for (uint64_t i = 0; i < records; ++i) {
      ASSERT_TRUE(append(**log, payload_of(i)).ok());
      if (random() % 5 == 0) {
        ASSERT_TRUE((*log)->sync((*log)->size()).ok());
        synced = i + 1;
      }
    }
    for (const Survival survival : {Survival::kNone, Survival::kAll, Survival::kRandom, Survival::kRandom}) {
      const auto after = disk->power_loss(survival);
      const Replayed found = replay(*after);
      ASSERT_TRUE(found.result.ok()) << found.result.status().message();
      expect_prefix(found.payloads);
      EXPECT_GE(found.payloads.size(), synced);
      if (survival == Survival::kAll) {
        EXPECT_EQ(found.payloads.size(), records);
      }
    }
  }
}

TEST(Log, EveryFailingCallIsReportedAndNoSyncedRecordIsLost) {
  for (uint64_t call = 1;; ++call) {
    const auto disk = make_disk();
    const auto faulty = FaultVfs::create(disk.get());
    faulty->fail_after(call, EIO, true);
    auto log = make_log(*faulty);
    uint64_t synced = 0;
    bool failed = !log.ok();
    for (uint64_t i = 0; i < 6 && !failed; ++i) {
      failed = !append(**log, payload_of(i)).ok();
      if (failed || i % 2 != 0) continue;
      const Status status = (*log)->sync((*log)->size());
      failed = !status.ok();
      if (!failed) {
        synced = i + 1;
        continue;
      }
      EXPECT_EQ((*log)->sync((*log)->size()).error_number(), EIO) << "a failed sync is not tried again";
      EXPECT_FALSE((*log)->finish().ok());
    }
    if (!failed) failed = !(*log)->finish().ok();
    if (!failed) {
      EXPECT_GT(call, 15U);
      break;
    }
    if (!*disk->exists(kPath)) continue;
    const Replayed found = replay(*disk);
    ASSERT_TRUE(found.result.ok()) << call << ": " << found.result.status().message();
    expect_prefix(found.payloads);
    EXPECT_GE(found.payloads.size(), synced);
  }
}

TEST(Log, SyncsAreSharedByThreads) {
  const auto disk = make_disk();
  auto log = make_log(*disk);
  std::mutex write;
  std::atomic<uint64_t> next{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        uint64_t bytes = 0;
        {
          const std::lock_guard lock(write);
          ASSERT_TRUE(append(**log, payload_of(next++)).ok());
          bytes = (*log)->size();
        }
        ASSERT_TRUE((*log)->sync(bytes).ok());
        EXPECT_GE((*log)->durable_bytes(), bytes);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE((*log)->sync_count(), 200U);
  const auto after = disk->power_loss(Survival::kNone);
  const Replayed found = replay(*after);
  expect_prefix(found.payloads);
  EXPECT_EQ(found.payloads.size(), 200U);
}

}  // namespace
}  // namespace tsfeat
