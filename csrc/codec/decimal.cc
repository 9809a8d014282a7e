#include "codec/decimal.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tsfeat::codec {

namespace {

constexpr size_t kDecimalHeadBytes = sizeof(uint8_t) + sizeof(uint16_t);
constexpr uint32_t kDecimalSamples = 32;

// The largest exponent and integer for which both operands of the division are exact in the float type.
template <typename T>
struct Limits;
template <>
struct Limits<uint64_t> {
  using Float = double;
  using Integer = int64_t;
  static constexpr uint32_t kExponent = 17;
  static constexpr double kInteger = 0x1p51;  // also what the conversion below can hold
};
template <>
struct Limits<uint32_t> {
  using Float = float;
  using Integer = int32_t;
  static constexpr uint32_t kExponent = 10;
  static constexpr double kInteger = 0x1p24;
};

constexpr double kPowers[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,
                              1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17};

// Adding 1.5 * 2^52 leaves an integer of up to 51 bits in the low bits of a double: it vectorizes on every processor,
// where a conversion between 64-bit integers and doubles does not.
constexpr double kShifter = 0x1.8p52;

template <typename T>
typename Limits<T>::Float to_float(T integer, typename Limits<T>::Float power) {
  if constexpr (sizeof(T) == 8) {
    return (std::bit_cast<double>(integer + std::bit_cast<uint64_t>(kShifter)) - kShifter) / power;
  } else {
    return static_cast<float>(static_cast<int32_t>(integer)) / power;
  }
}

// The integer that gives back the value's bits, if there is one.
template <typename T>
bool to_integer(T bits, uint32_t exponent, T* integer) {
  using Float = typename Limits<T>::Float;
  const double scaled = static_cast<double>(std::bit_cast<Float>(bits)) * kPowers[exponent];
  if (!(std::fabs(scaled) < Limits<T>::kInteger)) return false;  // also NaN
  const double rounded = (scaled + kShifter) - kShifter;
  *integer = static_cast<T>(static_cast<typename Limits<T>::Integer>(rounded));
  return std::bit_cast<T>(to_float<T>(*integer, static_cast<Float>(kPowers[exponent]))) == bits;
}

// The least exponent that suits most of a sample; false if none does.
template <typename T>
bool choose_exponent(const T* values, uint32_t count, uint8_t* exponent) {
  const uint32_t samples = std::min(count, kDecimalSamples);
  const uint32_t stride = count / samples;
  uint32_t most = 0;
  for (uint32_t candidate = 0; candidate <= Limits<T>::kExponent; ++candidate) {
    uint32_t fitting = 0;
    for (uint32_t i = 0; i < samples; ++i) {
      T ignored;
      fitting += to_integer(values[i * stride], candidate, &ignored);
    }
    if (fitting <= most) continue;
    most = fitting;
    *exponent = static_cast<uint8_t>(candidate);
    if (most == samples) break;
  }
  return most * 8 >= samples * 7;
}

Status damaged_decimal(const char* what) {
  return Status::corruption(std::string("a decimal chunk is damaged: ") + what);
}

}  // namespace

template <typename T>
bool plan_decimal(const T* values, uint32_t count, DecimalPlan<T>* plan) {
  if (count == 0 || !choose_exponent(values, count, &plan->exponent)) return false;
  plan->integers.resize(count);
  const uint32_t most_exceptions = count / 8 + 1;
  for (uint32_t i = 0; i < count; ++i) {
    if (to_integer(values[i], plan->exponent, &plan->integers[i])) continue;
    plan->integers[i] = i == 0 ? T{0} : plan->integers[i - 1];  // anything does; this packs well
    plan->exceptions.push_back(static_cast<uint16_t>(i));
    if (plan->exceptions.size() > most_exceptions) return false;
  }
  plan_blocks(plan->integers.data(), count, Order::kSigned, &plan->blocks);
  plan->size = kDecimalHeadBytes + plan->exceptions.size() * (sizeof(uint16_t) + sizeof(T)) + plan->blocks.size;
  return true;
}

template <typename T>
void write_decimal(const T* values, const DecimalPlan<T>& plan, std::string* out) {
  ByteWriter writer(out);
  writer.fixed(plan.exponent);
  writer.fixed(static_cast<uint16_t>(plan.exceptions.size()));
  for (const uint16_t at : plan.exceptions) writer.fixed(at);
  for (const uint16_t at : plan.exceptions) writer.fixed(values[at]);
  write_blocks(plan.integers.data(), static_cast<uint32_t>(plan.integers.size()), plan.blocks, out);
}

template <typename T>
Status check_decimal(Bytes body, uint32_t count) {
  if (body.size() < kDecimalHeadBytes) return damaged_decimal("its head is cut off");
  if (body[0] > Limits<T>::kExponent) return damaged_decimal("its exponent is out of range");
  const uint32_t exceptions = load<uint16_t>(body.data() + 1);
  const size_t patch = exceptions * (sizeof(uint16_t) + sizeof(T));
  if (body.size() - kDecimalHeadBytes < patch) return damaged_decimal("its exceptions are cut off");
  uint32_t least = 0;
  for (uint32_t i = 0; i < exceptions; ++i) {
    const uint32_t at = load<uint16_t>(body.data() + kDecimalHeadBytes + i * sizeof(uint16_t));
    if (at < least || at >= count) return damaged_decimal("its exceptions do not ascend");
    least = at + 1;
  }
  return check_blocks<T>(body.subspan(kDecimalHeadBytes + patch), count);
}

template <typename T>
void decode_decimal(Bytes body, uint32_t count, uint32_t begin, uint32_t end, uint8_t* out) {
  using Float = typename Limits<T>::Float;
  const auto power = static_cast<Float>(kPowers[body[0]]);
  const uint32_t exceptions = load<uint16_t>(body.data() + 1);
  const uint8_t* positions = body.data() + kDecimalHeadBytes;
  const uint8_t* values = positions + exceptions * sizeof(uint16_t);
  decode_blocks<T>(body.subspan(kDecimalHeadBytes + exceptions * (sizeof(uint16_t) + sizeof(T))), count, begin, end,
                   out);
  uint8_t* at = out;
  for (uint32_t i = begin; i < end; ++i, at += sizeof(T)) store<Float>(at, to_float<T>(load<T>(at), power));
  uint32_t low = 0;
  for (uint32_t high = exceptions; low < high;) {  // the first exception at or after `begin`
    const uint32_t middle = (low + high) / 2;
    if (load<uint16_t>(positions + middle * sizeof(uint16_t)) < begin)
      low = middle + 1;
    else
      high = middle;
  }
  for (; low < exceptions; ++low) {
    const uint32_t position = load<uint16_t>(positions + low * sizeof(uint16_t));
    if (position >= end) break;
    store<T>(out + (position - begin) * sizeof(T), load<T>(values + low * sizeof(T)));
  }
}

#define TSFEAT_LANE(T)                                                           \
  template bool plan_decimal<T>(const T*, uint32_t, DecimalPlan<T>*);            \
  template void write_decimal<T>(const T*, const DecimalPlan<T>&, std::string*); \
  template Status check_decimal<T>(Bytes, uint32_t);                             \
  template void decode_decimal<T>(Bytes, uint32_t, uint32_t, uint32_t, uint8_t*)
TSFEAT_LANE(uint32_t);
TSFEAT_LANE(uint64_t);
#undef TSFEAT_LANE

}  // namespace tsfeat::codec
