// Integers with a common step, such as milliseconds that are all whole seconds: base + step * integer, modulo 2^bits of
// T.
//   base T | step T | blocks of the integers
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/blocks.h"

namespace tsfeat::codec {

template <typename T>
struct StepsPlan {
  T base = 0;
  T step = 1;  // 1 if there is no common step
  std::vector<T> integers;
  BlocksPlan<T> blocks;
  size_t size = 0;
};

template <typename T>
void plan_steps(const T* values, uint32_t count, Order order, StepsPlan<T>* plan);
template <typename T>
void write_steps(const StepsPlan<T>& plan, std::string* out);
template <typename T>
Status check_steps(Bytes body, uint32_t count);
template <typename T>
void decode_steps(Bytes body, uint32_t count, uint32_t begin, uint32_t end, uint8_t* out);

}  // namespace tsfeat::codec
