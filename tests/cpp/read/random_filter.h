// Random filters together with what they mean, written a second time as functions on events.
#pragma once

#include <functional>
#include <random>

#include "read/events.h"
#include "read/filter.h"

namespace tsfeat::testing {

using Random = std::mt19937_64;

struct TestFilter {
  FilterNode node;
  // 0 false, 1 unknown, 2 true.
  std::function<int(const Event&, uint64_t row)> truth;
};

TestFilter const_filter(bool value);
TestFilter compare_time(Comparison comparison, int64_t operand);
TestFilter compare_item(Comparison comparison, uint64_t operand);
TestFilter compare_score(Comparison comparison, float operand);
TestFilter compare_text(Comparison comparison, std::string operand);
TestFilter compare_extra_rows(Comparison comparison, std::vector<int16_t> operands);
TestFilter action_in(std::vector<int32_t> operands);
TestFilter item_in(std::vector<uint64_t> operands);
TestFilter note_in(std::vector<std::string> operands);
TestFilter is_null(Position column);
TestFilter not_(TestFilter inner);
TestFilter both(TestFilter a, TestFilter b);
TestFilter either(TestFilter a, TestFilter b);

// rows: of the request; 0 for a scan, which gets no per-row operands.
TestFilter random_filter(Random& random, uint64_t rows, int depth);

}  // namespace tsfeat::testing
