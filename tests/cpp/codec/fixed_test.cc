#include "codec/fixed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "codec/encoding.h"
#include "codec/shapes.h"
#include "codec/zstd.h"

namespace tsfeat::codec {
namespace {

using test::Random;

// Exactly as large as the chunk, on the heap, so that asan sees a read past its end.
struct Exact {
  explicit Exact(std::string_view from) : size(from.size()), data(new uint8_t[from.size()]) {
    std::memcpy(data.get(), from.data(), size);
  }
  Bytes bytes() const { return {data.get(), size}; }
  size_t size;
  std::unique_ptr<uint8_t[]> data;
};

std::string plain_form(const std::string& chunk, uint32_t count, uint32_t width) {
  auto inflated = inflate_fixed(as_bytes(chunk), count, width);
  EXPECT_TRUE(inflated.ok()) << inflated.status().message();
  return inflated->empty() ? chunk : *inflated;
}

std::string decode(const Exact& chunk, uint32_t count, uint32_t width, uint32_t begin, uint32_t end) {
  std::string out(size_t{end - begin} * width + 1, '\x5a');  // one byte more, and thereby sometimes unaligned
  decode_fixed(chunk.bytes(), count, width, begin, end, reinterpret_cast<uint8_t*>(out.data()));
  EXPECT_EQ(out.back(), '\x5a');
  out.pop_back();
  return out;
}

void expect_round_trip(const std::string& values, uint32_t width, Kind kind, Effort effort, Random* random) {
  const auto count = static_cast<uint32_t>(values.size() / width);
  std::string chunk = "before";
  encode_fixed(reinterpret_cast<const uint8_t*>(values.data()), count, width, kind, effort, &chunk);
  ASSERT_EQ(chunk.substr(0, 6), "before");
  const Exact plain(plain_form(chunk.substr(6), count, width));
  const Status checked = check_fixed(plain.bytes(), count, width);
  ASSERT_TRUE(checked.ok()) << checked.message();
  ASSERT_TRUE(decode(plain, count, width, 0, count) == values) << "encoding " << int{plain.data[0]};
  for (int i = 0; i < 8 && count != 0; ++i) {
    const auto begin = static_cast<uint32_t>((*random)() % count);
    const auto end = begin + static_cast<uint32_t>((*random)() % (count - begin + 1));
    ASSERT_TRUE(decode(plain, count, width, begin, end) ==
                values.substr(size_t{begin} * width, size_t{end - begin} * width))
        << "encoding " << int{plain.data[0]} << " rows " << begin << " to " << end;
  }
}

class FixedRoundTrip : public testing::TestWithParam<int> {};

TEST_P(FixedRoundTrip, EveryKindWidthCountAndRange) {
  Random random(static_cast<uint64_t>(GetParam()));
  for (const uint32_t count :
       {0u, 1u, 2u, 7u, 31u, 32u, 33u, 127u, 128u, 129u, 200u, 256u, 1000u, 1024u, 4097u, 9000u}) {
    for (const uint32_t width : {1u, 2u, 4u, 8u}) {
      const std::string values = test::narrow(test::make_shape(GetParam(), count, &random), width);
      for (const Kind kind : {Kind::kUnsigned, Kind::kSigned, Kind::kFloat}) {
        for (const Effort effort : {Effort::kFast, Effort::kSmall})
          expect_round_trip(values, width, kind, effort, &random);
        if (HasFatalFailure()) FAIL() << "count " << count << " width " << width << " kind " << static_cast<int>(kind);
      }
    }
  }
}

TEST_P(FixedRoundTrip, LargestChunk) {
  Random random(static_cast<uint64_t>(GetParam()));
  for (const uint32_t width : {1u, 2u, 4u, 8u}) {
    const std::string values = test::narrow(test::make_shape(GetParam(), kMaxChunkValues, &random), width);
    expect_round_trip(values, width, Kind::kSigned, Effort::kFast, &random);
    expect_round_trip(values, width, Kind::kFloat, Effort::kSmall, &random);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, FixedRoundTrip, testing::Range(0, test::kShapes));

// Values of several keys, as in a page: each key's ascend, from where they like.
std::vector<int64_t> ascending_pieces(const std::vector<uint32_t>& ends, Random* random) {
  std::vector<int64_t> values;
  for (const uint32_t end : ends) {
    auto value = static_cast<int64_t>((*random)() >> 20) - (int64_t{1} << 43);
    const uint64_t step = uint64_t{1} << (*random)() % 40;
    for (; values.size() < end; value += static_cast<int64_t>((*random)() % step)) values.push_back(value);
  }
  return values;
}

TEST(Fixed, ANarrowedSearchHoldsWhatIsSought) {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<uint32_t> ends;
    for (uint32_t end = 0; end < 3000;)
      ends.push_back(end += 1 + static_cast<uint32_t>(random() % (1u << random() % 12)));
    const std::vector<int64_t> values = ascending_pieces(ends, &random);
    const auto count = static_cast<uint32_t>(values.size());
    std::string chunk;
    encode_fixed(reinterpret_cast<const uint8_t*>(values.data()), count, 8, Kind::kSigned, Effort::kFast, &chunk);
    const Exact plain(plain_form(chunk, count, 8));
    for (size_t piece = 0; piece < ends.size(); ++piece) {
      const Places within{piece == 0 ? 0 : ends[piece - 1], ends[piece]};
      const int64_t some = values[within.begin + random() % (within.end - within.begin)];
      for (const int64_t least : {some, some + 1, values[within.begin], values[within.end - 1] + 1}) {
        const auto sought = static_cast<uint32_t>(
            std::lower_bound(values.data() + within.begin, values.data() + within.end, least) - values.data());
        const Places left = narrow_fixed(plain.bytes(), count, within, least);
        ASSERT_LE(within.begin, left.begin);
        ASSERT_LE(left.end, within.end);
        ASSERT_LE(left.begin, sought);
        ASSERT_LE(sought, left.end);
        if (plain.data[0] != static_cast<uint8_t>(Encoding::kBlocks)) continue;
        ASSERT_LE(left.end - left.begin, 2 * kBlockValues);
      }
    }
  }
}

TEST(Fixed, WideValuesAreRawOrCompressed) {
  Random random(1);
  for (const uint32_t width : {3u, 16u, 12u, 400u}) {
    std::string noise(width * size_t{50}, '\0');
    for (char& byte : noise) byte = static_cast<char>(random());
    expect_round_trip(noise, width, Kind::kUnsigned, Effort::kSmall, &random);
    expect_round_trip(std::string(width * size_t{50}, 'x'), width, Kind::kUnsigned, Effort::kSmall, &random);
    expect_round_trip(noise, width, Kind::kUnsigned, Effort::kFast, &random);
  }
}

TEST(Fixed, ACompressedChunkHoldsAPlainOne) {
  const auto frame_of = [](const std::string& chunk) {
    std::string out(1, static_cast<char>(Encoding::kZstd));
    ByteWriter(&out).varint(chunk.size());
    zstd_compress(as_bytes(chunk), &out);
    return out;
  };
  const uint64_t value = 7;
  std::string raw(1, static_cast<char>(Encoding::kRaw));
  raw.append(reinterpret_cast<const char*>(&value), sizeof value);
  const std::string once = frame_of(raw);
  EXPECT_EQ(*inflate_fixed(as_bytes(once), 1, sizeof value), raw);
  EXPECT_EQ(inflate_fixed(as_bytes(frame_of(once)), 1, sizeof value).status().code(), Code::kCorruption);
}

// What a check lets pass must decode within bounds; run under asan, this is the test of that.
TEST(Fixed, HostileBytesAreRefusedOrDecodeInBounds) {
  Random random(2);
  uint64_t passed = 0;
  for (int round = 0; round < 4000; ++round) {
    const auto count = static_cast<uint32_t>(random() % 700);
    const uint32_t width = 1u << (random() % 4);
    const std::string values = test::narrow(test::make_shape(round % test::kShapes, count, &random), width);
    std::string good;
    encode_fixed(reinterpret_cast<const uint8_t*>(values.data()), count, width, static_cast<Kind>(random() % 3),
                 static_cast<Effort>(random() % 2), &good);
    for (int mutation = 0; mutation < 12; ++mutation) {
      std::string bad = random() % 2 == 0 ? good : plain_form(good, count, width);
      const size_t reach = random() % 2 == 0 ? std::min<size_t>(bad.size(), 24) : bad.size();
      for (uint64_t i = random() % 4; i-- > 0;) bad[random() % reach] = static_cast<char>(random());
      if (random() % 4 == 0) bad.resize(random() % (bad.size() + 8));
      const uint32_t claimed = random() % 4 == 0 ? static_cast<uint32_t>(random() % 800) : count;
      auto inflated = inflate_fixed(as_bytes(bad), claimed, width);
      if (!inflated.ok()) continue;
      const Exact plain(inflated->empty() ? bad : *inflated);
      if (!check_fixed(plain.bytes(), claimed, width).ok()) continue;
      ++passed;
      decode(plain, claimed, width, 0, claimed);
      const auto begin = static_cast<uint32_t>(random() % (claimed + 1));
      decode(plain, claimed, width, begin, begin + static_cast<uint32_t>(random() % (claimed - begin + 1)));
    }
  }
  EXPECT_GT(passed, 1000u);  // or the test would test nothing
}

}  // namespace
}  // namespace tsfeat::codec
