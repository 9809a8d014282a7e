// Filter expressions: any tree is refused or evaluated, within bounds, over a few events.
#include <memory>

#include "fuzz.h"
#include "memtable/memtable.h"
#include "read/filter.h"

namespace tsfeat::fuzz {
namespace {

constexpr uint64_t kRows = 37;
constexpr int kMostDepth = 6;

std::shared_ptr<const Schema> make_schema() {
  Schema schema;
  schema.key_name = "key";
  schema.time_name = "ts";
  for (const Type type : {Type::kBool, Type::kInt8, Type::kUint16, Type::kInt64, Type::kFloat32, Type::kFloat64,
                          Type::kCategory, Type::kString, Type::kVectorFloat32}) {
    Column& column = schema.columns.emplace_back();
    column.id = schema.next_column_id++;
    column.name = "c" + std::to_string(column.id);
    column.type = type;
    column.dimension = is_vector(type) ? 2 : 1;
    column.nullable = column.id % 2 == 0;
  }
  return std::make_shared<const Schema>(std::move(schema));
}

// Events of one key; a column's values are the bytes of a counter.
std::shared_ptr<Memtable> make_events(const std::shared_ptr<const Schema>& schema) {
  static uint8_t values[kRows * 16], validity[kRows];
  static int64_t times[kRows], offsets[kRows + 1];
  static uint64_t keys[kRows];
  for (size_t i = 0; i < sizeof values; ++i) values[i] = static_cast<uint8_t>(i * 31);
  for (size_t i = 0; i < kRows; ++i) {
    validity[i] = i % 3 != 0;
    times[i] = static_cast<int64_t>(i);
    offsets[i + 1] = static_cast<int64_t>(i * 3);
  }
  Batch batch;
  batch.rows = kRows;
  batch.keys.fixed = reinterpret_cast<const uint8_t*>(keys);
  batch.times = times;
  for (const Column& column : schema->columns) {
    ColumnView& view = batch.columns.emplace_back();
    if (is_varlen(column.type)) view.offsets = offsets;
    (is_varlen(column.type) ? view.data : view.fixed) = values;
    if (column.nullable) view.validity = validity;
  }
  std::shared_ptr<Memtable> memtable = Memtable::create(schema);
  memtable->insert(batch, 1);
  return memtable;
}

FilterNode make_node(Choices& choices, int depth) {
  FilterNode node;
  node.kind = static_cast<FilterNode::Kind>(choices.below(depth == 0 ? 5 : 8));
  node.constant = choices.flip();
  node.column = static_cast<int>(choices.below(12)) - 2;
  node.comparison = static_cast<Comparison>(choices.below(6));
  node.value_count = choices.below(5);
  const Bytes fixed = choices.some(64);
  node.fixed.assign(fixed.begin(), fixed.end());
  const Bytes data = choices.some(16);
  node.data.assign(data.begin(), data.end());
  if (choices.flip()) {
    node.offsets.push_back(0);
    for (uint64_t i = 0; i < node.value_count; ++i) node.offsets.push_back(static_cast<int64_t>(choices.below(20)) - 2);
  }
  if (depth > 0) {
    for (uint64_t left = choices.below(4); left > 0; --left) node.children.push_back(make_node(choices, depth - 1));
  }
  return node;
}

}  // namespace

void test_one(Bytes input) {
  static const std::shared_ptr<const Schema> schema = make_schema();
  static const std::shared_ptr<Memtable> events = make_events(schema);
  Choices choices(input);
  const uint64_t requested = choices.below(4);
  const FilterNode node = make_node(choices, static_cast<int>(choices.below(kMostDepth)));
  if (!check_filter(node, *schema, requested).ok()) return;
  const std::unique_ptr<FilterEvaluator> evaluator = FilterEvaluator::create(node, *schema);
  const std::unique_ptr<Source> source = events->source(1);
  const std::unique_ptr<KeyCursor> cursor = source->walk();
  expect(*cursor->next() && cursor->rows().size() == kRows, "the events are there");
  for (uint64_t row = 0; row < std::max<uint64_t>(1, requested); ++row) {
    if (requested == 0 && has_row_operands(node)) return;
    const RowRange rows = cursor->rows();
    uint8_t matches[kRows];
    expect(evaluator->evaluate(*source, rows, row, matches).ok(), "memory can be read");
    const bool any = std::any_of(matches, matches + kRows, [](uint8_t match) { return match != 0; });
    expect(!any || evaluator->may_match(*source, rows, row), "bounds never hide a match");
  }
}

void mend(std::vector<uint8_t>*) {}

}  // namespace tsfeat::fuzz
