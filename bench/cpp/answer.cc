#include "answer.h"

#include <cstring>

namespace bench {
namespace {

constexpr uint64_t kSix = 0xBF58476D1CE4E5B9, kSeven = 0x94D049BB133111EB;

uint64_t word_constant(uint64_t index) {
  uint64_t value = (index + 1) * 0x9E3779B97F4A7C15;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return (value ^ (value >> 31)) | 1;
}

template <typename T>
void add_words(const uint8_t* data, uint32_t stride, uint64_t constant, std::vector<uint64_t>* sums) {
  for (size_t i = 0; i < sums->size(); ++i) {
    T word;
    std::memcpy(&word, data + i * stride, sizeof word);
    (*sums)[i] += word * constant;
  }
}

// One hash for each event, before the position is mixed in.
std::vector<uint64_t> hashes(const Answer& answer) {
  std::vector<uint64_t> out(answer.events(), 0);
  uint64_t index = 0;
  for (const AnswerColumn& column : answer.columns) {
    switch (column.width) {
      case 1:
        add_words<uint8_t>(column.data, 1, word_constant(index++), &out);
        break;
      case 2:
        add_words<uint16_t>(column.data, 2, word_constant(index++), &out);
        break;
      case 4:
        add_words<uint32_t>(column.data, 4, word_constant(index++), &out);
        break;
      default:
        for (uint32_t byte = 0; byte < column.width; byte += 8) {
          add_words<uint64_t>(column.data + byte, column.width, word_constant(index++), &out);
        }
    }
  }
  for (uint64_t& hash : out) hash = (hash ^ (hash >> 29)) * kSix;
  return out;
}

}  // namespace

uint64_t rows_checksum(const Answer& answer, uint64_t first_row) {
  const std::vector<uint64_t> events = hashes(answer);
  uint64_t sum = 0;
  for (uint64_t row = 0; row < answer.rows; ++row) {
    const uint64_t number = answer.row_numbers != nullptr ? answer.row_numbers[row] : first_row + row;
    const auto begin = static_cast<uint64_t>(answer.offsets[row]), end = static_cast<uint64_t>(answer.offsets[row + 1]);
    for (uint64_t i = begin; i < end; ++i) sum += (events[i] ^ ((i - begin) * kSeven)) * (2 * number + 1);
  }
  return sum;
}

uint64_t scan_checksum(const Answer& answer) {
  uint64_t sum = 0;
  for (const uint64_t hash : hashes(answer)) sum += hash;
  return sum;
}

}  // namespace bench
