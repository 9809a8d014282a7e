// What a system returns: a jagged batch, as contiguous columns and the offsets of its rows; and its checksum, the same
// as bench/systems/checksum.py computes.
#pragma once

#include <cstdint>
#include <vector>

namespace bench {

struct AnswerColumn {
  const uint8_t* data = nullptr;
  uint32_t width = 0;
};

// Row r is elements offsets[r] .. offsets[r + 1] of each column, oldest first. The arrays belong to the system.
struct Answer {
  uint64_t rows = 0;
  const int64_t* offsets = nullptr;  // rows + 1
  std::vector<AnswerColumn> columns;
  const uint64_t* row_numbers = nullptr;  // of a join that answers in an order of its own

  uint64_t events() const { return rows == 0 ? 0 : static_cast<uint64_t>(offsets[rows]); }
};

// Its first row has number `first_row`, unless the rows are numbered.
uint64_t rows_checksum(const Answer& answer, uint64_t first_row);
// Of a piece of a scan: order does not matter, and rows do not.
uint64_t scan_checksum(const Answer& answer);

}  // namespace bench
