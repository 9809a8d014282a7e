#include "compact/hot_values.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

#include "codec/fixed.h"
#include "vfs/pages.h"

namespace tsfeat {
namespace {

constexpr uint64_t kSampleRows = 1024;  // sampled together, and encoded to see what a column takes without a list
constexpr uint64_t kFirstStrips = 32;   // enough to tell that a column has nothing to gain
constexpr uint64_t kSampledShare = 8;   // one strip in so many
constexpr uint64_t kLeastSampleRows = 1 << 18;
constexpr uint64_t kMostSampleRows = 1 << 22;
constexpr uint64_t kLeastEvents = 1 << 15;  // fewer do not repay a list
constexpr unsigned kLeastCodeBits = 8;
constexpr unsigned kMostCodeBits = 16;
constexpr double kLeastGain = 0.1;  // of the column's size

struct Strip {
  Source* source;
  RowRange rows;
};

// Counts values, forgetting rare ones when there are too many: what is frequent survives (after Misra and Gries,
// "Finding repeated elements", 1982).
class Counter {
 public:
  void add(uint64_t value) {
    size_t slot = (value * 0x9e3779b97f4a7c15u) >> (64 - kSlotBits);
    while (slots_[slot].count != 0 && slots_[slot].value != value) slot = (slot + 1) & (kSlots - 1);
    slots_[slot].value = value;
    if (slots_[slot].count++ == 0 && ++used_ > kMostUsed) forget_rare();
  }

  // The values seen more than once, the most frequent first.
  struct Count {
    uint64_t value = 0;
    uint32_t count = 0;
  };
  std::vector<Count> most_frequent(size_t most) const {
    std::vector<Count> out;
    std::copy_if(slots_.begin(), slots_.end(), std::back_inserter(out), [](const Count& c) { return c.count > 1; });
    const auto before = [](const Count& a, const Count& b) {
      return a.count != b.count ? a.count > b.count : a.value < b.value;
    };
    const auto end = out.begin() + static_cast<ptrdiff_t>(std::min(most, out.size()));
    std::partial_sort(out.begin(), end, out.end(), before);
    out.erase(end, out.end());
    return out;
  }

 private:
  static constexpr unsigned kSlotBits = 19;
  static constexpr size_t kSlots = size_t{1} << kSlotBits;
  static constexpr size_t kMostUsed = kSlots / 8 * 5;
  static_assert(2 * kSlots * sizeof(Count) == kHotValuesSearchBytes);  // twice while it forgets

  // Megabytes that live for a moment: straight from the system, which gives them zeroed.
  class Slots {
   public:
    Slots() : counts_(reinterpret_cast<Count*>(map_bytes(kSlots * sizeof(Count)))) {}
    ~Slots() { unmap_bytes(reinterpret_cast<uint8_t*>(counts_), kSlots * sizeof(Count)); }
    Slots(const Slots&) = delete;
    Slots& operator=(const Slots&) = delete;
    Count& operator[](size_t slot) { return counts_[slot]; }
    const Count* begin() const { return counts_; }
    const Count* end() const { return counts_ + kSlots; }
    void swap(Slots& other) { std::swap(counts_, other.counts_); }

   private:
    Count* counts_;
  };

  void forget_rare() {
    Slots old;
    old.swap(slots_);
    used_ = 0;
    for (const Count& each : old) {
      if (each.count <= 1) continue;
      size_t slot = (each.value * 0x9e3779b97f4a7c15u) >> (64 - kSlotBits);
      while (slots_[slot].count != 0) slot = (slot + 1) & (kSlots - 1);
      slots_[slot] = {each.value, each.count - 1};
      ++used_;
    }
  }

  Slots slots_;
  size_t used_ = 0;
};

std::vector<Strip> strips_of(std::span<Source* const> sources, uint64_t share) {
  std::vector<Strip> strips;
  for (Source* source : sources) {
    const uint64_t events = source->stats().events;
    for (uint64_t row = 0; row < events; row += share * kSampleRows)
      strips.push_back({source, {row, std::min(events, row + kSampleRows)}});
  }
  return strips;
}

// Of one column.
class HotSearch {
 public:
  HotSearch(const Column& column, uint64_t events_per_run)
      : column_(column), width_(column.width()), events_(static_cast<double>(events_per_run)) {}

  Result<std::shared_ptr<const codec::HotCodes>> search(std::span<const Strip> strips) {
    TSFEAT_ASSIGN(const bool promising, look(strips));
    if (!promising) return std::shared_ptr<const codec::HotCodes>();
    Counter counter;
    uint64_t rows = 0;
    for (const Strip& strip : strips) {
      TSFEAT_TRY(read(strip));
      for (const uint64_t value : values_) counter.add(value);
      rows += values_.size();
    }
    return choose(counter.most_frequent(codec::kMostHotValues), static_cast<double>(rows));
  }

 private:
  Status read(const Strip& strip) {
    values_.clear();
    if (!strip.source->has_column(column_.id)) return {};
    bytes_.resize(strip.rows.size() * width_);
    TSFEAT_TRY(strip.source->fixed(column_, strip.rows, bytes_.data()));
    for (size_t i = 0; i < strip.rows.size(); ++i) {
      values_.push_back(width_ == 8 ? load<uint64_t>(bytes_.data() + i * 8) : load<uint32_t>(bytes_.data() + i * 4));
    }
    return {};
  }

  // What the column takes without a list, and whether half of some strips finds enough of the other half in itself.
  Result<bool> look(std::span<const Strip> strips) {
    const size_t step = std::max<size_t>(1, strips.size() / kFirstStrips);
    std::unordered_set<uint64_t> seen;
    uint64_t rows = 0, looked_up = 0, found = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < strips.size(); i += step) {
      TSFEAT_TRY(read(strips[i]));
      if (values_.empty()) continue;
      std::string chunk;
      codec::encode_fixed(bytes_.data(), static_cast<uint32_t>(values_.size()), width_, codec_kind(column_.type),
                          codec::Effort::kFast, &chunk);
      bytes += chunk.size();
      rows += values_.size();
      if (i / step % 2 == 0) {
        seen.insert(values_.begin(), values_.end());
        continue;
      }
      looked_up += values_.size();
      for (const uint64_t value : values_) found += seen.contains(value) ? 1 : 0;
    }
    if (rows == 0 || looked_up == 0) return false;
    bits_without_ = 8.0 * static_cast<double>(bytes) / static_cast<double>(rows);
    const double escaped = 1.0 - static_cast<double>(found) / static_cast<double>(looked_up);
    // A larger sample knows more values, so an estimate from few is given some credit.
    return bits_without_ > kLeastCodeBits && kMostCodeBits + escaped * 8 * width_ < 1.5 * bits_without_;
  }

  // The number of values with which an event takes least, of those whose codes fill whole bits.
  std::shared_ptr<const codec::HotCodes> choose(const std::vector<Counter::Count>& counts, double rows) const {
    double best_bits = (1.0 - kLeastGain) * bits_without_;
    size_t best = 0;
    double known = 0;
    size_t at = 0;
    for (unsigned bits = kLeastCodeBits; bits <= kMostCodeBits; ++bits) {
      const size_t size = std::min(counts.size(), (size_t{1} << bits) - 1);
      for (; at < size; ++at) known += counts[at].count;
      const double list = static_cast<double>(size) * 8 * width_ / events_;
      const double total = bits + (1.0 - known / rows) * 8 * width_ + list;
      if (total >= best_bits || size == 0) continue;
      best_bits = total;
      best = size;
    }
    if (best == 0) return nullptr;
    std::vector<uint64_t> values;
    for (size_t i = 0; i < best; ++i) values.push_back(counts[i].value);
    return std::make_shared<const codec::HotCodes>(std::move(values), width_);
  }

  const Column& column_;
  const uint32_t width_;
  const double events_;
  double bits_without_ = 0;
  std::vector<uint8_t> bytes_;
  std::vector<uint64_t> values_;
};

}  // namespace

Result<std::vector<std::shared_ptr<const codec::HotCodes>>> find_hot_values(const Schema& schema,
                                                                            std::span<Source* const> sources,
                                                                            uint64_t events_per_run) {
  std::vector<std::shared_ptr<const codec::HotCodes>> hot(schema.columns.size());
  std::vector<Source*> runs;
  uint64_t events = 0;
  for (Source* source : sources) {
    if (!source->ranges_may_cross_keys()) continue;
    runs.push_back(source);
    events += source->stats().events;
  }
  if (events < kLeastEvents || events_per_run < kLeastEvents) return hot;
  const uint64_t sample = std::clamp(events / kSampledShare, kLeastSampleRows, kMostSampleRows);
  const std::vector<Strip> strips = strips_of(runs, std::max<uint64_t>(1, events / sample));
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    const Column& column = schema.columns[i];
    if (column.dimension != 1 || (column.width() != 4 && column.width() != 8)) continue;
    TSFEAT_ASSIGN(hot[i], HotSearch(column, events_per_run).search(strips));
  }
  return hot;
}

}  // namespace tsfeat
