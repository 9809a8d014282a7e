#include "base/stream.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace tsfeat {
namespace {

TEST(StreamCopy, CopiesWhatItIsGivenAndNothingBeside) {
  std::vector<uint8_t> from(2048);
  std::iota(from.begin(), from.end(), uint8_t{0});
  for (const size_t bytes : {0, 1, 63, 64, 255, 256, 257, 319, 320, 500, 1600}) {
    for (size_t to_shift = 0; to_shift < 64; ++to_shift) {
      const size_t from_shift = 13 * to_shift % 64;
      std::vector<uint8_t> to(from.size(), uint8_t{0xEE});
      std::vector<uint8_t> expected = to;
      stream_copy(to.data() + to_shift, from.data() + from_shift, bytes);
      stream_done();
      std::memcpy(expected.data() + to_shift, from.data() + from_shift, bytes);
      ASSERT_EQ(to, expected) << bytes << " bytes to " << to_shift << " from " << from_shift;
    }
  }
}

}  // namespace
}  // namespace tsfeat
