// Floats that are decimals: each is the float nearest to integer / 10^exponent, bit for bit, with the few that are not
// (NaN, -0.0, longer fractions) kept aside. After ALP (Afroozeh, Kuffo, Boncz, SIGMOD 2023), but dividing: a correctly
// rounded quotient of two exact numbers is what a parser of decimal text returns, so no value of a decimal column is
// missed.
//   exponent u8 | exceptions u16 | positions u16[exceptions], ascending | values T[exceptions] | blocks of the integers
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/blocks.h"

namespace tsfeat::codec {

// T is the lane of the float's bits: uint32_t or uint64_t.
template <typename T>
struct DecimalPlan {
  uint8_t exponent = 0;
  std::vector<T> integers;  // signed, as their bits
  std::vector<uint16_t> exceptions;
  BlocksPlan<T> blocks;
  size_t size = 0;
};

// False unless nearly all values are decimals; on most other data after a sample.
template <typename T>
bool plan_decimal(const T* values, uint32_t count, DecimalPlan<T>* plan);
template <typename T>
void write_decimal(const T* values, const DecimalPlan<T>& plan, std::string* out);
template <typename T>
Status check_decimal(Bytes body, uint32_t count);
template <typename T>
void decode_decimal(Bytes body, uint32_t count, uint32_t begin, uint32_t end, uint8_t* out);

}  // namespace tsfeat::codec
