#include "base/helpers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/no_more_threads.h"

namespace tsfeat {
namespace {

TEST(Helpers, EveryPartIsDoneOnce) {
  for (const size_t count : {0, 1, 3}) {
    const auto helpers = Helpers::create(count);
    EXPECT_EQ(helpers->helpers(), count);
    for (size_t parts = 0; parts < 40; ++parts) {
      std::vector<std::atomic<int>> done(parts);
      helpers->run(parts, [&](size_t part) { ++done[part]; });
      for (const auto& times : done) EXPECT_EQ(times, 1);
    }
  }
}

TEST(Helpers, TakePartsWhileTheCallerIsAtOne) {
  const auto helpers = Helpers::create(1);
  std::atomic<int> begun{0};
  helpers->run(2, [&](size_t) {  // neither part ends before both have begun
    for (++begun; begun < 2;) std::this_thread::yield();
  });
  EXPECT_EQ(begun, 2);
}

TEST(Helpers, NobodyHelpsAThreadThatWorksAlone) {
  const auto helpers = Helpers::create(2);
  std::thread([&] {
    work_alone();
    EXPECT_EQ(helpers->helpers(), 0);
    const auto self = std::this_thread::get_id();
    std::vector<bool> own;
    helpers->run(100, [&](size_t) { own.push_back(std::this_thread::get_id() == self); });
    EXPECT_EQ(own, std::vector<bool>(100, true));
  }).join();
  EXPECT_EQ(helpers->helpers(), 2);
}

TEST(Helpers, TheFirstExceptionComesOutWhenAllIsDone) {
  const auto helpers = Helpers::create(2);
  std::atomic<int> done{0};
  const auto work = [&](size_t part) {
    ++done;
    if (part == 3 || part == 7) throw std::runtime_error(std::to_string(part));
  };
  for (int round = 0; round < 100; ++round) {
    done = 0;
    try {
      helpers->run(9, work);
      FAIL();
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "3");
    }
    EXPECT_EQ(done, 9);
  }
}

TEST(Helpers, WhereThereAreNoThreadsTheCallerWorksAlone) {
  const NoMoreThreads none;
  const auto helpers = Helpers::create(2);
  const auto self = std::this_thread::get_id();
  std::vector<bool> own(100);
  helpers->run(100, [&](size_t part) { own[part] = std::this_thread::get_id() == self; });
  EXPECT_EQ(own, std::vector<bool>(100, true));
}

TEST(Helpers, ManyCallersAtOnce) {
  const auto helpers = Helpers::create(2);
  std::atomic<uint64_t> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (uint64_t round = 0; round < 500; ++round) helpers->run(5, [&](size_t part) { sum += part; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 4U * 500 * 10);
}

}  // namespace
}  // namespace tsfeat
