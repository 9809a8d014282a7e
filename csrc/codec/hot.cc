#include "codec/hot.h"

#include <algorithm>
#include <bit>

#include "base/planted.h"

namespace tsfeat::codec {

namespace {

constexpr size_t kHotHeadBytes = sizeof(uint16_t);

Status damaged_hot(const char* what) {
  return Status::corruption(std::string("a chunk of hot values is damaged: ") + what);
}

// Where things are in a checked body.
template <typename T>
struct HotLayout {
  const uint8_t* before;
  const uint8_t* escapes;
  Bytes codes;

  HotLayout(Bytes body, uint32_t count) {
    const uint32_t number = load<uint16_t>(body.data());
    before = body.data() + kHotHeadBytes;
    escapes = before + size_t{block_count(count)} * sizeof(uint16_t);
    codes = Bytes(escapes + number * sizeof(T), body.data() + body.size());
  }
  uint32_t escapes_before(uint32_t block) const { return load<uint16_t>(before + block * sizeof(uint16_t)); }
};

}  // namespace

HotCodes::HotCodes(std::vector<uint64_t> values, uint32_t width)
    : values_(std::move(values)),
      width_(width),
      shift_(64 - static_cast<unsigned>(std::bit_width(uint64_t{values_.size()} * 2))),
      slots_(size_t{1} << (64 - shift_), kEmpty) {
  for (size_t code = 0; code < values_.size(); ++code) {
    size_t slot = (values_[code] * kFactor) >> shift_;
    while (slots_[slot] != kEmpty) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = static_cast<uint16_t>(code);
  }
}

template <typename T>
bool plan_hot(const T* values, uint32_t count, const HotCodes& hot, size_t limit, HotPlan<T>* plan) {
  const uint32_t blocks = block_count(count);
  const size_t fixed = kHotHeadBytes + size_t{blocks} * sizeof(uint16_t);
  plan->codes.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    if (i % kBlockValues == 0) plan->escapes_before.push_back(static_cast<uint16_t>(plan->escapes.size()));
    plan->codes[i] = hot.code(values[i]);
    if (planted("hot") && plan->codes[i] > 0 && plan->codes[i] < hot.size()) --plan->codes[i];
    if (plan->codes[i] == hot.size()) plan->escapes.push_back(values[i]);
    if (i % kBlockValues == 0 && fixed + plan->escapes.size() * sizeof(T) >= limit) return false;
  }
  plan_blocks(plan->codes.data(), count, Order::kCodes, &plan->code_blocks);
  plan->size = fixed + plan->escapes.size() * sizeof(T) + plan->code_blocks.size;
  return plan->size < limit;
}

template <typename T>
void write_hot(const HotPlan<T>& plan, std::string* out) {
  ByteWriter writer(out);
  writer.fixed(static_cast<uint16_t>(plan.escapes.size()));
  for (const uint16_t before : plan.escapes_before) writer.fixed(before);
  for (const T escape : plan.escapes) writer.fixed(escape);
  write_blocks(plan.codes.data(), static_cast<uint32_t>(plan.codes.size()), plan.code_blocks, out);
}

template <typename T>
Status check_hot(Bytes body, uint32_t count, uint32_t hot_size) {
  const uint32_t blocks = block_count(count);
  if (hot_size == 0) return damaged_hot("its column has no hot values");
  if (body.size() < kHotHeadBytes) return damaged_hot("its head is cut off");
  const uint32_t escapes = load<uint16_t>(body.data());
  if (body.size() - kHotHeadBytes < size_t{blocks} * sizeof(uint16_t) + escapes * sizeof(T))
    return damaged_hot("its escapes are cut off");
  const HotLayout<T> layout(body, count);
  TSFEAT_TRY(check_blocks<uint16_t>(layout.codes, count));
  uint16_t codes[kBlockValues];
  uint32_t seen = 0;
  for (uint32_t block = 0; block < blocks; ++block) {
    if (layout.escapes_before(block) != seen) return damaged_hot("a count of escapes is wrong");
    const uint32_t begin = block * kBlockValues;
    const uint32_t end = std::min(count, begin + kBlockValues);
    decode_blocks<uint16_t>(layout.codes, count, begin, end, reinterpret_cast<uint8_t*>(codes));
    for (uint32_t i = 0; i < end - begin; ++i) {
      if (codes[i] > hot_size) return damaged_hot("a code is out of range");
      seen += codes[i] == hot_size;
    }
  }
  return seen == escapes ? Status() : damaged_hot("it has more or fewer escapes than it says");
}

// Which of up to `Most` codes are escapes. Found for all at once: a branch on each would mostly be mispredicted.
template <uint32_t Most>
class Escapes {
 public:
  Escapes(const uint16_t* codes, uint32_t count, uint32_t escape) {
    uint8_t is_escape[Most] = {};
    for (uint32_t i = 0; i < count; ++i) is_escape[i] = codes[i] == escape;
    for (uint32_t i = 0; i < Most; i += 8) bits_[i / 64] |= bits_of_bytes(load<uint64_t>(is_escape + i)) << i % 64;
  }
  // How many stand before a code.
  uint32_t before(uint32_t at) const {
    auto number = static_cast<uint32_t>(std::popcount(bits_[at / 64] & ((uint64_t{1} << at % 64) - 1)));
    for (uint32_t word = 0; word < at / 64; ++word) number += static_cast<uint32_t>(std::popcount(bits_[word]));
    return number;
  }
  // Calls visit(place) for each from `from` on.
  template <typename Visit>
  void each(uint32_t from, Visit visit) const {
    uint64_t bits = bits_[from / 64] & ~uint64_t{0} << from % 64;
    for (uint32_t word = from / 64;; bits = bits_[word]) {
      for (; bits != 0; bits &= bits - 1) visit(64 * word + static_cast<uint32_t>(std::countr_zero(bits)));
      if (++word == Most / 64) return;
    }
  }

 private:
  static_assert(Most % 64 == 0);
  uint64_t bits_[Most / 64] = {};
};

template <typename T>
void decode_hot(Bytes body, uint32_t count, const HotValues& hot, uint32_t begin, uint32_t end, uint8_t* out) {
  constexpr uint32_t kStrideValues = 2 * kBlockValues;
  const HotLayout<T> layout(body, count);
  const uint8_t* const values = hot.values;
  uint16_t codes[kStrideValues];
  while (begin < end) {
    // From the start of a block, whose number of escapes before it is known.
    const uint32_t block = begin / kBlockValues;
    const uint32_t start = block * kBlockValues;
    const uint32_t stop = std::min(end, start + kStrideValues);
    const uint32_t skipped = begin - start;
    decode_blocks<uint16_t>(layout.codes, count, start, stop, reinterpret_cast<uint8_t*>(codes));
    // Few instructions a value: so the processor has many of the list's lines under way at a time.
#pragma GCC unroll 8
    for (uint32_t i = skipped; i < stop - start; ++i)
      store<T>(out + (i - skipped) * sizeof(T), load<T>(values + size_t{codes[i]} * sizeof(T)));
    const Escapes<kStrideValues> escapes(codes, stop - start, hot.size);
    const uint8_t* escape = layout.escapes + (layout.escapes_before(block) + escapes.before(skipped)) * sizeof(T);
    escapes.each(skipped, [&](uint32_t at) {
      store<T>(out + (at - skipped) * sizeof(T), load<T>(escape));
      escape += sizeof(T);
    });
    out += (stop - begin) * sizeof(T);
    begin = stop;
  }
}

template <typename T>
void pick_hot(Bytes body, uint32_t count, const HotValues& hot, std::span<const uint32_t> rows, uint8_t* out) {
  constexpr size_t kFewRows = 4;
  const HotLayout<T> layout(body, count);
  uint16_t codes[kBlockValues];
  while (!rows.empty()) {
    const uint32_t block = rows.front() / kBlockValues;
    const uint32_t start = block * kBlockValues;
    size_t here = 1;
    while (here < rows.size() && rows[here] / kBlockValues == block) ++here;
    // A few rows' codes alone will do, unless there is an escape among them.
    const bool few = here <= kFewRows;
    if (few) pick_blocks<uint16_t>(layout.codes, count, rows.first(here), reinterpret_cast<uint8_t*>(codes));
    if (few && std::find(codes, codes + here, hot.size) == codes + here) {
      for (size_t i = 0; i < here; ++i)
        store<T>(out + i * sizeof(T), load<T>(hot.values + size_t{codes[i]} * sizeof(T)));
    } else {
      const uint32_t decoded = rows[here - 1] + 1 - start;
      decode_blocks<uint16_t>(layout.codes, count, start, start + decoded, reinterpret_cast<uint8_t*>(codes));
      const Escapes<kBlockValues> all(codes, decoded, hot.size);
      const uint8_t* const escapes = layout.escapes + layout.escapes_before(block) * sizeof(T);
      for (size_t i = 0; i < here; ++i) {
        const uint32_t at = rows[i] - start;
        const uint8_t* const value =
            codes[at] == hot.size ? escapes + all.before(at) * sizeof(T) : hot.values + size_t{codes[at]} * sizeof(T);
        store<T>(out + i * sizeof(T), load<T>(value));
      }
    }
    out += here * sizeof(T);
    rows = rows.subspan(here);
  }
}

#define TSFEAT_LANE(T)                                                                          \
  template bool plan_hot<T>(const T*, uint32_t, const HotCodes&, size_t, HotPlan<T>*);          \
  template void write_hot<T>(const HotPlan<T>&, std::string*);                                  \
  template Status check_hot<T>(Bytes, uint32_t, uint32_t);                                      \
  template void decode_hot<T>(Bytes, uint32_t, const HotValues&, uint32_t, uint32_t, uint8_t*); \
  template void pick_hot<T>(Bytes, uint32_t, const HotValues&, std::span<const uint32_t>, uint8_t*)
TSFEAT_LANE(uint32_t);
TSFEAT_LANE(uint64_t);
#undef TSFEAT_LANE

}  // namespace tsfeat::codec
