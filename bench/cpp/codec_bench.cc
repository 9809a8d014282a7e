// Sizes and speeds of the codecs on shapes of real columns: encoding a chunk of 1,024 values, decoding all of it, and
// decoding 200 of its rows. Chunks are visited in turn from a set that fits the L2 cache. The counters: bytes a value,
// and nanoseconds a value; the label is the encoding that was chosen.
#include <benchmark/benchmark.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "codec/encoding.h"
#include "codec/fixed.h"

namespace {

using namespace tsfeat::codec;  // NOLINT: a program, not a header
using Random = std::mt19937_64;

constexpr uint32_t kChunkValues = 1024;
constexpr uint32_t kChunks = 32;
constexpr uint32_t kRangeValues = 200;

struct Column {
  const char* name;
  uint32_t width;
  Kind kind;
  std::string bytes;
};

template <typename T, typename Draw>
Column column(const char* name, Kind kind, Draw draw) {
  Column made{name, sizeof(T), kind, {}};
  for (uint32_t i = 0; i < kChunkValues * kChunks; ++i) {
    const T value = static_cast<T>(draw(i));
    made.bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return made;
}

// Sorted milliseconds within each key of `events` events over 90 days.
auto times(uint32_t events, int64_t unit_ms, Random* random) {
  constexpr double kSpanMs = 90 * 86'400'000.0;
  return [=, now = int64_t{0}](uint32_t i) mutable {
    std::exponential_distribution<double> gap(events / kSpanMs);
    if (i % events == 0) now = 1'700'000'000'000;
    now += static_cast<int64_t>(gap(*random)) / unit_ms * unit_ms;
    return now;
  };
}

std::vector<Column> columns(Random* random) {
  std::lognormal_distribution<double> dwell(std::log(8000.0), 1.2);
  std::normal_distribution<double> normal;
  std::discrete_distribution<int> type({.55, .2, .1, .06, .04, .03, .015, .005});
  const auto draw = [random](uint64_t bound) { return (*random)() % bound; };
  const auto zipf = [random](double ranks) {
    return std::exp(std::uniform_real_distribution<double>(0, std::log(ranks))(*random));
  };
  return {
      column<int64_t>("time ms, one heavy user", Kind::kSigned, times(30'000, 1, random)),
      column<int64_t>("time ms, users of 50", Kind::kSigned, times(50, 1, random)),
      column<int64_t>("time ms, whole seconds", Kind::kSigned, times(400, 1000, random)),
      column<uint64_t>("item, hashed zipf of 1 M", Kind::kUnsigned,
                       [&](uint32_t) { return static_cast<uint64_t>(zipf(1e6)) * 0x9e3779b97f4a7c15u; }),
      column<uint8_t>("type, 8 values", Kind::kUnsigned, [&](uint32_t) { return type(*random); }),
      column<uint32_t>("dwell, log-normal", Kind::kUnsigned, [&](uint32_t) { return dwell(*random); }),
      column<float>("score f32, sigmoid", Kind::kFloat, [&](uint32_t) { return 1 / (1 + std::exp(-normal(*random))); }),
      column<float>("embedding f32, normal", Kind::kFloat, [&](uint32_t) { return normal(*random); }),
      column<double>("price f64, 2 decimals", Kind::kFloat,
                     [&](uint32_t) { return static_cast<double>(draw(20'000)) / 100; }),
      column<double>("noise f64", Kind::kFloat, [&](uint32_t) { return std::bit_cast<double>((*random)()); }),
      column<int32_t>("category i32, 200 codes zipf", Kind::kUnsigned, [&](uint32_t) { return zipf(200); }),
      column<int32_t>("session i32, runs of 30", Kind::kUnsigned,
                      [&](uint32_t i) { return i / 30 * 77'777 % 1'000'003; }),
      column<uint8_t>("flag", Kind::kUnsigned, [&](uint32_t) { return draw(10) == 0; }),
      column<uint32_t>("constant", Kind::kUnsigned, [](uint32_t) { return 7; }),
  };
}

const char* name_of(uint8_t encoding) {
  static const char* const names[] = {
      "raw", "constant", "blocks", "steps", "dictionary", "runs", "decimal", "sign last", "packed dictionary", "zstd"};
  return encoding < std::size(names) ? names[encoding] : "?";
}

// Chunk number i of the column, encoded; and made plain, as the cache holds it.
struct Chunks {
  std::array<std::string, kChunks> stored;
  std::array<std::string, kChunks> plain;
  double bytes_per_value = 0;
};

const uint8_t* values_of(const Column& column, uint32_t chunk) {
  return reinterpret_cast<const uint8_t*>(column.bytes.data()) + size_t{chunk} * kChunkValues * column.width;
}

Chunks encode(const Column& column, Effort effort) {
  Chunks out;
  for (uint32_t i = 0; i < kChunks; ++i) {
    encode_fixed(values_of(column, i), kChunkValues, column.width, column.kind, effort, &out.stored[i]);
    out.bytes_per_value += static_cast<double>(out.stored[i].size()) / (double{kChunks} * kChunkValues);
    auto plain = inflate_fixed(tsfeat::as_bytes(out.stored[i]), kChunkValues, column.width);
    out.plain[i] = plain.ok() && !plain->empty() ? *plain : out.stored[i];
    if (!check_fixed(tsfeat::as_bytes(out.plain[i]), kChunkValues, column.width).ok()) std::abort();
  }
  return out;
}

void count(benchmark::State& state, const Chunks& chunks, uint32_t values) {
  state.SetLabel(name_of(static_cast<uint8_t>(chunks.stored[0][0])));
  state.counters["B/value"] = chunks.bytes_per_value;
  state.counters["s/value"] = benchmark::Counter(static_cast<double>(state.iterations()) * values,
                                                 benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void bench_encode(benchmark::State& state, const Column& column, Effort effort) {
  const Chunks chunks = encode(column, effort);
  std::string out;
  uint32_t next = 0;
  for (auto _ : state) {
    out.clear();
    encode_fixed(values_of(column, next++ % kChunks), kChunkValues, column.width, column.kind, effort, &out);
    benchmark::DoNotOptimize(out.data());
  }
  count(state, chunks, kChunkValues);
}

void bench_decode(benchmark::State& state, const Column& column, Effort effort, uint32_t values) {
  const Chunks chunks = encode(column, effort);
  std::vector<uint8_t> out(size_t{values} * column.width);
  uint32_t next = 0;
  for (auto _ : state) {
    const uint32_t chunk = next++ % kChunks;
    const uint32_t begin = values == kChunkValues ? 0 : chunk * 25;
    decode_fixed(tsfeat::as_bytes(chunks.plain[chunk]), kChunkValues, column.width, begin, begin + values, out.data());
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  count(state, chunks, values);
}

// All of them, before main() looks at its arguments.
[[maybe_unused]] const bool registered = [] {
  static Random random(20'260'101);
  static const std::vector<Column> all = columns(&random);
  for (const Column& column : all) {
    for (const Effort effort : {Effort::kFast, Effort::kSmall}) {
      const std::string name = std::string(column.name) + (effort == Effort::kFast ? "/fast" : "/small");
      benchmark::RegisterBenchmark(("codec/encode/" + name).c_str(), bench_encode, column, effort);
      benchmark::RegisterBenchmark(("codec/decode/" + name).c_str(), bench_decode, column, effort, kChunkValues);
      benchmark::RegisterBenchmark(("codec/decode 200/" + name).c_str(), bench_decode, column, effort, kRangeValues);
    }
  }
  return true;
}();

}  // namespace
