// Every encoding of variable-width chunks.
#include "codec/varlen.h"
#include "fuzz.h"

namespace tsfeat::fuzz {

void test_one(Bytes input) {
  Choices choices(input);
  const auto count = static_cast<uint32_t>(choices.below(2048));
  const Bytes chunk = choices.rest();
  const Result<std::string> inflated = codec::inflate_varlen(chunk, count);
  if (!inflated.ok()) return;
  const std::vector<uint8_t> plain = inflated->empty() ? std::vector<uint8_t>(chunk.begin(), chunk.end())
                                                       : std::vector<uint8_t>(inflated->begin(), inflated->end());
  if (!codec::check_varlen(plain, count).ok()) return;
  codec::VarlenBuffer whole, part;
  codec::decode_varlen(plain, count, 0, count, &whole);
  expect(whole.offsets.size() == size_t{count} + 1, "every value has its offset");
  const uint32_t begin = count / 3, end = count - count / 5;
  codec::decode_varlen(plain, count, begin, end, &part);
  const auto from = static_cast<size_t>(whole.offsets[begin]);
  expect(part.data == whole.data.substr(from, static_cast<size_t>(whole.offsets[end]) - from),
         "a part of a chunk decodes to the same values");
}

void mend(std::vector<uint8_t>*) {}

}  // namespace tsfeat::fuzz
