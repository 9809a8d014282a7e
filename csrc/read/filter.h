// Filters: a tree over columns, evaluated with Kleene's three values on encoded blocks' bounds first, on values after.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "schema/batch.h"
#include "schema/schema.h"
#include "source/source.h"

namespace tsfeat {

enum class Comparison : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

// A node. Operands are in the canonical form of the column's type (category: int32 codes, -1 = never seen). column: -1
// is the time, else the position in the schema.
struct FilterNode {
  enum class Kind : uint8_t { kConst, kAnd, kOr, kNot, kCompare, kCompareRows, kIn, kIsNull };
  Kind kind = Kind::kConst;
  bool constant = true;
  int column = -1;
  Comparison comparison = Comparison::kEqual;
  // The operand values (owned): one for kCompare, one a requested row for kCompareRows, any number for kIn.
  uint64_t value_count = 0;
  std::string fixed;             // value_count * width
  std::vector<int64_t> offsets;  // or variable-width
  std::string data;
  std::vector<FilterNode> children;
};

// Checks the tree against the schema (columns, operand sizes, rows of per-row operands, operators the type has):
// kSchema.
Status check_filter(const FilterNode& node, const Schema& schema, uint64_t requested_rows);

// Whether some operand is per requested row (a scan has none).
bool has_row_operands(const FilterNode& node);

// Evaluates for one requested row at a time. Not thread-safe; made for one read.
class FilterEvaluator {
 public:
  // Both outlive the evaluator. The filter was checked.
  static std::unique_ptr<FilterEvaluator> create(const FilterNode& node, const Schema& schema);
  virtual ~FilterEvaluator() = default;
  // False if bounds show that no row of `rows` in this source can match; `rows` lie in one block. Never a wrong false.
  virtual bool may_match(Source& source, RowRange rows, uint64_t requested_row) = 0;
  // matches[i] = 1 where row rows.begin + i is certainly true.
  virtual Status evaluate(Source& source, RowRange rows, uint64_t requested_row, uint8_t* matches) = 0;
};

}  // namespace tsfeat
