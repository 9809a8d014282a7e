#include "base/epoch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace tsfeat {
namespace {

// Counts its living instances, and knows when it is dead.
struct Counted {
  static inline std::atomic<int> alive{0};
  explicit Counted(int number) : value(number) { ++alive; }
  ~Counted() {
    value = -1;
    --alive;
  }
  static void free(void* pointer) { delete static_cast<Counted*>(pointer); }
  int value;
};

void retire_one(EpochDomain& domain) { domain.retire(new Counted(1), Counted::free); }

TEST(Epoch, FreesWhenNobodyIsInside) {
  EpochDomain domain;
  retire_one(domain);
  EXPECT_EQ(domain.pending(), 1u);
  EXPECT_EQ(domain.sweep(), 0u);
  EXPECT_EQ(Counted::alive, 0);
}

TEST(Epoch, KeepsWhatAGuardMaySee) {
  EpochDomain domain;
  {
    const EpochGuard outer(domain);
    retire_one(domain);
    {
      const EpochGuard inner(domain);
      EXPECT_EQ(domain.sweep(), 1u);
    }
    EXPECT_EQ(domain.sweep(), 1u) << "an inner guard's end is not the outer one's";
    EXPECT_EQ(Counted::alive, 1);
  }
  EXPECT_EQ(domain.sweep(), 0u);
  EXPECT_EQ(Counted::alive, 0);
}

TEST(Epoch, ALaterGuardDoesNotHoldBackEarlierObjects) {
  EpochDomain domain;
  retire_one(domain);
  EXPECT_EQ(domain.sweep(), 0u);
  const EpochGuard guard(domain);
  EXPECT_EQ(domain.sweep(), 0u);
  retire_one(domain);
  EXPECT_EQ(domain.sweep(), 1u);
}

TEST(Epoch, RetiringAloneReclaimsWithBoundedWork) {
  EpochDomain domain;
  std::unique_ptr<EpochGuard> guard = std::make_unique<EpochGuard>(domain);
  constexpr int kHeldBack = 1000;
  for (int i = 0; i < kHeldBack; ++i) retire_one(domain);
  EXPECT_EQ(domain.pending(), static_cast<size_t>(kHeldBack));
  guard.reset();
  int before = Counted::alive;
  for (int i = 0; i < 2 * kHeldBack; ++i) {
    retire_one(domain);
    EXPECT_LE(before + 1 - Counted::alive, static_cast<int>(EpochDomain::kFreedPerSweep));
    before = Counted::alive;
  }
  EXPECT_LE(domain.pending(), EpochDomain::kRetiredPerSweep);
}

TEST(Epoch, TheDomainFreesTheRestAlsoWhatFreeingRetires) {
  struct Chain {
    EpochDomain* domain;
    int left;
    static void free(void* pointer) {
      const std::unique_ptr<Chain> self(static_cast<Chain*>(pointer));
      if (self->left > 0)
        self->domain->retire(new Chain{self->domain, self->left - 1}, free);
      else
        retire_one(*self->domain);
    }
  };
  {
    EpochDomain domain;
    domain.retire(new Chain{&domain, 5}, Chain::free);
    retire_one(domain);
    EXPECT_EQ(Counted::alive, 1);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(Epoch, DomainsDoNotWaitForEachOther) {
  EpochDomain one;
  EpochDomain other;
  const EpochGuard guard(one);
  {
    const EpochGuard of_other(other);
    const EpochGuard nested(one);
  }
  retire_one(other);
  EXPECT_EQ(other.sweep(), 0u);
  retire_one(one);
  EXPECT_EQ(one.sweep(), 1u);
}

TEST(Epoch, ThreadsAndDomainsMayDieInAnyOrder) {
  auto domain = std::make_unique<EpochDomain>();
  for (int i = 0; i < 50; ++i) {
    std::thread([&] { const EpochGuard guard(*domain); }).join();
  }
  retire_one(*domain);
  EXPECT_EQ(domain->sweep(), 0u) << "a dead thread holds nothing back";

  std::atomic<int> step{0};
  std::thread survivor([&] {
    {
      const EpochGuard guard(*domain);
    }
    step = 1;
    while (step != 2) std::this_thread::yield();
    const EpochGuard guard(*domain);  // a new domain, perhaps at the old one's address
  });
  while (step != 1) std::this_thread::yield();
  domain.reset();
  domain = std::make_unique<EpochDomain>();
  step = 2;
  survivor.join();
  EXPECT_EQ(domain->sweep(), 0u);
}

// Readers follow shared pointers while writers replace and retire what is behind them; nobody may see a dead object.
TEST(Epoch, ReadersNeverMeetADeadObject) {
  constexpr size_t kCells = 4;
  constexpr int kReplacements = 5000;
  {
    EpochDomain domain;
    std::vector<std::atomic<Counted*>> cells(kCells);
    for (auto& cell : cells) cell = new Counted(0);
    std::atomic<bool> done{false};
    std::atomic<int> dead_seen{0};
    std::vector<std::thread> readers;
    for (int reader = 0; reader < 3; ++reader) {
      readers.emplace_back([&] {
        while (!done.load(std::memory_order_relaxed)) {
          const EpochGuard guard(domain);
          for (const auto& cell : cells) {
            const Counted* object = cell.load(std::memory_order_acquire);
            const EpochGuard nested(domain);
            if (object->value < 0) ++dead_seen;
          }
        }
      });
    }
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 2; ++writer) {
      writers.emplace_back([&] {
        for (int i = 0; i < kReplacements; ++i) {
          Counted* old = cells[static_cast<size_t>(i) % kCells].exchange(new Counted(i), std::memory_order_acq_rel);
          domain.retire(old, Counted::free);
        }
      });
    }
    for (std::thread& thread : writers) thread.join();
    done = true;
    for (std::thread& thread : readers) thread.join();
    EXPECT_EQ(dead_seen, 0);
    for (auto& cell : cells) domain.retire(cell.load(), Counted::free);
  }
  EXPECT_EQ(Counted::alive, 0);
}

}  // namespace
}  // namespace tsfeat
