#include "codec/shapes.h"

#include <bit>
#include <cmath>

namespace tsfeat::codec::test {

namespace {

uint64_t below(uint64_t bound, Random* random) { return (*random)() % bound; }

uint64_t odd_float(Random* random) {  // the bit patterns that arithmetic would lose
  switch (below(6, random)) {
    case 0:
      return std::bit_cast<uint64_t>(-0.0);
    case 1:
      return 0x7ff0000000000000u + below(1000, random);  // infinity and signalling NaNs
    case 2:
      return 0xfff8000000000000u + below(1000, random);
    case 3:
      return below(100, random);  // subnormal
    case 4:
      return 0x7fc00000u + below(100, random);  // a float32's NaN, in the low half
    default:
      return 0x80000000u;  // a float32's -0.0
  }
}

uint64_t decimal(uint64_t width_hint, Random* random) {
  const double value = static_cast<double>(below(100'000, random)) / 100;
  return width_hint == 0 ? std::bit_cast<uint64_t>(value) : std::bit_cast<uint32_t>(static_cast<float>(value));
}

}  // namespace

std::vector<uint64_t> make_shape(int shape, uint32_t count, Random* random) {
  std::vector<uint64_t> values(count);
  const uint64_t seed = (*random)();
  const unsigned bits = static_cast<unsigned>(below(64, random)) + 1;
  uint64_t state = seed;
  for (uint32_t i = 0; i < count; ++i) {
    uint64_t& value = values[i];
    const uint64_t draw = (*random)();
    switch (shape) {
      case 0:
        value = seed;
        break;  // constant
      case 1:
        value = draw;
        break;  // noise
      case 2:
        value = seed + (draw >> (64 - bits));
        break;  // a range, which may wrap
      case 3:
        value = state += below(1000, random);
        break;  // sorted
      case 4:
        value = state = below(50, random) == 0 ? seed : state + (draw >> 40);
        break;  // sorted within keys
      case 5:
        value = state = below(100, random) == 0 ? draw : state;
        break;  // runs
      case 6:
        value = (draw % 300) * 0x9e3779b97f4a7c15u;
        break;  // few distinct
      case 7:
        value = seed + 1000 * (draw % 5000);
        break;  // a common step
      case 8:
        value = decimal(0, random);
        break;
      case 9:
        value = decimal(1, random);
        break;
      case 10:
        value = below(20, random) == 0 ? odd_float(random) : decimal(draw & 1, random);
        break;
      case 11:
        value = std::bit_cast<uint64_t>(std::ldexp(static_cast<double>(draw >> 11), -53) - 0.5);
        break;
      case 12:
        value = below(30, random) == 0 ? draw : draw % 100;
        break;  // outliers
      case 13:
        value = state -= below(1000, random);
        break;  // descending
      case 14:
        value = draw & 1;
        break;  // booleans
      default:
        value = i % 128 == 127 ? draw : seed + i;
        break;  // an outlier ends each block
    }
  }
  return values;
}

std::string narrow(const std::vector<uint64_t>& values, uint32_t width) {
  std::string bytes;
  for (const uint64_t value : values) bytes.append(reinterpret_cast<const char*>(&value), width);
  return bytes;
}

}  // namespace tsfeat::codec::test
