// Every encoding of fixed-width chunks: a chunk that is accepted decodes within its bounds, whole or in part.
#include "codec/fixed.h"
#include "fuzz.h"

namespace tsfeat::fuzz {

void test_one(Bytes input) {
  Choices choices(input);
  static constexpr uint32_t kWidths[] = {1, 2, 4, 8, 12, 24};
  const uint32_t width = kWidths[choices.below(std::size(kWidths))];
  const auto count = static_cast<uint32_t>(choices.below(4096));
  const auto hot_size = width == 4 || width == 8 ? static_cast<uint32_t>(choices.below(200)) : 0;
  const Bytes chunk = choices.rest();
  const Result<std::string> inflated = codec::inflate_fixed(chunk, count, width);
  if (!inflated.ok()) return;
  // A copy of its own, so that reading past it is seen.
  const std::vector<uint8_t> plain = inflated->empty() ? std::vector<uint8_t>(chunk.begin(), chunk.end())
                                                       : std::vector<uint8_t>(inflated->begin(), inflated->end());
  if (!codec::check_fixed(plain, count, width, hot_size).ok()) return;
  const std::vector<uint8_t> list((size_t{hot_size} + 1) * width, 7);
  const codec::HotValues hot{list.data(), hot_size};
  std::vector<uint8_t> whole(size_t{count} * width);
  codec::decode_fixed(plain, count, width, 0, count, whole.data(), hot);
  const uint32_t begin = count / 3, end = count - count / 5;
  std::vector<uint8_t> part(size_t{end - begin} * width);
  codec::decode_fixed(plain, count, width, begin, end, part.data(), hot);
  expect(std::equal(part.begin(), part.end(), whole.begin() + static_cast<ptrdiff_t>(size_t{begin} * width)),
         "a part of a chunk decodes to the same values");
  std::vector<uint32_t> rows;
  for (uint32_t row = begin; row < count; row += 1 + row % 97) rows.push_back(row);
  std::vector<uint8_t> picked(rows.size() * width);
  codec::pick_fixed(plain, count, width, rows, picked.data(), hot);
  for (size_t i = 0; i < rows.size(); ++i) {
    expect(std::equal(picked.begin() + static_cast<ptrdiff_t>(i * width),
                      picked.begin() + static_cast<ptrdiff_t>((i + 1) * width),
                      whole.begin() + static_cast<ptrdiff_t>(size_t{rows[i]} * width)),
           "picked values are those of the chunk");
  }
}

void mend(std::vector<uint8_t>*) {}

}  // namespace tsfeat::fuzz
