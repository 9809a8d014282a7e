#include "read/filter.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "read/filter_leaf.h"
#include "source/decode.h"

namespace tsfeat {
namespace {

using Kind = FilterNode::Kind;

// A node with what is prepared once; `slot` says which of the decoded columns it reads.
struct Node {
  const FilterNode* from = nullptr;
  const Column* column = nullptr;  // null: the time
  size_t slot = 0;
  std::optional<Leaf> leaf;
  std::vector<Node> children;
};

// A column of the rows at hand, decoded when first asked for.
struct ColumnSlot {
  const Column* column = nullptr;
  bool decoded = false;
  std::vector<uint8_t> fixed;
  codec::VarlenBuffer varlen;
  std::vector<uint8_t> validity;
};

class TreeEvaluator final : public FilterEvaluator {
 public:
  TreeEvaluator(const FilterNode& node, const Schema& schema) : schema_(schema), root_(prepare(node)) {}

  bool may_match(Source& source, RowRange rows, uint64_t requested_row) override {
    return outlook(root_, source, rows, requested_row).may_match;
  }

  Status evaluate(Source& source, RowRange rows, uint64_t requested_row, uint8_t* matches) override {
    source_ = &source;
    rows_ = rows;
    requested_row_ = requested_row;
    for (ColumnSlot& slot : slots_) slot.decoded = false;
    TSFEAT_TRY(evaluate_node(root_, 0, matches));
    for (uint64_t i = 0; i < rows.size(); ++i) matches[i] = matches[i] == kTrue ? 1 : 0;
    return {};
  }

 private:
  Node prepare(const FilterNode& from) {
    Node node{.from = &from, .column = nullptr, .slot = 0, .leaf = {}, .children = {}};
    for (const FilterNode& child : from.children) node.children.push_back(prepare(child));
    if (from.kind == Kind::kConst || !node.children.empty() || from.kind == Kind::kAnd || from.kind == Kind::kOr)
      return node;
    if (from.column >= 0) node.column = &schema_.columns[static_cast<size_t>(from.column)];
    if (from.kind != Kind::kIsNull) node.leaf.emplace(from, node.column == nullptr ? Type::kInt64 : node.column->type);
    while (node.slot < slots_.size() && slots_[node.slot].column != node.column) ++node.slot;
    if (node.slot == slots_.size()) slots_.emplace_back().column = node.column;
    return node;
  }

  // What bounds say: a null neither matches nor fails, so it counts for neither.
  Leaf::Outlook outlook(const Node& node, Source& source, RowRange rows, uint64_t requested_row) const {
    switch (node.from->kind) {
      case Kind::kConst:
        return {node.from->constant, !node.from->constant};
      case Kind::kNot: {
        const Leaf::Outlook inner = outlook(node.children[0], source, rows, requested_row);
        return {inner.may_fail, inner.may_match};
      }
      case Kind::kAnd:
      case Kind::kOr: {
        const bool all = node.from->kind == Kind::kAnd;
        Leaf::Outlook whole{all, !all};
        for (const Node& child : node.children) {
          const Leaf::Outlook part = outlook(child, source, rows, requested_row);
          whole.may_match = all ? whole.may_match && part.may_match : whole.may_match || part.may_match;
          whole.may_fail = all ? whole.may_fail || part.may_fail : whole.may_fail && part.may_fail;
        }
        return whole;
      }
      default:
        return leaf_outlook(node, source, rows, requested_row);
    }
  }

  static Leaf::Outlook leaf_outlook(const Node& node, Source& source, RowRange rows, uint64_t requested_row) {
    const Column* column = node.column;
    BlockBounds bounds{.rows = rows};
    if (column != nullptr && !source.has_column(column->id)) {
      const bool present = column->default_value && column->default_value->valid;
      bounds.may_have_null = !present;
      if (!present) return {node.from->kind == Kind::kIsNull, false};
      if (node.from->kind == Kind::kIsNull || is_varlen(column->type)) return {node.from->kind != Kind::kIsNull, true};
      const auto* value = reinterpret_cast<const uint8_t*>(column->default_value->bytes.data());
      bounds.bounded = !is_nan(column->type, value);
      bounds.may_have_nan = !bounds.bounded;
      bounds.min = bounds.max = order_bits(column->type, value);
    } else {
      bounds = source.bounds(column, rows.begin);
      if (bounds.rows.end < rows.end) return {};  // a block of this column's own: it does not speak for all the rows
    }
    if (node.from->kind == Kind::kIsNull) return {column != nullptr && column->nullable && bounds.may_have_null, true};
    return node.leaf->outlook(bounds, requested_row);
  }

  Status evaluate_node(const Node& node, size_t depth, uint8_t* truth) {
    const uint64_t count = rows_.size();
    switch (node.from->kind) {
      case Kind::kConst:
        std::memset(truth, node.from->constant ? kTrue : kFalse, count);
        return {};
      case Kind::kNot:
        TSFEAT_TRY(evaluate_node(node.children[0], depth, truth));
        for (uint64_t i = 0; i < count; ++i) truth[i] = static_cast<uint8_t>(kTrue - truth[i]);
        return {};
      case Kind::kAnd:
        return combine(node, depth, kTrue, truth);
      case Kind::kOr:
        return combine(node, depth, kFalse, truth);
      default:
        return evaluate_leaf(node, truth);
    }
  }

  // `neutral` is the value of no children; once nothing but its opposite is left, further columns need not be decoded.
  Status combine(const Node& node, size_t depth, Truth neutral, uint8_t* truth) {
    const uint64_t count = rows_.size();
    const auto decided = static_cast<uint8_t>(kTrue - neutral);
    std::memset(truth, neutral, count);
    for (const Node& child : node.children) {
      if (buffers_.size() <= depth) buffers_.resize(depth + 1);
      buffers_[depth].resize(count);
      TSFEAT_TRY(evaluate_node(child, depth + 1, buffers_[depth].data()));
      const uint8_t* const part = buffers_[depth].data();
      uint8_t open = 0;
      for (uint64_t i = 0; i < count; ++i) {
        truth[i] = neutral == kTrue ? std::min(truth[i], part[i]) : std::max(truth[i], part[i]);
        open = static_cast<uint8_t>(open | (truth[i] ^ decided));
      }
      if (open == 0) break;
    }
    return {};
  }

  Status evaluate_leaf(const Node& node, uint8_t* truth) {
    ColumnSlot& slot = slots_[node.slot];
    const uint64_t count = rows_.size();
    if (!slot.decoded) TSFEAT_TRY(decode(slot));
    const bool nullable = node.column != nullptr && node.column->nullable;
    if (node.from->kind == Kind::kIsNull) {
      for (uint64_t i = 0; i < count; ++i) truth[i] = nullable && slot.validity[i] == 0 ? kTrue : kFalse;
      return {};
    }
    node.leaf->evaluate({slot.fixed.data(), &slot.varlen, count}, requested_row_, truth);
    for (uint64_t i = 0; nullable && i < count; ++i) truth[i] = slot.validity[i] == 0 ? uint8_t{kUnknown} : truth[i];
    return {};
  }

  Status decode(ColumnSlot& slot) {
    const uint64_t count = rows_.size();
    slot.decoded = true;
    if (slot.column == nullptr) {
      slot.fixed.resize(count * sizeof(int64_t));
      return source_->times(rows_, reinterpret_cast<int64_t*>(slot.fixed.data()));
    }
    const Column& column = *slot.column;
    ColumnSink sink;
    if (is_varlen(column.type)) {
      slot.varlen.offsets.assign(1, 0);
      slot.varlen.data.clear();
      sink.varlen = &slot.varlen;
    } else {
      slot.fixed.resize(count * column.width());
      sink.fixed = slot.fixed.data();
    }
    if (column.nullable) {
      slot.validity.resize(count);
      sink.validity = slot.validity.data();
    }
    const Slice slice{source_, rows_};
    decoder_.start({&slice, 1});
    return decoder_.column(column, sink);
  }

  const Schema& schema_;
  std::vector<ColumnSlot> slots_;
  const Node root_;
  std::vector<std::vector<uint8_t>> buffers_;  // truths of a child, by depth
  SliceDecoder decoder_;
  // Of the call at hand.
  Source* source_ = nullptr;
  RowRange rows_;
  uint64_t requested_row_ = 0;
};

}  // namespace

std::unique_ptr<FilterEvaluator> FilterEvaluator::create(const FilterNode& node, const Schema& schema) {
  return std::make_unique<TreeEvaluator>(node, schema);
}

}  // namespace tsfeat
