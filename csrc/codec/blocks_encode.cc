#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/processor.h"
#include "codec/blocks.h"
#include "codec/blocks_layout.h"

// Compiled into each caller, with the instructions that the caller may use.
#define TSFEAT_INLINE __attribute__((always_inline)) inline

namespace tsfeat::codec {

namespace {

template <typename T>
struct Differences {
  T least = 0;           // signed: the least of all
  T least_rising = 0;    // the least that is not negative
  uint32_t falling = 0;  // how many are negative
};

template <typename T>
TSFEAT_INLINE unsigned width_of(T value) {
  return static_cast<unsigned>(std::bit_width(value));
}

// How many of the integers take more than `width` bits. Their number fits the smallest type, so that lanes need not be
// widened.
template <typename T>
TSFEAT_INLINE uint32_t count_wider(const T* integers, uint32_t count, uint32_t width) {
  static_assert(kBlockValues < 256);
  const T most = static_cast<T>((T{1} << width) - 1);
  T wider = 0;
  for (uint32_t i = 0; i < count; ++i) wider = static_cast<T>(wider + (integers[i] > most ? 1 : 0));
  return static_cast<uint32_t>(wider);
}

// Tries the widths below that of the widest integer, as long as the exceptions are few enough: a handful of widths, and
// a vectorized pass for each, where a histogram would wait for its own last store at every value.
template <typename T>
TSFEAT_INLINE void choose_width(const T* integers, uint32_t count, BlockPlan<T>* plan) {
  T all = 0;
  for (uint32_t i = 0; i < count; ++i) all = static_cast<T>(all | integers[i]);
  const uint32_t widest = width_of(all);
  plan->width = static_cast<uint8_t>(widest);
  plan->bytes = packed_bytes(count, widest);
  uint32_t best = plan->bytes;
  for (uint32_t width = widest; width-- > 0;) {
    const uint32_t exceptions = count_wider(integers, count, width);
    if (exceptions > kMaxExceptions) break;
    const uint32_t high_bytes = (widest - width + 7) / 8;
    const uint32_t bytes = packed_bytes(count, width) + exceptions * (1 + high_bytes);
    const uint32_t cost = bytes + exceptions / 2;  // patching takes time: an exception must save more than it occupies
    if (cost >= best) continue;
    best = cost;
    plan->bytes = bytes;
    plan->width = static_cast<uint8_t>(width);
    plan->exceptions = static_cast<uint8_t>(exceptions);
    plan->exception_bytes = static_cast<uint8_t>(high_bytes);
  }
}

template <typename T>
TSFEAT_INLINE BlockPlan<T> plan_reference(const T* values, uint32_t count, T least) {
  T integers[kBlockValues];
  for (uint32_t i = 0; i < count; ++i) integers[i] = static_cast<T>(values[i] - least);
  BlockPlan<T> plan;
  plan.base = least;
  choose_width(integers, count, &plan);
  return plan;
}

// A chunk crosses many keys, so a few differences of sorted times are negative: those become exceptions (they wrap
// round).
template <typename T>
TSFEAT_INLINE BlockPlan<T> plan_delta(const T* values, uint32_t count, const Differences<T>& differences) {
  BlockPlan<T> plan;
  plan.delta = true;
  plan.base = values[0];
  const bool resets = differences.falling <= kMaxExceptions / 2 && differences.falling + 1 < count;
  plan.delta_base = resets ? differences.least_rising : differences.least;
  T integers[kBlockValues];
  integers[0] = 0;
  for (uint32_t i = 1; i < count; ++i) integers[i] = static_cast<T>(values[i] - values[i - 1] - plan.delta_base);
  choose_width(integers, count, &plan);
  return plan;
}

// Least value, least differences, and from their means which of the two forms are worth a histogram.
template <typename T>
TSFEAT_INLINE BlockPlan<T> plan_block_inline(const T* values, uint32_t count, Order order) {
  using S = std::make_signed_t<T>;
  const T flip = order == Order::kSigned ? static_cast<T>(T{1} << (8 * sizeof(T) - 1)) : T{0};
  T least = static_cast<T>(values[0] ^ flip);
  T most = least;
  for (uint32_t i = 1; i < count; ++i) {
    const T value = static_cast<T>(values[i] ^ flip);
    least = std::min(least, value);
    most = std::max(most, value);
  }
  const T base = static_cast<T>(least ^ flip);
  if (sizeof(T) == 1 || order == Order::kCodes || count < 8 || most == least)
    return plan_reference(values, count, base);

  Differences<T> differences;
  S low = std::numeric_limits<S>::max();
  S low_rising = std::numeric_limits<S>::max();
  uint64_t total_difference = 0;
  uint64_t total = static_cast<T>(values[0] - base) >> 7;  // shifted, so that 128 of them cannot overflow
  for (uint32_t i = 1; i < count; ++i) {
    const S difference = static_cast<S>(static_cast<T>(values[i] - values[i - 1]));
    low = std::min(low, difference);
    low_rising = std::min(low_rising, difference < 0 ? std::numeric_limits<S>::max() : difference);
    differences.falling += difference < 0;
    const T size = static_cast<T>(difference < 0 ? ~static_cast<T>(difference) : static_cast<T>(difference));
    total_difference += size >> 7;
    total += static_cast<T>(values[i] - base) >> 7;
  }
  differences.least = static_cast<T>(low);
  differences.least_rising = static_cast<T>(low_rising);

  // A mean says little where a few outliers rule it, so a form is left out only if it looks worse by far.
  const unsigned for_bits = width_of(total);
  const unsigned delta_bits = width_of(total_difference);
  if (delta_bits >= for_bits && differences.falling > kMaxExceptions / 2) return plan_reference(values, count, base);
  BlockPlan<T> delta = plan_delta(values, count, differences);
  if (delta_bits + 4 < for_bits) return delta;
  BlockPlan<T> reference = plan_reference(values, count, base);
  return delta.bytes + 4 + delta.bytes / 32 < reference.bytes ? delta : reference;  // frame of reference decodes faster
}

template <typename T>
BlockPlan<T> plan_block_portable(const T* values, uint32_t count, Order order) {
  return plan_block_inline(values, count, order);
}

#if TSFEAT_FOR(X86_64)
// The same code again, for processors that compare 64-bit lanes and count leading zeros in one instruction each.
template <typename T>
__attribute__((target("avx2,bmi,bmi2,lzcnt"))) BlockPlan<T> plan_block_avx2(const T* values, uint32_t count,
                                                                            Order order) {
  return plan_block_inline(values, count, order);
}
#endif

template <typename T>
BlockPlan<T> plan_block(const T* values, uint32_t count, Order order) {
  static const PlanWays<T> ways = plan_ways<T>();
  return (ways.avx2 != nullptr ? ways.avx2 : ways.portable)(values, count, order);
}

template <typename T>
uint32_t bytes_of(T value) {
  return (width_of(value) + 7) / 8;
}

template <typename T>
uint32_t signed_bytes_of(T value) {
  if (value == 0) return 0;
  const T folded = static_cast<T>(value << 1) ^
                   static_cast<T>(T{0} - static_cast<T>(value >> (8 * sizeof(T) - 1)));  // sign bit last
  return bytes_of(folded);
}

void append_partial(uint64_t value, uint32_t size, std::string* out) {
  char bytes[8];
  store(bytes, value);
  out->append(bytes, size);
}

template <typename T>
void write_payload(const T* values, uint32_t count, const BlockPlan<T>& plan, std::string* out) {
  T differences[kBlockValues];
  T base = plan.base;
  if (plan.delta) {
    base = plan.delta_base;
    differences[0] = base;
    for (uint32_t i = 1; i < count; ++i) differences[i] = static_cast<T>(values[i] - values[i - 1]);
    values = differences;
  }
  const size_t before = out->size();
  const uint32_t packed = packed_bytes(count, plan.width);
  out->resize(before + plan.bytes);
  auto* at = reinterpret_cast<uint8_t*>(out->data()) + before;
  pack(values, count, plan.width, base, at);
  if (plan.exceptions == 0) return;
  uint8_t* position = at + packed;
  uint8_t* high_part = position + plan.exceptions;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t high = static_cast<uint64_t>(static_cast<T>(values[i] - base)) >> plan.width;
    if (high == 0) continue;
    *position++ = static_cast<uint8_t>(i);
    std::memcpy(high_part, &high, plan.exception_bytes);
    high_part += plan.exception_bytes;
  }
}

}  // namespace

template <typename T>
PlanWays<T> plan_ways() {
#if TSFEAT_FOR(X86_64)
  // Every processor with AVX2 and BMI2 has lzcnt.
  const bool fast = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi2") != 0;
  return {plan_block_portable<T>, fast ? plan_block_avx2<T> : nullptr};
#else
  return {plan_block_portable<T>, nullptr};
#endif
}

template <typename T>
void plan_blocks(const T* values, uint32_t count, Order order, BlocksPlan<T>* plan) {
  const T flip = order == Order::kSigned ? static_cast<T>(T{1} << (8 * sizeof(T) - 1)) : T{0};
  plan->blocks.clear();
  plan->blocks.reserve(block_count(count));
  T least = static_cast<T>(~T{0});
  plan->delta_bytes = 0;
  size_t payloads = 0;
  for (uint32_t start = 0; start < count; start += kBlockValues) {
    const BlockPlan<T> block = plan_block(values + start, std::min(kBlockValues, count - start), order);
    least = std::min(least, static_cast<T>(block.base ^ flip));
    plan->delta_bytes = std::max(plan->delta_bytes, signed_bytes_of(block.delta_base));
    payloads += block.bytes;
    plan->blocks.push_back(block);
  }
  plan->base = static_cast<T>(least ^ flip);
  plan->base_bytes = 0;
  for (const BlockPlan<T>& block : plan->blocks) {
    plan->base_bytes = std::max(plan->base_bytes, bytes_of(static_cast<T>(block.base - plan->base)));
  }
  const auto blocks = static_cast<uint32_t>(plan->blocks.size());
  plan->size = BlocksLayout<T>::kHeadBytes + size_t{blocks} * (kEntryHeadBytes + plan->base_bytes + plan->delta_bytes) +
               skip_count(blocks) * sizeof(uint32_t) + payloads;
}

template <typename T>
void write_blocks(const T* values, uint32_t count, const BlocksPlan<T>& plan, std::string* out) {
  ByteWriter writer(out);
  writer.fixed(static_cast<uint8_t>(plan.base_bytes));
  writer.fixed(static_cast<uint8_t>(plan.delta_bytes));
  writer.fixed(plan.base);
  for (const BlockPlan<T>& block : plan.blocks) {
    writer.fixed(static_cast<uint8_t>(block.width | (block.delta ? kDeltaForm : 0)));
    writer.fixed(static_cast<uint8_t>(block.exceptions << 3 | (block.exception_bytes - 1)));
    append_partial(static_cast<T>(block.base - plan.base), plan.base_bytes, out);
    append_partial(block.delta_base, plan.delta_bytes, out);
  }
  size_t offset = 0;
  for (size_t i = 0; i + 1 < plan.blocks.size(); ++i) {
    offset += plan.blocks[i].bytes;
    if ((i + 1) % kSkipBlocks == 0) writer.fixed(static_cast<uint32_t>(offset));
  }
  for (uint32_t start = 0, block = 0; start < count; start += kBlockValues, ++block) {
    write_payload(values + start, std::min(kBlockValues, count - start), plan.blocks[block], out);
  }
}

#define TSFEAT_LANE(T)                                                     \
  template PlanWays<T> plan_ways<T>();                                     \
  template void plan_blocks<T>(const T*, uint32_t, Order, BlocksPlan<T>*); \
  template void write_blocks<T>(const T*, uint32_t, const BlocksPlan<T>&, std::string*)
TSFEAT_LANE(uint8_t);
TSFEAT_LANE(uint16_t);
TSFEAT_LANE(uint32_t);
TSFEAT_LANE(uint64_t);
#undef TSFEAT_LANE

}  // namespace tsfeat::codec
