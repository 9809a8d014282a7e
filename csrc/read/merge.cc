#include "read/merge.h"

#include <algorithm>

#include "read/newest_first.h"

namespace tsfeat {
namespace {

struct Input {
  Source* source = nullptr;
  std::unique_ptr<KeyCursor> cursor;
  KeyView key;
};

// The heap's order: the smallest key, of the first source that has it, on top.
struct After {
  const std::vector<Input>* inputs;
  bool operator()(size_t a, size_t b) const {
    const auto order = (*inputs)[a].key <=> (*inputs)[b].key;
    return order != 0 ? order > 0 : a > b;
  }
};

// A heap of the sources' cursors by key; those at the current key are out of it.
class HeapMerge final : public KeyMerge {
 public:
  explicit HeapMerge(std::vector<Source*> sources) {
    for (Source* source : sources) {
      current_.push_back(inputs_.size());
      inputs_.push_back({source, source->walk(), {}});
    }
  }

  Result<bool> next() override {
    const After after{&inputs_};
    for (const size_t input : current_) TSFEAT_TRY(advance(input));
    current_.clear();
    parts_.clear();
    if (heap_.empty()) return false;
    const KeyView key = inputs_[heap_.front()].key;
    // Equal keys come in the order of the sources.
    while (!heap_.empty() && inputs_[heap_.front()].key == key) {
      std::pop_heap(heap_.begin(), heap_.end(), after);
      current_.push_back(heap_.back());
      heap_.pop_back();
      parts_.push_back({inputs_[current_.back()].source, inputs_[current_.back()].cursor->rows()});
    }
    return true;
  }
  KeyView key() const override { return inputs_[current_.front()].key; }
  std::span<const Slice> parts() const override { return parts_; }

 private:
  Status advance(size_t input) {
    TSFEAT_ASSIGN(const bool more, inputs_[input].cursor->next());
    if (!more) return {};
    inputs_[input].key = inputs_[input].cursor->key();
    heap_.push_back(input);
    std::push_heap(heap_.begin(), heap_.end(), After{&inputs_});
    return {};
  }

  std::vector<Input> inputs_;
  std::vector<size_t> heap_;
  std::vector<size_t> current_;  // at first all of them, at no key
  std::vector<Slice> parts_;
};

}  // namespace

Result<std::unique_ptr<KeyMerge>> KeyMerge::create(std::vector<Source*> sources) {
  return std::unique_ptr<KeyMerge>(std::make_unique<HeapMerge>(std::move(sources)));
}

Status merge_parts(std::span<const Slice> parts, std::vector<Slice>* out) {
  if (parts.size() == 1) {
    if (parts[0].rows.size() > 0) out->push_back(parts[0]);
    return {};
  }
  const auto first = static_cast<std::ptrdiff_t>(out->size());
  std::vector<Part> all;
  for (const Slice& part : parts) all.push_back({part});
  NewestFirst newest;
  newest.start(all);
  while (true) {
    TSFEAT_ASSIGN(const Slice piece, newest.next(~uint64_t{0}));
    if (piece.rows.size() == 0) break;
    // Windows end where decoding did; what they cut belongs together.
    const bool joins = static_cast<std::ptrdiff_t>(out->size()) > first && out->back().source == piece.source &&
                       out->back().rows.begin == piece.rows.end;
    if (joins) {
      out->back().rows.begin = piece.rows.begin;
    } else {
      out->push_back(piece);
    }
  }
  std::reverse(out->begin() + first, out->end());
  return {};
}

}  // namespace tsfeat
