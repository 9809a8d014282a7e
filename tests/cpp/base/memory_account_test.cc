#include "base/memory_account.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace tsfeat {
namespace {

TEST(MemoryAccount, AddsUpByUseAndInAll) {
  MemoryAccount account;
  account.add(MemoryUse::kCache, 100);
  account.add(MemoryUse::kMemtables, 30);
  account.add(MemoryUse::kCache, -40);
  EXPECT_EQ(account.used(MemoryUse::kCache), 60);
  EXPECT_EQ(account.used(MemoryUse::kMemtables), 30);
  EXPECT_EQ(account.used(MemoryUse::kCompaction), 0);
  EXPECT_EQ(account.total(), 90);
}

TEST(MemoryAccount, AChargeIsGivenBack) {
  MemoryAccount account;
  {
    MemoryCharge charge(&account, MemoryUse::kCompaction, 10);
    charge.change_to(25);
    EXPECT_EQ(account.total(), 25);
    charge.change_to(5);
    EXPECT_EQ(account.used(MemoryUse::kCompaction), 5);
  }
  EXPECT_EQ(account.total(), 0);
}

TEST(MemoryAccount, LosesNothingBetweenThreads) {
  MemoryAccount account;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&account] {
      for (int j = 0; j < 1000; ++j) account.add(MemoryUse::kCache, j % 2 == 0 ? 3 : -1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(account.used(MemoryUse::kCache), 4000);
  EXPECT_EQ(account.total(), 4000);
}

}  // namespace
}  // namespace tsfeat
