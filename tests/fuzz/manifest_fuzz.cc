// The manifest. What decodes is written again, and decodes to the same.
#include "base/crc32c.h"
#include "catalog/manifest.h"
#include "fuzz.h"

namespace tsfeat::fuzz {

void test_one(Bytes input) {
  const Result<Manifest> manifest = decode_manifest(input);
  if (!manifest.ok()) return;
  const std::string written = encode_manifest(*manifest);
  const Result<Manifest> again = decode_manifest(as_bytes(written));
  expect(again.ok(), "what a decoded manifest is written as can be read");
  expect(encode_manifest(*again) == written, "a manifest that was read and written stays the same");
}

void mend(std::vector<uint8_t>* input) {
  constexpr size_t kHeaderBytes = 24;
  if (input->size() < kHeaderBytes + 4) return;
  uint8_t* const data = input->data();
  store(data + 12, crc32c(Bytes(*input).first(12)));
  store(data + 16, uint64_t{input->size() - kHeaderBytes - 4});
  store(data + input->size() - 4, crc32c(Bytes(*input).first(input->size() - 4)));
}

}  // namespace tsfeat::fuzz
