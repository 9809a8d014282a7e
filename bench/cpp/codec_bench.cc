// Sizes and speeds of the codecs on shapes of real columns: nanoseconds a value to encode, to decode a whole
// 1,024-value chunk, and to decode 200 of its rows. Chunks are visited in turn from a set that fits the L2 cache.
// Prints medians of 9 rounds.
//   codec_bench [rounds]
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
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

template <typename Work>
double median_ns(int rounds, Work work) {
  std::vector<double> ns;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    ns.push_back(std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(ns.begin(), ns.begin() + rounds / 2, ns.end());
  return ns[static_cast<size_t>(rounds) / 2];
}

void measure(const Column& column, Effort effort, int rounds) {
  const auto* values = reinterpret_cast<const uint8_t*>(column.bytes.data());
  const uint32_t chunk_bytes = kChunkValues * column.width;
  std::vector<std::string> chunks(kChunks);
  const double encode = median_ns(rounds, [&] {
    for (uint32_t i = 0; i < kChunks; ++i) {
      chunks[i].clear();
      encode_fixed(values + i * chunk_bytes, kChunkValues, column.width, column.kind, effort, &chunks[i]);
    }
  });
  size_t size = 0;
  const auto encoding = static_cast<uint8_t>(chunks[0][0]);
  for (std::string& chunk : chunks) {
    size += chunk.size();
    auto plain = inflate_fixed(tsfeat::as_bytes(chunk), kChunkValues, column.width);
    if (plain.ok() && !plain->empty()) chunk = *plain;
    if (!check_fixed(tsfeat::as_bytes(chunk), kChunkValues, column.width).ok()) std::abort();
  }
  std::vector<uint8_t> out(chunk_bytes);
  const double whole = median_ns(rounds, [&] {
    for (const std::string& chunk : chunks) {
      decode_fixed(tsfeat::as_bytes(chunk), kChunkValues, column.width, 0, kChunkValues, out.data());
    }
  });
  const double range = median_ns(rounds, [&] {
    for (uint32_t i = 0; i < kChunks; ++i) {
      const uint32_t begin = i * 25;
      decode_fixed(tsfeat::as_bytes(chunks[i]), kChunkValues, column.width, begin, begin + kRangeValues, out.data());
    }
  });
  constexpr double kValues = double{kChunks} * kChunkValues;
  std::printf("%-30s %-6s %-18s %7.3f %8.2f %8.2f %8.2f\n", column.name, effort == Effort::kFast ? "fast" : "small",
              name_of(encoding), static_cast<double>(size) / kValues, encode / kValues, whole / kValues,
              range / (double{kChunks} * kRangeValues));
}

}  // namespace

int main(int argc, char** argv) {
  Random random(20'260'101);
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 9;
  std::printf("%-30s %-6s %-18s %7s %8s %8s %8s\n", "column", "effort", "encoding", "B/value", "encode", "decode",
              "200 rows");
  for (const Column& each : columns(&random)) {
    measure(each, Effort::kFast, rounds);
    measure(each, Effort::kSmall, rounds);
  }
}
