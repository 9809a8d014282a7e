// With a fixed seed and clock and without threads, the same history gives the same bytes.

#include "base/crc32c.h"
#include "reliability/trial.h"

namespace tsfeat::reliability {
namespace {

std::map<std::string, std::string> live(uint64_t seed, const Habits& habits, Report* report) {
  ManualClock clock(kNow);
  Oracle oracle;
  const std::unique_ptr<MemoryVfs> disk = MemoryVfs::create(seed);
  Life life(*disk, clock, oracle, seed, habits);
  Status status;
  for (uint64_t step = 0; step < 60 && status.ok(); ++step) status = life.step();
  std::map<std::string, std::string> files = disk->files();  // its log included
  if (status.ok() && life.store() != nullptr) status = life.close();
  if (!status.ok()) report->fail("refused", "seed " + std::to_string(seed) + ": " + status.message());
  for (auto& [path, content] : disk->files()) files[path] = content;
  return files;
}

}  // namespace

void determinism(const Settings& settings, Report* report) {
  declare_zeros(report);
  report->count("different", 0);
  uint32_t digest = 0;
  for (uint64_t seed = settings.seed * 1'000; report->of("trials") < settings.trials; ++seed) {
    const auto first = live(seed, habits_of(seed), report);
    const std::string elsewhere(1 + seed % 9'000, 'x');  // so that the second run's memory lies differently
    const auto second = live(seed, habits_of(seed), report);
    for (const auto& [path, content] : first) {
      digest = crc32c(as_bytes(content), digest);
      const auto at = second.find(path);
      if (at == second.end() || at->second != content)
        report->fail("different",
                     "seed " + std::to_string(seed) + ": " + path + " of " + std::to_string(elsewhere.size()));
    }
    if (first.size() != second.size()) report->fail("different", "seed " + std::to_string(seed) + ": the files");
    report->count("trials");
  }
  report->count("digest", digest);  // the same in every process
}

}  // namespace tsfeat::reliability
