#include "codec/runs.h"

#include <algorithm>

namespace tsfeat::codec {

namespace {

uint32_t end_of(const uint8_t* ends, uint32_t run) { return load<uint16_t>(ends + run * sizeof(uint16_t)); }

// The first run that ends after `row`.
uint32_t run_of(const uint8_t* ends, uint32_t runs, uint32_t row) {
  uint32_t low = 0;
  uint32_t high = runs;
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    if (end_of(ends, middle) <= row)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

}  // namespace

template <typename T>
uint32_t count_runs(const T* values, uint32_t count) {
  uint32_t runs = count == 0 ? 0 : 1;
  for (uint32_t i = 1; i < count; ++i) runs += values[i] != values[i - 1];
  return runs;
}

template <typename T>
void write_runs(const T* values, uint32_t count, uint32_t runs, std::string* out) {
  ByteWriter writer(out);
  writer.fixed(static_cast<uint16_t>(runs));
  for (uint32_t i = 1; i < count; ++i) {
    if (values[i] != values[i - 1]) writer.fixed(static_cast<uint16_t>(i));
  }
  writer.fixed(static_cast<uint16_t>(count));
  writer.fixed(values[0]);
  for (uint32_t i = 1; i < count; ++i) {
    if (values[i] != values[i - 1]) writer.fixed(values[i]);
  }
}

template <typename T>
Status check_runs(Bytes body, uint32_t count) {
  const auto damaged = [](const char* what) {
    return Status::corruption(std::string("a chunk of runs is damaged: ") + what);
  };
  if (body.size() < sizeof(uint16_t)) return damaged("its head is cut off");
  const uint32_t runs = load<uint16_t>(body.data());
  if (runs == 0 || body.size() != runs_size<T>(runs)) return damaged("its size is wrong");
  const uint8_t* ends = body.data() + sizeof(uint16_t);
  uint32_t before = 0;
  for (uint32_t run = 0; run < runs; ++run) {
    const uint32_t end = end_of(ends, run);
    if (end <= before) return damaged("its runs do not ascend");
    before = end;
  }
  return before == count ? Status() : damaged("its runs do not cover its values");
}

template <typename T>
void decode_runs(Bytes body, uint32_t begin, uint32_t end, uint8_t* out) {
  const uint32_t runs = load<uint16_t>(body.data());
  const uint8_t* ends = body.data() + sizeof(uint16_t);
  const uint8_t* values = ends + runs * sizeof(uint16_t);
  for (uint32_t run = run_of(ends, runs, begin); begin < end; ++run) {
    const uint32_t stop = std::min(end, end_of(ends, run));
    const T value = load<T>(values + run * sizeof(T));
    for (; begin < stop; ++begin, out += sizeof(T)) store<T>(out, value);
  }
}

#define TSFEAT_LANE(T)                                                     \
  template uint32_t count_runs<T>(const T*, uint32_t);                     \
  template void write_runs<T>(const T*, uint32_t, uint32_t, std::string*); \
  template Status check_runs<T>(Bytes, uint32_t);                          \
  template void decode_runs<T>(Bytes, uint32_t, uint32_t, uint8_t*)
TSFEAT_LANE(uint8_t);
TSFEAT_LANE(uint16_t);
TSFEAT_LANE(uint32_t);
TSFEAT_LANE(uint64_t);
#undef TSFEAT_LANE

}  // namespace tsfeat::codec
