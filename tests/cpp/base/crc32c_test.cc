#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/crc32c_internal.h"

namespace tsfeat {
namespace {

// One bit at a time, straight from the definition.
uint32_t model(Bytes data) {
  uint32_t state = ~uint32_t{0};
  for (const uint8_t byte : data) {
    state ^= byte;
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? 0x82f63b78u : 0u);
  }
  return ~state;
}

std::vector<uint8_t> random_bytes(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> bytes(count);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

TEST(Crc32c, GivesTheAnswersOfRfc3720) {
  const std::vector<uint8_t> zeros(32, 0);
  const std::vector<uint8_t> ones(32, 0xff);
  std::vector<uint8_t> up(32);
  std::vector<uint8_t> down(32);
  for (size_t i = 0; i < 32; ++i) {
    up[i] = static_cast<uint8_t>(i);
    down[i] = static_cast<uint8_t>(31 - i);
  }
  // An iSCSI SCSI Read (10) command, as in appendix B.4.
  std::vector<uint8_t> command(48, 0);
  command[0] = 0x01;
  command[1] = 0xc0;
  command[16] = 0x14;
  command[22] = 0x04;
  command[27] = 0x14;
  command[31] = 0x18;
  command[32] = 0x28;
  command[40] = 0x02;
  EXPECT_EQ(crc32c(zeros), 0x8a9136aau);
  EXPECT_EQ(crc32c(ones), 0x62a8ab43u);
  EXPECT_EQ(crc32c(up), 0x46dd794eu);
  EXPECT_EQ(crc32c(down), 0x113fdb5cu);
  EXPECT_EQ(crc32c(command), 0xd9963a56u);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
  EXPECT_EQ(crc32c({}), 0u);
}

TEST(Crc32c, HardwareTablesAndDefinitionAgreeAtEveryLengthAndAlignment) {
  const std::vector<uint8_t> bytes = random_bytes(2400, 1);
  for (size_t offset = 0; offset < 9; ++offset) {
    for (size_t size = 0; offset + size <= bytes.size(); size += size < 40 ? 1 : 61) {
      const Bytes part(bytes.data() + offset, size);
      const uint32_t expected = model(part);
      ASSERT_EQ(crc32c(part), expected) << offset << " " << size;
      ASSERT_EQ(~crc32c_internal::portable(part, ~uint32_t{0}), expected) << offset << " " << size;
      if (crc32c_internal::has_hardware()) {
        ASSERT_EQ(~crc32c_internal::hardware(part, ~uint32_t{0}), expected) << offset << " " << size;
      }
    }
  }
}

TEST(Crc32c, ContinuesFromWhatPrecedes) {
  const std::vector<uint8_t> bytes = random_bytes(3000, 2);
  const Bytes all(bytes);
  for (size_t cut = 0; cut <= all.size(); cut += 37) {
    ASSERT_EQ(crc32c(all.subspan(cut), crc32c(all.first(cut))), crc32c(all)) << cut;
  }
}

TEST(Crc32c, FindsEveryFlippedBit) {
  std::vector<uint8_t> bytes = random_bytes(1024, 3);
  const uint32_t before = crc32c(bytes);
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    ASSERT_NE(crc32c(bytes), before) << bit;
    bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  }
}

}  // namespace
}  // namespace tsfeat
