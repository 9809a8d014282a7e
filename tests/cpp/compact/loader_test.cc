#include "compact/loader.h"

#include <gtest/gtest.h>

#include "run/run_support.h"

namespace tsfeat::testing {
namespace {

TEST(RunLoader, RefusesMoreEventsThanARunCountsBeforeItLooksAtThem) {
  const auto disk = make_disk();
  const auto schema = std::make_shared<Schema>();
  RunLoader loader(*disk, schema, {}, {7, kRunPath}, "events");
  Batch batch;
  batch.rows = uint64_t{1} << 32;
  const Status status = loader.add(batch);
  EXPECT_EQ(status.code(), Code::kSchema);
  EXPECT_NE(status.message().find("'events'"), std::string::npos) << status.message();
  EXPECT_FALSE(loader.has_file());
}

}  // namespace
}  // namespace tsfeat::testing
