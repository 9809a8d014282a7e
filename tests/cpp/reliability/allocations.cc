// Every allocation that the engine makes fails in turn, once. Replaces operator new, so it belongs to the program
// alone.

#include <cstdlib>
#include <new>

#include "reliability/trial.h"
#include "reliability/watched.h"

namespace {

// This thread's allocations while the engine is at work; the disk in memory is no part of it.
struct Countdown {
  uint64_t left = 0;  // 0: none fails
  uint64_t seen = 0;
  bool armed = false;
};
thread_local Countdown countdown;

void* allocate(std::size_t bytes, std::size_t alignment) {
  if (countdown.armed) {
    ++countdown.seen;
    if (countdown.left > 0 && --countdown.left == 0) throw std::bad_alloc();
  }
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* const memory = alignment > alignof(std::max_align_t) ? std::aligned_alloc(alignment, rounded)
                                                             : std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes, 1); }
void* operator new[](std::size_t bytes) { return allocate(bytes, 1); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace tsfeat::reliability {
namespace {

class Armed {
 public:
  Armed() { countdown.armed = true; }
  ~Armed() { countdown.armed = false; }
  Armed(const Armed&) = delete;
  Armed& operator=(const Armed&) = delete;
};

class DiskIsExempt final : public Observer {
 public:
  void before(const Call&) override {
    was_armed_ = countdown.armed;
    countdown.armed = false;
  }
  void after(const Call&, const Status&) override { countdown.armed = was_armed_; }

 private:
  bool was_armed_ = false;
};

constexpr uint64_t kSteps = 20;
constexpr uint64_t kStepsAfter = 4;

// One life, in which one allocation fails. False: it was never made.
class AllocationTrial {
 public:
  AllocationTrial(uint64_t workload, uint64_t seed, const std::string& name, Report* report)
      : clock_(kNow),
        disk_(MemoryVfs::create(seed)),
        watched_(watch(*disk_, &exempt_)),
        life_(*watched_, clock_, oracle_, seed, habits_of(workload)),
        random_(seed),
        name_(name),
        report_(report) {
    life_.around_engine = [](const std::function<Status()>& act) {
      const Armed armed;
      return act();
    };
  }

  bool run(uint64_t allocation) {
    countdown = {allocation, 0, false};
    Status status;
    bool failed = false;
    for (uint64_t step = 0; step < kSteps && status.ok() && !failed; ++step)
      failed = !survives([&] { return life_.step(); }, &status);
    if (!failed && status.ok() && life_.store() != nullptr) failed = !survives([&] { return life_.close(); }, &status);
    const bool came = countdown.seen >= allocation;
    countdown.left = 0;
    if (!status.ok()) report_->fail("refused", name_ + ", " + life_.doing() + ": " + status.message());
    if (!came) return false;
    if (!failed) report_->count("unnoticed");
    if (life_.store() != nullptr && !life_.store()->closed()) live_on();
    life_.abandon();
    reopen();
    return true;
  }

 private:
  // False: out of memory, which the caller hears of as an exception.
  static bool survives(const std::function<Status()>& act, Status* status) {
    try {
      *status = act();
      return true;
    } catch (const std::bad_alloc&) {
      countdown.armed = false;
      return false;
    }
  }

  void live_on() {
    const Verdict verdict = oracle_.judge(*life_.store(), true, random_);
    note(verdict, name_ + ", " + life_.doing() + ", alive", report_);
    if (verdict.kind != Verdict::Kind::kRight) return;
    // Either nothing is left of what failed, or the store is poisoned, and only a new process knows what the disk has.
    if (life_.store()->flush().code() == Code::kPoisoned) return report_->count("poisoned");
    oracle_.settle(verdict.prefix);
    for (uint64_t step = 0; step < kStepsAfter && life_.store() != nullptr; ++step) {
      const Status status = life_.step();
      if (!status.ok()) return report_->fail("refused", name_ + ", later, " + life_.doing() + ": " + status.message());
    }
  }

  void reopen() {
    const Result<std::shared_ptr<Store>> store = Store::open(*disk_, clock_, kStorePath, true, small_options());
    if (!store.ok()) return report_->fail("refused", name_ + ", reopened: " + store.status().message());
    note(oracle_.judge(**store, true, random_), name_ + ", reopened", report_);
  }

  ManualClock clock_;
  Oracle oracle_;
  DiskIsExempt exempt_;
  std::unique_ptr<MemoryVfs> disk_;
  std::unique_ptr<Vfs> watched_;
  Life life_;
  Random random_;
  const std::string name_;
  Report* const report_;
};

std::string at_hand;  // for what ends the process

}  // namespace

void allocations(const Settings& settings, Report* report) {
  declare_zeros(report);
  std::set_terminate([] {
    countdown.armed = false;
    std::fprintf(stderr, "terminated: %s\n", at_hand.c_str());
    std::abort();
  });
  for (uint64_t workload = 0; workload < kWorkloads; ++workload) {
    const uint64_t seed = settings.seed * 1'000 + workload;
    for (uint64_t allocation = 1; report->of("trials") < settings.trials; ++allocation) {
      at_hand = "workload " + std::to_string(seed) + ", allocation " + std::to_string(allocation);
      if (!AllocationTrial(workload, seed, at_hand, report).run(allocation)) break;
      report->count("trials");
    }
    report->count("workloads");
  }
}

}  // namespace tsfeat::reliability
