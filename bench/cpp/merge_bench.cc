// The ordered walk over several sources, which scans and compactions are: per event, without decoding.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

#include "read/merge.h"
#include "sample.h"

namespace {

constexpr uint64_t kUsers = 10'000, kEvents = 200'000, kAllVersions = uint64_t{1} << 40;

// Sources whose events interleave in time, so that each key's rows come in many slices: the worst case.
void merge(benchmark::State& state) {
  const auto sources = static_cast<uint64_t>(state.range(0));
  std::vector<std::shared_ptr<tsfeat::Memtable>> memtables;
  for (uint64_t part = 0; part < sources; ++part) {
    memtables.push_back(bench::sample_memtable(kUsers, kEvents / sources, part));
  }
  uint64_t slices = 0;
  std::vector<tsfeat::Slice> merged;
  for (auto _ : state) {
    std::vector<std::unique_ptr<tsfeat::Source>> owned;
    std::vector<tsfeat::Source*> inputs;
    for (const auto& memtable : memtables) inputs.push_back(owned.emplace_back(memtable->source(kAllVersions)).get());
    auto walk = tsfeat::KeyMerge::create(inputs);
    if (!walk.ok()) std::abort();
    for (slices = 0;;) {
      const auto more = (*walk)->next();
      if (!more.ok()) std::abort();
      if (!*more) break;
      merged.clear();
      if (!tsfeat::merge_parts((*walk)->parts(), &merged).ok()) std::abort();
      slices += merged.size();
    }
  }
  state.counters["slices"] = static_cast<double>(slices);
  state.counters["s/event"] = benchmark::Counter(static_cast<double>(state.iterations()) * double{kEvents},
                                                 benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(merge)->Arg(1)->Arg(2)->Arg(8)->Unit(benchmark::kMillisecond);

}  // namespace
