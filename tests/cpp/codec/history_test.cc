#include "codec/history.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "codec/fixed.h"

namespace tsfeat::codec {
namespace {

TEST(Backoff, TriesLessAndLessOftenWhatIsInVain) {
  Backoff backoff;
  int tries = 0;
  for (int chunk = 0; chunk < 10'000; ++chunk) {
    if (!backoff.due()) continue;
    ++tries;
    backoff.note(false);
  }
  EXPECT_GT(tries, 10'000 / 65);
  EXPECT_LT(tries, 10'000 / 50);
}

TEST(Backoff, GoesOnAsSoonAsItPays) {
  Backoff backoff;
  for (int chunk = 0; chunk < 1'000; ++chunk) {
    if (backoff.due()) backoff.note(false);
  }
  int waited = 0;
  while (!backoff.due()) ++waited;
  EXPECT_LE(waited, 64);
  backoff.note(true);
  for (int chunk = 0; chunk < 100; ++chunk) {
    ASSERT_TRUE(backoff.due());
    backoff.note(true);
  }
}

std::string encode_all(const std::vector<std::vector<uint64_t>>& chunks) {
  ColumnHistory history;
  std::string out;
  for (const auto& chunk : chunks) {
    const size_t begin = out.size();
    const auto count = static_cast<uint32_t>(chunk.size());
    encode_fixed(reinterpret_cast<const uint8_t*>(chunk.data()), count, 8, Kind::kUnsigned, Effort::kSmall, &out,
                 &history);
    const Bytes encoded = as_bytes(out).subspan(begin);
    const std::string inflated = *inflate_fixed(encoded, count, 8);
    const Bytes plain = inflated.empty() ? encoded : as_bytes(inflated);
    EXPECT_TRUE(check_fixed(plain, count, 8).ok());
    std::vector<uint64_t> decoded(count);
    decode_fixed(plain, count, 8, 0, count, reinterpret_cast<uint8_t*>(decoded.data()));
    EXPECT_EQ(decoded, chunk);
  }
  return out;
}

TEST(ColumnHistory, ChunksComeBackWholeAndTheSameChunksGiveTheSameBytes) {
  std::mt19937_64 random(1);
  std::vector<std::vector<uint64_t>> chunks;
  for (int i = 0; i < 200; ++i) {
    auto& chunk = chunks.emplace_back(300);
    const uint64_t mask = i / 50 % 2 == 0 ? ~uint64_t{0} : 0xff;  // hashes, then what packs well, then hashes
    for (uint64_t& value : chunk) value = random() & mask;
  }
  const std::string once = encode_all(chunks);
  EXPECT_EQ(once, encode_all(chunks));
  EXPECT_LT(once.size(), 200 * 300 * 6);  // what packs well was noticed soon
}

}  // namespace
}  // namespace tsfeat::codec
