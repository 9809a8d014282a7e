// Seeded data of many shapes for the tests of the codecs.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace tsfeat::codec::test {

using Random = std::mt19937_64;

// Values as the bits of one lane, widened; `shape` in [0, kShapes).
inline constexpr int kShapes = 16;
std::vector<uint64_t> make_shape(int shape, uint32_t count, Random* random);

// The low `width` bytes of each value, end to end.
std::string narrow(const std::vector<uint64_t>& values, uint32_t width);

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace tsfeat::codec::test
