#include "base/xxh64.h"

#include <gtest/gtest.h>

namespace tsfeat {
namespace {

// Of the reference implementation, by way of the PyPI package xxhash 4.1.0.
TEST(Xxh64, KnownValues) {
  EXPECT_EQ(xxh64(as_bytes(""), 0), 0xEF46DB3751D8E999);
  EXPECT_EQ(xxh64(as_bytes("a"), 0), 0xD24EC4F1A98C6E5B);
  EXPECT_EQ(xxh64(as_bytes("abc"), 0), 0x44BC2CF5AD770999);
  EXPECT_EQ(xxh64(as_bytes("Nobody inspects the spammish repetition"), 0), 0xFBCEA83C8A378BF1);
  std::string bytes(101, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i);
  EXPECT_EQ(xxh64(as_bytes(bytes), 2654435761), 0xA1C6D4174C37136D);
}

TEST(Xxh64, EveryByteAndTheSeedMatter) {
  const std::string text(100, 'x');
  for (size_t size = 0; size <= text.size(); ++size) {
    const std::string whole = text.substr(0, size);
    const uint64_t hash = xxh64(as_bytes(whole), 1);
    EXPECT_NE(xxh64(as_bytes(whole), 2), hash);
    for (size_t at = 0; at < size; ++at) {
      std::string changed = whole;
      changed[at] = 'y';
      EXPECT_NE(xxh64(as_bytes(changed), 1), hash) << size << " " << at;
    }
  }
}

}  // namespace
}  // namespace tsfeat
