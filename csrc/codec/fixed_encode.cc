#include "codec/fixed_encode.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

#include "codec/blocks.h"
#include "codec/decimal.h"
#include "codec/dictionary.h"
#include "codec/encoding.h"
#include "codec/runs.h"
#include "codec/steps.h"
#include "codec/zstd.h"

namespace tsfeat::codec {

namespace {

// Plans candidates, each by computed size, and writes the smallest. Sizes are of the body, without the encoding byte.
template <typename T>
class LaneEncoder {
 public:
  LaneEncoder(const T* values, uint32_t count, Kind kind, Effort effort, ColumnHistory& history)
      : values_(values), count_(count), kind_(kind), effort_(effort), history_(history) {}

  void encode(std::string* out) {
    const size_t start = out->size();
    choose();
    write(out);
    if (effort_ == Effort::kSmall) squeeze(start, out);
  }

 private:
  size_t raw_size() const { return size_t{count_} * sizeof(T); }

  // Raw values and plain blocks decode fastest: another encoding must earn its place.
  void offer(Encoding encoding, size_t size) {
    if (size + size / 32 >= best_size_) return;
    best_ = encoding;
    best_size_ = size;
  }

  void choose() {
    best_ = Encoding::kRaw;
    best_size_ = raw_size();
    if (count_ == 0) return;
    runs_ = count_runs(values_, count_);
    if (runs_ == 1) return offer_constant();
    offer(Encoding::kRuns, runs_size<T>(runs_));
    if (kind_ == Kind::kFloat) {
      choose_float();
    } else {
      choose_integer();
    }
    if constexpr (sizeof(T) >= 4) {
      if (history_.hot != nullptr && plan_hot(values_, count_, *history_.hot, best_size_ - best_size_ / 32, &hot_))
        offer(Encoding::kHot, hot_.size);
    }
    // Below two bits a value no dictionary can win.
    if (best_size_ > count_ / 4 + 16 && history_.dictionary.due()) {
      const bool found = plan_dictionary(values_, count_, best_size_ - best_size_ / 32, &dictionary_);
      if (found) offer(Encoding::kDictionary, dictionary_.size);
      history_.dictionary.note(found);
    }
  }

  void offer_constant() {
    best_ = Encoding::kConstant;
    best_size_ = sizeof(T);
  }

  void choose_integer() {
    const Order order = kind_ == Kind::kSigned ? Order::kSigned : Order::kUnsigned;
    try_blocks(order);
    if (sizeof(T) == 1) return;
    plan_steps(values_, count_, order, &steps_);
    if (steps_.step != 1) offer(Encoding::kSteps, steps_.size);
  }

  // Where most values are decimals, nothing is to be found in their bits.
  void choose_float() {
    if constexpr (sizeof(T) >= 4) {
      if (history_.decimal.due()) {
        const bool found = plan_decimal(values_, count_, &decimal_);
        if (found) offer(Encoding::kDecimal, decimal_.size);
        history_.decimal.note(found);
        if (best_ == Encoding::kDecimal && decimal_.size < raw_size() / 2) return;
      }
      // With both signs present, the sign as the last bit leaves the exponents side by side.
      constexpr unsigned top = 8 * sizeof(T) - 1;
      uint32_t negative = 0;
      for (uint32_t i = 0; i < count_; ++i) negative += static_cast<uint32_t>(values_[i] >> top);
      if (negative != 0 && negative != count_) {
        rotated_.resize(count_);
        for (uint32_t i = 0; i < count_; ++i) rotated_[i] = std::rotl(values_[i], 1);
        plan_blocks(rotated_.data(), count_, Order::kUnsigned, &rotated_blocks_);
        return offer(Encoding::kSignLast, rotated_blocks_.size);
      }
    }
    try_blocks(Order::kUnsigned);
  }

  // In vain for ids that are hashes: there is nothing in them that bits could say shorter.
  void try_blocks(Order order) {
    if (!history_.blocks.due()) return;
    plan_blocks(values_, count_, order, &blocks_);
    offer(Encoding::kBlocks, blocks_.size);
    history_.blocks.note(blocks_.size + blocks_.size / 32 < raw_size());
  }

  void write(std::string* out) {
    out->push_back(static_cast<char>(best_));
    switch (best_) {
      case Encoding::kConstant:
        return ByteWriter(out).fixed(values_[0]);
      case Encoding::kBlocks:
        return write_blocks(values_, count_, blocks_, out);
      case Encoding::kSteps:
        return write_steps(steps_, out);
      case Encoding::kDictionary:
        return write_dictionary(dictionary_, out);
      case Encoding::kHot:
        if constexpr (sizeof(T) >= 4) write_hot(hot_, out);
        return;
      case Encoding::kRuns:
        return write_runs(values_, count_, runs_, out);
      case Encoding::kSignLast:
        return write_blocks(rotated_.data(), count_, rotated_blocks_, out);
      case Encoding::kDecimal:
        if constexpr (sizeof(T) >= 4) write_decimal(values_, decimal_, out);
        return;
      default:
        out->append(reinterpret_cast<const char*>(values_), raw_size());
    }
  }

  struct Frame {
    std::string bytes;
    size_t plain_size = 0;  // 0: not made
    bool made() const { return plain_size != 0; }
    size_t size() const { return made() ? bytes.size() : ~size_t{0}; }
  };
  static Frame compressed(std::string_view chunk) {
    Frame frame;
    if (chunk.empty()) return frame;
    zstd_compress(as_bytes(chunk), &frame.bytes);
    frame.plain_size = chunk.size();
    return frame;
  }

  // Replaces the chunk at `start` by what takes time to open but is smaller by an eighth.
  void squeeze(size_t start, std::string* out) {
    const size_t first_size = out->size() - start;
    if (count_ < 64 || first_size < 64) return;
    if (best_ == Encoding::kDictionary && history_.packed_dictionary.due()) {
      pack_dictionary(start, out);
      history_.packed_dictionary.note(out->size() - start < first_size);
    }
    const std::string_view plain = std::string_view(*out).substr(start);
    Frame whole = history_.frame.due() ? compressed(plain) : Frame{};
    Frame symbols = history_.symbols_frame.due() ? compressed(byte_symbols()) : Frame{};
    const size_t most = plain.size() - plain.size() / 8 - std::min<size_t>(4, plain.size());
    const bool take_symbols = symbols.size() < whole.size() && symbols.size() <= most;
    const bool take_whole = !take_symbols && whole.size() <= most;
    if (whole.made()) history_.frame.note(take_whole);
    if (symbols.made()) history_.symbols_frame.note(take_symbols);
    if (!take_whole && !take_symbols) return;
    const Frame& frame = take_symbols ? symbols : whole;
    out->resize(start);
    out->push_back(static_cast<char>(Encoding::kZstd));
    ByteWriter(out).varint(frame.plain_size);
    out->append(frame.bytes);
  }

  // A packed dictionary is unpacked once, when its page enters the cache, so it must only save more than it costs to
  // store.
  void pack_dictionary(size_t start, std::string* out) {
    sort_dictionary(&dictionary_);
    const bool pack = dictionary_.packed_size + dictionary_.packed_size / 32 < best_size_;
    if (!pack && dictionary_.size > best_size_) return;
    out->resize(start);
    out->push_back(static_cast<char>(pack ? Encoding::kPackedDictionary : Encoding::kDictionary));
    pack ? write_packed_dictionary(dictionary_, out) : write_dictionary(dictionary_, out);
  }

  // The chunk with one whole byte for each symbol, if there are at most 256: entropy coding sees through bytes, not
  // through bits. Once decompressed it decodes like any other.
  std::string byte_symbols() {
    std::string symbols;
    if (best_ == Encoding::kDictionary && dictionary_.distinct.size() <= kMaxByteCodes) {
      symbols.push_back(static_cast<char>(Encoding::kDictionary));
      byte_align(&dictionary_.byte_code_blocks);
      write_dictionary(dictionary_, &symbols);
    } else if (best_ == Encoding::kBlocks && byte_align(&blocks_)) {
      symbols.push_back(static_cast<char>(Encoding::kBlocks));
      write_blocks(values_, count_, blocks_, &symbols);
    }
    return symbols;
  }

  // Makes every block eight bits wide over one common base; false if the values' range does not allow it.
  template <typename Lane>
  bool byte_align(BlocksPlan<Lane>* plan) {
    for (const BlockPlan<Lane>& block : plan->blocks) {
      const uint64_t above = static_cast<Lane>(block.base - plan->base);
      const bool fits = above <= 255 && block.width <= 8 && above + (uint64_t{1} << block.width) <= 256;
      if (block.delta || block.exceptions != 0 || !fits) return false;
    }
    size_t payloads = 0;
    for (uint32_t i = 0; i < plan->blocks.size(); ++i) {
      BlockPlan<Lane>& block = plan->blocks[i];
      block.base = plan->base;
      block.width = 8;
      block.bytes = std::min(kBlockValues, count_ - i * kBlockValues);
      payloads += block.bytes;
    }
    plan->base_bytes = 0;
    plan->delta_bytes = 0;
    return payloads != 0;
  }

  const T* values_;
  const uint32_t count_;
  const Kind kind_;
  const Effort effort_;
  ColumnHistory& history_;
  Encoding best_ = Encoding::kRaw;
  size_t best_size_ = 0;
  uint32_t runs_ = 0;
  BlocksPlan<T> blocks_;
  StepsPlan<T> steps_;
  DictionaryPlan<T> dictionary_;
  HotPlan<T> hot_;
  DecimalPlan<T> decimal_;
  std::vector<T> rotated_;
  BlocksPlan<T> rotated_blocks_;
};

}  // namespace

template <typename T>
void encode_lane(const T* values, uint32_t count, Kind kind, Effort effort, ColumnHistory& history, std::string* out) {
  LaneEncoder<T>(values, count, kind, effort, history).encode(out);
}

template void encode_lane<uint8_t>(const uint8_t*, uint32_t, Kind, Effort, ColumnHistory&, std::string*);
template void encode_lane<uint16_t>(const uint16_t*, uint32_t, Kind, Effort, ColumnHistory&, std::string*);
template void encode_lane<uint32_t>(const uint32_t*, uint32_t, Kind, Effort, ColumnHistory&, std::string*);
template void encode_lane<uint64_t>(const uint64_t*, uint32_t, Kind, Effort, ColumnHistory&, std::string*);

}  // namespace tsfeat::codec
