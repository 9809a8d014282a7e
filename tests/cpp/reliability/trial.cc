#include "reliability/trial.h"

#include <cerrno>

#include "reliability/ordering.h"
#include "vfs/fault.h"

namespace tsfeat::reliability {
namespace {

const char* name_of(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::kRight:
      return "right";
    case Verdict::Kind::kLost:
      return "lost";
    case Verdict::Kind::kHole:
      return "holes";
    case Verdict::Kind::kPhantom:
      return "phantoms";
    case Verdict::Kind::kWrong:
      return "wrong";
    case Verdict::Kind::kRefused:
      return "refused";
  }
  return "";
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return out + '"';
}

constexpr uint64_t kOneIn = 8;  // of the looks go further

Verdict refused(const Status& status) { return {Verdict::Kind::kRefused, 0, status.message()}; }

Verdict verified(Store& store) {
  const Result<VerifyReport> found = store.verify({});
  if (!found.ok()) return refused(found.status());
  if (found->problems.empty()) return {};
  return {Verdict::Kind::kWrong, 0, "verify: " + found->problems[0].file + ": " + found->problems[0].message};
}

Verdict inspect_checkpoint(MemoryVfs& disk, const Clock& clock, const Life::Checkpoint& checkpoint, Random& random) {
  const Result<std::shared_ptr<Store>> store = Store::open(disk, clock, checkpoint.path, false, small_options());
  if (!store.ok()) return refused(store.status());
  Verdict verdict = checkpoint.content.judge(**store, true, random);
  return verdict.kind == Verdict::Kind::kRight ? verified(**store) : verdict;
}

}  // namespace

void Report::fail(const std::string& what, const std::string& how_to_repeat) {
  count(what);
  ++failed_;
  if (examples_.size() < kMostExamples) examples_.push_back(what + ": " + how_to_repeat);
}

uint64_t Report::of(const std::string& what) const {
  const auto at = counts_.find(what);
  return at == counts_.end() ? 0 : at->second;
}

std::string Report::json() const {
  std::string out = "{";
  for (const auto& [what, times] : counts_) out += quoted(what) + ": " + std::to_string(times) + ", ";
  out += "\"failures\": [";
  for (const std::string& example : examples_) out += (&example == examples_.data() ? "" : ", ") + quoted(example);
  return out + "]}";
}

void declare_zeros(Report* report) {
  for (const char* what : {"lost", "holes", "phantoms", "wrong", "refused", "order"}) report->count(what, 0);
}

void note(const Verdict& verdict, const std::string& how_to_repeat, Report* report) {
  if (verdict.kind != Verdict::Kind::kRight) report->fail(name_of(verdict.kind), how_to_repeat + ": " + verdict.why);
}

void note(const std::vector<std::string>& violations, const std::string& how_to_repeat, Report* report) {
  for (const std::string& violation : violations) report->fail("order", how_to_repeat + ": " + violation);
}

Verdict inspect(MemoryVfs& disk, const Clock& clock, const Oracle& oracle,
                const std::optional<Life::Checkpoint>& checkpoint, bool no_loss, Random& random) {
  const std::unique_ptr<FaultVfs> faulty = FaultVfs::create(&disk);
  Ordering ordering(disk, kStorePath);
  const std::unique_ptr<Vfs> watched = watch(*faulty, &ordering);
  Verdict verdict;
  Oracle settled;
  {
    const Result<std::shared_ptr<Store>> store = Store::open(*watched, clock, kStorePath, true, small_options());
    if (!store.ok()) return refused(store.status());
    verdict = oracle.judge(**store, no_loss, random);
    if (verdict.kind == Verdict::Kind::kRight && random.below(kOneIn) == 0) {
      const Verdict checked = verified(**store);
      if (checked.kind != Verdict::Kind::kRight) verdict = checked;
    }
    faulty->fail_after(1, EIO, false);  // the process is killed: closing does nothing any more
  }
  if (verdict.kind != Verdict::Kind::kRight) return verdict;
  if (!ordering.violations().empty()) return {Verdict::Kind::kHole, 0, "order: " + ordering.violations()[0]};
  if (checkpoint && random.below(kOneIn) == 0) {
    const Verdict copy = inspect_checkpoint(disk, clock, *checkpoint, random);
    if (copy.kind != Verdict::Kind::kRight) return {copy.kind, 0, "checkpoint: " + copy.why};
  }
  if (random.below(kOneIn) != 0) return verdict;

  // On from here: a few more steps, and the power fails again.
  settled = oracle;
  settled.settle(verdict.prefix);
  {
    Life life(disk, clock, settled, random.next(), Habits{});
    for (uint64_t step = 2 + random.below(6); step > 0; --step) {
      if (const Status status = life.step(); !status.ok()) return refused(status);
    }
    std::unique_ptr<MemoryVfs> after = disk.power_loss(kSurvivals[random.below(kSurvivalCount)]);
    const Result<std::shared_ptr<Store>> store = Store::open(*after, clock, kStorePath, true, small_options());
    if (!store.ok()) return refused(store.status());
    const Verdict later = settled.judge(**store, false, random);
    if (later.kind != Verdict::Kind::kRight) return {later.kind, 0, "later: " + later.why};
  }
  return verdict;
}

}  // namespace tsfeat::reliability
