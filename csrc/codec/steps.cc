#include "codec/steps.h"

#include <algorithm>
#include <numeric>

namespace tsfeat::codec {

namespace {

template <typename T>
constexpr size_t kStepsHeadBytes = 2 * sizeof(T);

constexpr uint32_t kStepSamples = 32;

// The greatest common divisor of the differences in a sample: one, after a few values, for most data.
template <typename T>
T sampled_step(const T* values, uint32_t count, T flip) {
  T step = 0;
  for (uint32_t i = 1; i < std::min(count, kStepSamples) && step != 1; ++i) {
    const T one = static_cast<T>(values[i - 1] ^ flip);
    const T other = static_cast<T>(values[i] ^ flip);
    step = std::gcd(step, static_cast<T>(std::max(one, other) - std::min(one, other)));
  }
  return step;
}

// Divides the distances to the base by the step, making it smaller where one is no multiple; false once it is one.
template <typename T>
bool divide(const T* values, uint32_t count, StepsPlan<T>* plan) {
  for (uint32_t i = 0; i < count; ++i) {
    const T distance = static_cast<T>(values[i] - plan->base);
    plan->integers[i] = static_cast<T>(distance / plan->step);
    if (static_cast<T>(uint64_t{plan->integers[i]} * plan->step) == distance) continue;
    const T step = std::gcd(plan->step, distance);
    const T factor = static_cast<T>(plan->step / step);
    plan->step = step;
    if (step == 1) return false;
    for (uint32_t before = 0; before < i; ++before) {
      plan->integers[before] = static_cast<T>(uint64_t{plan->integers[before]} * factor);
    }
    plan->integers[i] = static_cast<T>(distance / step);
  }
  return true;
}

}  // namespace

template <typename T>
void plan_steps(const T* values, uint32_t count, Order order, StepsPlan<T>* plan) {
  const T flip = order == Order::kSigned ? static_cast<T>(T{1} << (8 * sizeof(T) - 1)) : T{0};
  plan->step = sampled_step(values, count, flip);
  if (plan->step <= 1) {  // zero: the sample is constant, so that a step, if any, would save little
    plan->step = 1;
    return;
  }
  T least = static_cast<T>(values[0] ^ flip);
  for (uint32_t i = 1; i < count; ++i) least = std::min(least, static_cast<T>(values[i] ^ flip));
  plan->base = static_cast<T>(least ^ flip);
  plan->integers.resize(count);
  if (!divide(values, count, plan)) return;
  plan_blocks(plan->integers.data(), count, Order::kUnsigned, &plan->blocks);
  plan->size = kStepsHeadBytes<T> + plan->blocks.size;
}

template <typename T>
void write_steps(const StepsPlan<T>& plan, std::string* out) {
  ByteWriter writer(out);
  writer.fixed(plan.base);
  writer.fixed(plan.step);
  write_blocks(plan.integers.data(), static_cast<uint32_t>(plan.integers.size()), plan.blocks, out);
}

template <typename T>
Status check_steps(Bytes body, uint32_t count) {
  if (body.size() < kStepsHeadBytes<T>) return Status::corruption("a chunk of steps is damaged: its head is cut off");
  return check_blocks<T>(body.subspan(kStepsHeadBytes<T>), count);
}

template <typename T>
void decode_steps(Bytes body, uint32_t count, uint32_t begin, uint32_t end, uint8_t* out) {
  const T base = load<T>(body.data());
  const T step = load<T>(body.data() + sizeof(T));
  decode_blocks<T>(body.subspan(kStepsHeadBytes<T>), count, begin, end, out);
  for (uint32_t i = 0; i < end - begin; ++i, out += sizeof(T)) {
    // Widened, because uint16_t would be multiplied as a signed int, which may overflow.
    store<T>(out, static_cast<T>(base + uint64_t{step} * load<T>(out)));
  }
}

#define TSFEAT_LANE(T)                                                   \
  template void plan_steps<T>(const T*, uint32_t, Order, StepsPlan<T>*); \
  template void write_steps<T>(const StepsPlan<T>&, std::string*);       \
  template Status check_steps<T>(Bytes, uint32_t);                       \
  template void decode_steps<T>(Bytes, uint32_t, uint32_t, uint32_t, uint8_t*)
TSFEAT_LANE(uint8_t);
TSFEAT_LANE(uint16_t);
TSFEAT_LANE(uint32_t);
TSFEAT_LANE(uint64_t);
#undef TSFEAT_LANE

}  // namespace tsfeat::codec
