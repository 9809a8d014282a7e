// The power fails at boundaries between calls that change the disk: at some of a random life, at all of a scripted
// workload, and again while the store recovers.

#include <chrono>

#include "reliability/ordering.h"
#include "reliability/trial.h"
#include "vfs/fault.h"

namespace tsfeat::reliability {
namespace {

class Budget {
 public:
  explicit Budget(double seconds) : end_(std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds)) {}
  bool spent() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  const std::chrono::time_point<std::chrono::steady_clock, std::chrono::duration<double>> end_;
};

// Several lives of one store, one after the other in one process; `at_boundary` is called before every change.
class Witness final : public Observer {
 public:
  Witness(Vfs& disk, std::function<void()> at_boundary)
      : ordering_(disk, kStorePath), at_boundary_(std::move(at_boundary)) {}
  void before(const Call& call) override {
    if (call.changes()) at_boundary_();
  }
  void after(const Call& call, const Status& status) override { ordering_.after(call, status); }
  Ordering& ordering() { return ordering_; }

 private:
  Ordering ordering_;
  const std::function<void()> at_boundary_;
};

struct World {
  // at_boundary: called before each call that changes the disk, with how many there were.
  World(uint64_t seed, const Habits& habits, std::function<void(World&, uint64_t boundary)> at_boundary)
      : clock(kNow),
        disk(MemoryVfs::create(seed)),
        witness(*disk, [this, act = std::move(at_boundary)] { act(*this, ++boundary); }),
        watched(watch(*disk, &witness)),
        life(*watched, clock, oracle, seed, habits),
        random(seed + 1) {
    life.on_acknowledged = [this] { witness.ordering().acknowledged(); };
  }
  // The life, step by step, and its end; an error, which nothing caused, is a failure.
  void live(uint64_t steps, const std::string& name, Report* report) {
    Status status;
    for (uint64_t step = 0; step < steps && status.ok(); ++step) status = life.step();
    if (status.ok() && life.store() != nullptr) status = life.close();
    if (!status.ok()) report->fail("refused", name + ", " + life.doing() + ": " + status.message());
    life.abandon();
    note(witness.ordering().violations(), name, report);
    if (disk->open_files() != 0)
      report->fail("leaked", name + ": " + std::to_string(disk->open_files()) + " open files");
  }

  ManualClock clock;
  Oracle oracle;
  std::unique_ptr<MemoryVfs> disk;
  Witness witness;
  std::unique_ptr<Vfs> watched;
  Life life;
  Random random;
  uint64_t boundary = 0;  // the last
};

std::string named(const char* what, uint64_t seed, uint64_t boundary, uint64_t survival) {
  return std::string(what) + " " + std::to_string(seed) + ", boundary " + std::to_string(boundary) + ", survival " +
         std::to_string(survival);
}

constexpr uint64_t kCutSteps = 40;

}  // namespace

void power_loss(const Settings& settings, Report* report) {
  declare_zeros(report);
  const Budget budget(settings.seconds);
  for (uint64_t seed = settings.seed * 1'000'000; report->of("trials") < settings.trials && !budget.spent(); ++seed) {
    const auto cut = [&](World& world, uint64_t boundary) {
      if (report->of("trials") >= settings.trials) return;
      const uint64_t survival = world.random.below(kSurvivalCount);
      const std::unique_ptr<MemoryVfs> after = world.disk->power_loss(kSurvivals[survival]);
      note(inspect(*after, world.clock, world.oracle, world.life.checkpoint(), false, world.random),
           named("seed", seed, boundary, survival), report);
      report->count("trials");
    };
    World(seed, Habits{}, cut).live(kCutSteps, "seed " + std::to_string(seed), report);
    report->count("histories");
  }
}

void system_calls(const Settings& settings, Report* report) {
  declare_zeros(report);
  const Budget budget(settings.seconds);
  for (uint64_t workload = 0; workload < kWorkloads && !budget.spent(); ++workload) {
    const uint64_t seed = settings.seed * 1'000 + workload;
    const auto cut = [&](World& world, uint64_t boundary) {
      report->count("calls");
      for (uint64_t survival = 0; survival < kSurvivalCount; ++survival) {
        if (report->of("trials") >= settings.trials) return;
        const std::unique_ptr<MemoryVfs> after = world.disk->power_loss(kSurvivals[survival]);
        note(inspect(*after, world.clock, world.oracle, world.life.checkpoint(), false, world.random),
             named("workload", seed, boundary, survival), report);
        report->count("trials");
      }
    };
    World(seed, habits_of(workload), cut).live(kCutSteps, "workload " + std::to_string(seed), report);
    report->count("workloads");
  }
}

namespace {

// One disk that a crash left: its recovery crashes too, `depth` times on top of each other, and must then be right.
class Nested {
 public:
  Nested(const World& world, uint64_t trials, Random& random, Report* report)
      : world_(world), trials_(trials), random_(random), report_(report) {}

  void recover(MemoryVfs& disk, uint64_t depth, const std::string& name) {
    if (report_->of("trials") >= trials_) return;
    if (depth == 0) {
      note(inspect(disk, world_.clock, world_.oracle, std::nullopt, false, random_), name, report_);
      report_->count("trials");
      return;
    }
    uint64_t boundary = 0;
    Witness witness(disk, [&] {
      ++boundary;
      if (depth > 1 && random_.below(depth + 1) != 0) return;  // else five deep would never end
      const uint64_t survival = random_.below(kSurvivalCount + 2);
      const bool killed = survival >= kSurvivalCount;
      const std::unique_ptr<MemoryVfs> after = killed ? disk.kill() : disk.power_loss(kSurvivals[survival]);
      recover(*after, depth - 1, named((name + "; in recovery").c_str(), depth, boundary, survival));
    });
    const std::unique_ptr<FaultVfs> faulty = FaultVfs::create(&disk);
    const std::unique_ptr<Vfs> watched = watch(*faulty, &witness);
    {
      const Result<std::shared_ptr<Store>> store =
          Store::open(*watched, world_.clock, kStorePath, true, small_options());
      if (!store.ok()) report_->fail("refused", name + ": " + store.status().message());
      faulty->fail_after(1, EIO, false);
    }
    // disk that a kill left has more that is not durable than Ordering knows of; the losses above show what that does.
  }

 private:
  const World& world_;
  const uint64_t trials_;
  Random& random_;
  Report* const report_;
};

}  // namespace

void recovery(const Settings& settings, Report* report) {
  declare_zeros(report);
  const Budget budget(settings.seconds);
  for (uint64_t seed = settings.seed * 1'000'000; report->of("trials") < settings.trials && !budget.spent(); ++seed) {
    const auto cut = [&](World& world, uint64_t boundary) {
      if (world.random.below(12) != 0) return;
      const uint64_t survival = world.random.below(kSurvivalCount + 2);
      const bool killed = survival >= kSurvivalCount;
      const std::unique_ptr<MemoryVfs> after =
          killed ? world.disk->kill() : world.disk->power_loss(kSurvivals[survival]);
      Nested(world, settings.trials, world.random, report)
          .recover(*after, settings.depth, named("seed", seed, boundary, survival));
      report->count("recoveries");
    };
    World(seed, Habits{}, cut).live(kCutSteps, "seed " + std::to_string(seed), report);
  }
}

}  // namespace tsfeat::reliability
