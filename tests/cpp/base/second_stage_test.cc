#include "base/second_stage.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <stdexcept>

#include "base/no_more_threads.h"

namespace tsfeat {
namespace {

struct Piece {
  int number = 0;
};

std::unique_ptr<Piece> numbered(SecondStage<Piece>& stage, int number) {
  std::unique_ptr<Piece> piece = stage.blank();
  piece->number = number;
  return piece;
}

TEST(SecondStage, WorksOnAllInTheirOrderAsideOrNot) {
  std::minstd_rand random(1);
  for (const size_t most_waiting : {1, 3, 16}) {
    std::vector<int> seen;
    SecondStage<Piece> stage(
        [&](Piece& piece) {
          seen.push_back(piece.number);
          if (piece.number % 50 == 0) std::this_thread::yield();
          return Status();
        },
        most_waiting);
    std::vector<int> expected;
    for (int number = 0; number < 2000; ++number) {
      ASSERT_TRUE(stage.give(numbered(stage, number), random() % 4 != 0).ok());
      expected.push_back(number);
      if (number % 500 == 0) {
        ASSERT_TRUE(stage.finish().ok());
        EXPECT_EQ(seen, expected);
      }
    }
    ASSERT_TRUE(stage.finish().ok());
    EXPECT_EQ(seen, expected);
  }
}

TEST(SecondStage, StartsNoThreadUntilOneIsWanted) {
  const std::thread::id mine = std::this_thread::get_id();
  std::thread::id worker;
  SecondStage<Piece> stage(
      [&](Piece&) {
        worker = std::this_thread::get_id();
        return Status();
      },
      4);
  ASSERT_TRUE(stage.give(stage.blank(), false).ok());
  EXPECT_EQ(worker, mine);
  ASSERT_TRUE(stage.give(stage.blank(), true).ok());
  ASSERT_TRUE(stage.finish().ok());
  EXPECT_NE(worker, mine);
}

TEST(SecondStage, WhereThereAreNoThreadsTheOwnerWorks) {
  const NoMoreThreads none;
  std::vector<int> seen;
  SecondStage<Piece> stage(
      [&](Piece& piece) {
        seen.push_back(piece.number);
        return Status();
      },
      4);
  for (int number = 0; number < 3; ++number) {
    ASSERT_TRUE(stage.give(numbered(stage, number), true).ok());
    EXPECT_EQ(seen.size(), static_cast<size_t>(number) + 1);
  }
}

class FailingStage : public testing::TestWithParam<bool> {};

TEST_P(FailingStage, SaysTheFirstFailureAndGoesNoFurther) {
  int done = 0;
  SecondStage<Piece> stage(
      [&](Piece& piece) {
        if (piece.number >= 3) return Status::schema("piece " + std::to_string(piece.number));
        ++done;
        return Status();
      },
      2);
  for (int number = 0; number < 10; ++number) static_cast<void>(stage.give(numbered(stage, number), GetParam()));
  EXPECT_EQ(stage.finish().message(), "piece 3");
  EXPECT_EQ(stage.give(stage.blank(), GetParam()).message(), "piece 3");
  EXPECT_EQ(done, 3);
}

TEST_P(FailingStage, HandsAnExceptionOn) {
  SecondStage<Piece> stage([](Piece&) -> Status { throw std::runtime_error("no memory"); }, 2);
  EXPECT_THROW(
      {
        static_cast<void>(stage.give(stage.blank(), GetParam()));
        static_cast<void>(stage.finish());
      },
      std::runtime_error);
}

INSTANTIATE_TEST_SUITE_P(AsideOrNot, FailingStage, testing::Bool());

TEST(SecondStage, DropsWhatWaitsWhenItGoes) {
  std::atomic<bool> go{false};
  std::atomic<int> done{0};
  {
    SecondStage<Piece> stage(
        [&](Piece&) {
          while (!go) std::this_thread::yield();
          ++done;
          return Status();
        },
        8);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(stage.give(stage.blank(), true).ok());
    go = true;
  }
  EXPECT_LE(done, 5);
}

}  // namespace
}  // namespace tsfeat
