// Runs of equal values: where each run ends, and its value.
//   runs u16 | ends u16[runs], ascending, the last is the count | values T[runs]
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/status.h"

namespace tsfeat::codec {

template <typename T>
size_t runs_size(uint32_t runs) {
  return sizeof(uint16_t) + runs * (sizeof(uint16_t) + sizeof(T));
}
template <typename T>
uint32_t count_runs(const T* values, uint32_t count);
template <typename T>
void write_runs(const T* values, uint32_t count, uint32_t runs, std::string* out);
template <typename T>
Status check_runs(Bytes body, uint32_t count);
template <typename T>
void decode_runs(Bytes body, uint32_t begin, uint32_t end, uint8_t* out);

}  // namespace tsfeat::codec
