// Salvage of a log that lost its end.
#include <gtest/gtest.h>

#include "vfs/memory.h"
#include "wal/log.h"

namespace tsfeat {
namespace {

TEST(LogSalvage, AFileThatIsShorterThanWhatWasDurable) {
  const auto disk = MemoryVfs::create(1);
  ASSERT_TRUE(disk->make_directory("d").ok());
  const auto log = LogWriter::create(*disk, "d", "log", 3, 2, 4096);
  ASSERT_TRUE(log.ok());
  const std::string payload(40, 'x');
  uint64_t first_ends = 0;
  for (int i = 0; i < 3; ++i) {
    EncodedRecord record;
    record.append(as_bytes(payload));
    ASSERT_TRUE((*log)->append(record).ok());
    if (i == 0) first_ends = (*log)->size();
  }
  ASSERT_TRUE((*log)->finish().ok());
  const uint64_t durable = (*log)->durable_bytes();
  ASSERT_TRUE(disk->write_file("d/log", as_bytes(disk->files().at("/d/log").substr(0, first_ends))).ok());

  size_t records = 0;
  std::vector<LostBytes> lost;
  uint64_t previous = 0;
  const auto visit = [&](Bytes record, uint64_t, bool beyond) {
    EXPECT_EQ(record.size(), payload.size());
    EXPECT_FALSE(beyond);
    ++records;
    return Status();
  };
  ASSERT_TRUE(salvage_log(*disk, "d/log", 3, true, visit, &lost, &previous).ok());
  EXPECT_EQ(records, 1U) << "the one that is whole";
  ASSERT_FALSE(lost.empty()) << "and those that were durable are missed";
  const auto told = [&](const std::string& message) {
    return std::any_of(lost.begin(), lost.end(),
                       [&](const LostBytes& part) { return part.message.find(message) != std::string::npos; });
  };
  EXPECT_TRUE(told("shorter than") || told("durable")) << lost[0].message;
  EXPECT_LT(first_ends, durable);
}

}  // namespace
}  // namespace tsfeat
