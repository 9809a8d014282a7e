// Finding keys in a run: the bloom filter, the fences and the directory. Keys of a batch are looked up at once, so that
// misses overlap; the counter is the time per key.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <random>
#include <vector>

#include "sample.h"
#include "vfs/memory.h"

namespace {

constexpr uint64_t kUsers = 100'000, kEvents = 1'000'000;

tsfeat::Run& run() {
  static const auto disk = tsfeat::MemoryVfs::create(1);
  static const auto cache = tsfeat::BlockCache::create(uint64_t{96} << 20);
  static const auto made = bench::sample_run(*disk, cache, kUsers, kEvents, 0);
  return *made;
}

// present: whether the run has the keys.
void locate(benchmark::State& state, bool present) {
  const auto batch = static_cast<size_t>(state.range(0));
  std::mt19937_64 random(1);
  std::vector<std::vector<tsfeat::Probe>> batches(64);
  for (std::vector<tsfeat::Probe>& probes : batches) {
    for (size_t i = 0; i < batch; ++i) {
      probes.push_back({tsfeat::KeyView::from_uint64(random() % kUsers * 2 + (present ? 0 : 1))});
    }
  }
  std::vector<tsfeat::RowRange> answers(batch);
  tsfeat::Run& where = run();
  size_t next = 0;
  for (auto _ : state) {
    const auto source = where.source();
    if (!source->locate(batches[next++ % batches.size()], answers).ok()) std::abort();
    benchmark::DoNotOptimize(answers.data());
  }
  state.counters["s/key"] = benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(batch),
                                               benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK_CAPTURE(locate, present, true)->Arg(1)->Arg(512);
BENCHMARK_CAPTURE(locate, absent, false)->Arg(1)->Arg(512);

// Finding a key and decoding its last 8 rows, all columns: what a small read costs without its plan.
void last_rows(benchmark::State& state) {
  constexpr uint64_t kRows = 8;
  std::mt19937_64 random(2);
  const auto schema = bench::sample_schema();
  std::vector<uint8_t> out(kRows * 8);
  tsfeat::Run& where = run();
  for (auto _ : state) {
    const auto source = where.source();
    const tsfeat::Probe probe{tsfeat::KeyView::from_uint64(random() % kUsers * 2)};
    tsfeat::RowRange rows;
    if (!source->locate({&probe, 1}, {&rows, 1}).ok()) std::abort();
    rows.begin = rows.end - std::min(kRows, rows.size());
    if (!source->times(rows, reinterpret_cast<int64_t*>(out.data())).ok()) std::abort();
    for (const tsfeat::Column& column : schema->columns) {
      if (!source->fixed(column, rows, out.data()).ok()) std::abort();
    }
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(last_rows);

}  // namespace
