// The distinct values of a chunk, and a code for each value: its index among them.
//   plain:  distinct u16 | values T[distinct] | codes: blocks of uint8_t (distinct <= 256) or uint16_t
//   packed: distinct u16 | bytes u32 | values: blocks of T, so many bytes | codes, as above
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "codec/blocks.h"

namespace tsfeat::codec {

inline constexpr uint32_t kMaxByteCodes = 256;

template <typename T>
struct DictionaryPlan {
  std::vector<T> distinct;  // in order of first appearance, unless sorted
  std::vector<uint16_t> codes;
  std::vector<uint8_t> byte_codes;  // the same, if there are at most kMaxByteCodes distinct values
  BlocksPlan<uint16_t> code_blocks;
  BlocksPlan<uint8_t> byte_code_blocks;
  BlocksPlan<T> value_blocks;  // once sorted
  size_t size = 0;             // of the plain body
  size_t packed_size = 0;      // of the packed body, once sorted
};

// False if a body would reach `limit` bytes; gives up as soon as that is plain, on most data after a sample.
template <typename T>
bool plan_dictionary(const T* values, uint32_t count, size_t limit, DictionaryPlan<T>* plan);
// Sorts the distinct values, so that they pack well.
template <typename T>
void sort_dictionary(DictionaryPlan<T>* plan);

template <typename T>
void write_dictionary(const DictionaryPlan<T>& plan, std::string* out);
template <typename T>
void write_packed_dictionary(const DictionaryPlan<T>& plan, std::string* out);
// The plain body of a packed one from an untrusted source.
template <typename T>
Result<std::string> unpack_dictionary(Bytes body);

template <typename T>
Status check_dictionary(Bytes body, uint32_t count);
template <typename T>
void decode_dictionary(Bytes body, uint32_t count, uint32_t begin, uint32_t end, uint8_t* out);
// The values of rows that ascend.
template <typename T>
void pick_dictionary(Bytes body, uint32_t count, std::span<const uint32_t> rows, uint8_t* out);

}  // namespace tsfeat::codec
