// What stands in for a run that cannot be opened has no answer to anything but what the manifest says of it.
#include "engine/broken_run.h"

#include <gtest/gtest.h>

namespace tsfeat {
namespace {

TEST(BrokenRun, AnswersNothing) {
  RunMeta meta;
  meta.number = 7;
  meta.stats.events = 3;
  const auto run = make_broken_run(meta, Status::corruption("the file is missing"));
  EXPECT_EQ(run->meta().number, 7U);
  run->preload();
  const auto source = run->source();
  EXPECT_EQ(source->stats().events, 3U);
  EXPECT_TRUE(source->has_column(5)) << "else its events would read as the default";
  const Column column;
  const Probe probe;
  RowRange rows;
  codec::VarlenBuffer strings;
  uint8_t bytes[24];
  const Status answers[] = {
      source->locate({&probe, 1}, {&rows, 1}),
      source->walk()->next().status(),
      source->seek({0, 3}, 1).status(),
      source->times({0, 3}, reinterpret_cast<int64_t*>(bytes)),
      source->versions({0, 3}, reinterpret_cast<uint64_t*>(bytes)),
      source->fixed(column, {0, 3}, bytes),
      source->varlen(column, {0, 3}, &strings),
      source->validity(column, {0, 3}, bytes),
  };
  for (const Status& answer : answers) {
    EXPECT_EQ(answer.code(), Code::kCorruption);
    EXPECT_EQ(answer.message(), "the file is missing");
  }
  EXPECT_FALSE(source->bounds(&column, 1).bounded) << "nothing may be passed over";
  EXPECT_EQ(source->walk()->rows().size(), 0U);
  EXPECT_EQ(source->walk()->key(), KeyView());
  std::vector<Run::Problem> problems;
  EXPECT_TRUE(run->verify(&problems).ok());
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].message, "the file is missing");
}

}  // namespace
}  // namespace tsfeat
