// What all trials share: how they count, and how a store that a crash left is looked at.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "reliability/life.h"
#include "vfs/memory.h"

namespace tsfeat::reliability {

struct Settings {
  uint64_t trials = 1'000;
  uint64_t seed = 1;
  uint64_t depth = 2;     // of crashes during recovery
  double seconds = 1e9;   // stop after so many
  std::string directory;  // for what needs real files; empty: none
};

// What was tried, and what came of it. Every command counts "trials", and what must be zero.
class Report {
 public:
  void count(const std::string& what, uint64_t times = 1) { counts_[what] += times; }
  void fail(const std::string& what, const std::string& how_to_repeat);
  uint64_t of(const std::string& what) const;
  uint64_t failures() const { return failed_; }
  std::string json() const;  // one line

 private:
  static constexpr size_t kMostExamples = 40;
  std::map<std::string, uint64_t> counts_;
  uint64_t failed_ = 0;
  std::vector<std::string> examples_;
};

// Counts a verdict that is not right under what it is.
void note(const Verdict& verdict, const std::string& how_to_repeat, Report* report);
void note(const std::vector<std::string>& violations, const std::string& how_to_repeat, Report* report);
// Zero columns are shown too.
void declare_zeros(Report* report);

inline constexpr int64_t kNow = 1'000'000'000'000;

inline constexpr Survival kSurvivals[] = {Survival::kRandom, Survival::kNone,   Survival::kAll,
                                          Survival::kNewest, Survival::kOldest, Survival::kSizes,
                                          Survival::kNames,  Survival::kTorn,   Survival::kGarbage};
inline constexpr uint64_t kSurvivalCount = std::size(kSurvivals);

// Opens the store on the disk as a writer, judges it, sometimes verifies it and its latest checkpoint, sometimes lets
// it live on and cuts the power again; then its process is killed. `no_loss`: the power did not fail.
Verdict inspect(MemoryVfs& disk, const Clock& clock, const Oracle& oracle,
                const std::optional<Life::Checkpoint>& checkpoint, bool no_loss, Random& random);

// The commands. Each is a function of its settings alone.
void power_loss(const Settings& settings, Report* report);
void system_calls(const Settings& settings, Report* report);
void recovery(const Settings& settings, Report* report);
void faults(const Settings& settings, Report* report);
void failed_syncs(const Settings& settings, Report* report);
void allocations(const Settings& settings, Report* report);    // in the program only
void system_faults(const Settings& settings, Report* report);  // likewise
void flipped_bits(const Settings& settings, Report* report);
void damage(const Settings& settings, Report* report);
void determinism(const Settings& settings, Report* report);

}  // namespace tsfeat::reliability
