// Calls that fail while the process lives on: every call in turn, once or from then on; and every sync, once, which
// then leaves the disk as Linux leaves it.

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>

#include "catalog/manifest.h"
#include "reliability/trial.h"
#include "vfs/fault.h"

namespace tsfeat::reliability {
namespace {

constexpr uint64_t kFailureSteps = 20;
constexpr uint64_t kFailureStepsAfter = 3;

bool right(const Verdict& verdict, const std::string& name, Report* report) {
  note(verdict, name, report);
  return verdict.kind == Verdict::Kind::kRight;
}

// What lies in a closed store's directory and belongs to nothing.
std::vector<std::string> orphans(MemoryVfs& disk) {
  const Result<Manifest> manifest = load_manifest(disk, kStorePath);
  const Result<std::vector<std::string>> names = disk.list(kStorePath);
  if (!manifest.ok() || !names.ok()) return {"the store cannot be listed"};
  std::set<std::string> known = {"MANIFEST", "LOCK"};
  for (const TableRecord& table : manifest->tables) {
    for (const RunMeta& run : table.runs) known.insert(run_name(run.number));
  }
  std::vector<std::string> rest;
  std::set_difference(names->begin(), names->end(), known.begin(), known.end(), std::back_inserter(rest));
  return rest;
}

// The store as a new process finds it, on a disk that works again: all that returned is there. It lives on from there.
void check_reopened(MemoryVfs& disk, const Clock& clock, Oracle oracle, bool no_loss, Random& random,
                    const std::string& name, Report* report) {
  {
    const Result<std::shared_ptr<Store>> store = Store::open(disk, clock, kStorePath, true, small_options());
    if (!store.ok()) return report->fail("refused", name + ": " + store.status().message());
    const Verdict verdict = oracle.judge(**store, no_loss, random);
    if (!right(verdict, name, report)) return;
    oracle.settle(verdict.prefix);
    const Result<VerifyReport> found = (*store)->verify({});
    if (!found.ok() || !found->problems.empty()) report->fail("wrong", name + ": verify finds damage");
    const Status closed = (*store)->close();
    if (!closed.ok()) report->fail("refused", name + ", close: " + closed.message());
  }
  if (disk.open_files() != 0) report->fail("leaked", name);
  for (const std::string& orphan : orphans(disk)) report->fail("orphans", name + ": " + orphan);
}

class FaultTrial {
 public:
  FaultTrial(uint64_t workload, uint64_t seed, Report* report)
      : clock_(kNow),
        disk_(MemoryVfs::create(seed)),
        faulty_(FaultVfs::create(disk_.get())),
        life_(*faulty_, clock_, oracle_, seed, habits_of(workload)),
        random_(seed),
        report_(report) {}

  // False: the call never came.
  bool run(uint64_t call, int error_number, bool once, const std::string& name) {
    faulty_->fail_after(call, error_number, once);
    Status status;
    uint64_t step = 0;
    for (; step < kFailureSteps && status.ok(); ++step) status = life_.step();
    if (status.ok() && life_.store() != nullptr) status = life_.close();
    if (faulty_->calls() < call) return false;
    // What fails without consequence (a file that is not removed) is nobody's error.
    if (status.ok()) report_->count("unnoticed");
    if (life_.store() != nullptr && once) live_on(name);
    const bool power_fails = random_.below(3) == 0;
    std::unique_ptr<MemoryVfs> after =
        power_fails ? disk_->power_loss(kSurvivals[random_.below(kSurvivalCount)]) : nullptr;
    life_.abandon();
    faulty_->fail_after(0, 0, true);
    check_reopened(power_fails ? *after : *disk_, clock_, oracle_, !power_fails, random_, name, report_);
    return true;
  }

 private:
  // Reads go on as if nothing had happened.
  void live_on(const std::string& name) {
    const Verdict verdict = oracle_.judge(*life_.store(), true, random_);
    // A run that could not be opened is stood in for: the reads that need it say so, until the store is opened again.
    const bool said = verdict.kind == Verdict::Kind::kRefused && verdict.why.find("(injected)") != std::string::npos;
    if (!said) note(verdict, name + ", alive", report_);
  }

  ManualClock clock_;
  Oracle oracle_;
  std::unique_ptr<MemoryVfs> disk_;
  std::unique_ptr<FaultVfs> faulty_;
  Life life_;
  Random random_;
  Report* const report_;
};

}  // namespace

void faults(const Settings& settings, Report* report) {
  declare_zeros(report);
  for (const char* what : {"leaked", "orphans"}) report->count(what, 0);
  for (uint64_t workload = 0; workload < kWorkloads; ++workload) {
    for (const int error_number : {EIO, ENOSPC}) {
      for (const bool once : {true, false}) {
        for (uint64_t call = 1; report->of("trials") < settings.trials; ++call) {
          const uint64_t seed = settings.seed * 1'000 + workload;
          const std::string name = "workload " + std::to_string(seed) + ", errno " + std::to_string(error_number) +
                                   (once ? " once" : "") + " at call " + std::to_string(call);
          if (!FaultTrial(workload, seed, report).run(call, error_number, once, name)) break;
          report->count("trials");
        }
      }
    }
    report->count("workloads");
  }
}

namespace {

// One sync fails. Whoever waited for it hears of it; the store is poisoned, tries it no more, and reads.
void fail_sync(uint64_t workload, uint64_t seed, uint64_t sync, bool* came, Report* report) {
  const std::string name = "workload " + std::to_string(seed) + ", sync " + std::to_string(sync);
  ManualClock clock(kNow);
  Oracle oracle;
  const std::unique_ptr<MemoryVfs> disk = MemoryVfs::create(seed);
  Random random(seed + sync);
  Life life(*disk, clock, oracle, seed, habits_of(workload));
  disk->fail_sync_after(sync);
  Status status;
  for (uint64_t step = 0; step < kFailureSteps && status.ok(); ++step) status = life.step();
  if (status.ok() && life.store() != nullptr) status = life.close();
  *came = disk->syncs() >= sync;
  if (!*came) return;
  report->count("trials");
  if (status.ok()) return report->fail("swallowed", name + ", " + life.doing());
  const std::string doing = life.doing();
  if (life.store() != nullptr && doing != "close") {
    right(oracle.judge(*life.store(), true, random), name + ", alive", report);
    const uint64_t syncs = disk->syncs();
    const bool poisons = doing != "checkpoint" && doing != "open";
    const Status flushed = life.store()->flush();
    if (poisons && flushed.code() != Code::kPoisoned)
      report->fail("unpoisoned", name + ", " + doing + ": " + flushed.message());
    life.abandon();
    if (poisons && disk->syncs() != syncs) report->fail("retried", name + ", " + doing);
  }
  for (const Survival survival : {Survival::kNone, Survival::kAll, Survival::kRandom, Survival::kNewest}) {
    const std::unique_ptr<MemoryVfs> after = disk->power_loss(survival);
    check_reopened(*after, clock, oracle, false, random, name + ", power lost", report);
  }
  // The process alone ends. What the next one reads may be in the cache only, and no sync writes it any more: once the
  // next one has acknowledged something, that must not matter.
  life.abandon();
  Life next(*disk, clock, oracle, seed, Habits{});
  if (const Status opened = next.open(); !opened.ok())
    return report->fail("refused", name + ", reopened: " + opened.message());
  const Verdict verdict = oracle.judge(*next.store(), true, random);
  if (!right(verdict, name + ", reopened", report)) return;
  oracle.settle(verdict.prefix);
  for (uint64_t step = 0; step < kFailureStepsAfter; ++step) {
    const std::unique_ptr<MemoryVfs> after = disk->power_loss(step == 0 ? Survival::kNone : Survival::kRandom);
    if (step > 0) check_reopened(*after, clock, oracle, false, random, name + ", later", report);
    if (const Status later = next.step(); !later.ok()) return report->fail("refused", name + ": " + later.message());
  }
}

}  // namespace

void failed_syncs(const Settings& settings, Report* report) {
  declare_zeros(report);
  for (const char* what : {"leaked", "orphans", "swallowed", "unpoisoned", "retried"}) report->count(what, 0);
  for (uint64_t workload = 0; workload < kWorkloads; ++workload) {
    bool came = true;
    for (uint64_t sync = 1; came && report->of("trials") < settings.trials; ++sync) {
      fail_sync(workload, settings.seed * 1'000 + workload, sync, &came, report);
    }
    report->count("workloads");
  }
}

}  // namespace tsfeat::reliability
