#include "catalog/tombstones.h"

#include <algorithm>

namespace tsfeat {
namespace {

struct KeyedMark {
  std::string key;
  Mark mark;
};

bool before(const KeyedMark& a, const KeyedMark& b) {
  if (a.key != b.key) return a.key < b.key;
  if (a.mark.version != b.mark.version) return a.mark.version < b.mark.version;
  return a.mark.until < b.mark.until;
}
bool same(const KeyedMark& a, const KeyedMark& b) {
  return a.key == b.key && a.mark.version == b.mark.version && a.mark.until == b.mark.until;
}

// Sorted by key, then version: found by binary search.
using Layer = std::vector<KeyedMark>;

class LayeredTombstones final : public Tombstones {
 public:
  explicit LayeredTombstones(std::vector<std::shared_ptr<const Layer>> layers) : layers_(std::move(layers)) {
    for (const auto& layer : layers_) {
      count_ += layer->size();
      for (const KeyedMark& mark : *layer) bytes_ += sizeof mark + mark.key.capacity();
    }
  }

  std::shared_ptr<const Tombstones> with(const DeleteRecord& record) const override {
    if (record.erasures.empty()) return std::make_shared<LayeredTombstones>(layers_);
    Layer fresh;
    for (const DeleteRecord::Erasure& erasure : record.erasures) {
      if (!erasure.everything && erasure.before == kMinTime) continue;  // nothing is older
      fresh.push_back({erasure.key, {erasure.everything ? kMaxTime : erasure.before - 1, record.version}});
    }
    std::sort(fresh.begin(), fresh.end(), before);
    std::vector<std::shared_ptr<const Layer>> layers = layers_;
    // Each layer stays more than twice as large as the next: a mark is merged O(log n) times.
    while (!layers.empty() && layers.back()->size() <= 2 * fresh.size()) {
      Layer merged;
      std::merge(layers.back()->begin(), layers.back()->end(), fresh.begin(), fresh.end(), std::back_inserter(merged),
                 before);
      merged.erase(std::unique(merged.begin(), merged.end(), same), merged.end());
      fresh = std::move(merged);
      layers.pop_back();
    }
    layers.push_back(std::make_shared<const Layer>(std::move(fresh)));
    return std::make_shared<LayeredTombstones>(std::move(layers));
  }

  std::shared_ptr<const Tombstones> without(const Tombstones& done) const override {
    const Layer gone = static_cast<const LayeredTombstones&>(done).all();
    const Layer mine = all();
    Layer left;
    std::set_difference(mine.begin(), mine.end(), gone.begin(), gone.end(), std::back_inserter(left), before);
    if (left.empty()) return none();
    return std::make_shared<LayeredTombstones>(
        std::vector<std::shared_ptr<const Layer>>{std::make_shared<const Layer>(std::move(left))});
  }

  bool empty() const override { return count_ == 0; }
  uint64_t count() const override { return count_; }
  uint64_t memory_bytes() const override { return bytes_; }

  void find(const KeyView& key, std::vector<Mark>* out) const override {
    if (count_ == 0) return;
    uint8_t room[8];
    const Bytes bytes = key.bytes(room);
    const std::string_view wanted(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (const auto& layer : layers_) {
      auto at = std::lower_bound(layer->begin(), layer->end(), wanted,
                                 [](const KeyedMark& mark, std::string_view text) { return mark.key < text; });
      for (; at != layer->end() && at->key == wanted; ++at) out->push_back(at->mark);
    }
  }

  void encode(std::string* to) const override {
    ByteWriter out(to);
    const Layer marks = all();
    out.varint(marks.size());
    for (const KeyedMark& mark : marks) {
      out.text(mark.key);
      out.fixed(mark.mark.until);
      out.fixed(mark.mark.version);
    }
  }

 private:
  Layer all() const {
    Layer out;
    for (const auto& layer : layers_) out.insert(out.end(), layer->begin(), layer->end());
    std::sort(out.begin(), out.end(), before);
    out.erase(std::unique(out.begin(), out.end(), same), out.end());
    return out;
  }

  std::vector<std::shared_ptr<const Layer>> layers_;  // large to small
  uint64_t count_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace

std::shared_ptr<const Tombstones> Tombstones::none() {
  static const std::shared_ptr<const Tombstones> nothing =
      std::make_shared<LayeredTombstones>(std::vector<std::shared_ptr<const Layer>>{});
  return nothing;
}

Result<std::shared_ptr<const Tombstones>> Tombstones::decode(ByteReader& in) {
  auto layer = std::make_shared<Layer>();
  const uint64_t count = in.varint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    KeyedMark mark;
    mark.key = in.text();
    mark.mark.until = in.fixed<int64_t>();
    mark.mark.version = in.fixed<uint64_t>();
    layer->push_back(std::move(mark));
  }
  if (!in.ok()) return Status::corruption("erasures are cut short");
  if (!std::is_sorted(layer->begin(), layer->end(), before)) return Status::corruption("erasures are out of order");
  if (layer->empty()) return none();
  return std::shared_ptr<const Tombstones>(
      std::make_shared<LayeredTombstones>(std::vector<std::shared_ptr<const Layer>>{layer}));
}

}  // namespace tsfeat
