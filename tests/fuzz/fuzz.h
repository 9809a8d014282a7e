// What every fuzz target is made of. A target defines test_one(), which must return whatever the bytes are; it may
// abort only where a promise is broken (see expect()). fuzzer.cc runs it: under libFuzzer, or, without clang, on the
// files of a corpus and on plain mutations of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace tsfeat::fuzz {

void test_one(Bytes input);

// Makes the checksums of a mutated file agree with its bytes, as far as its structure still leads to them, so that what
// stands behind them is reached. The parsers stay as they ship: nothing is switched off for fuzzing, and a corpus file
// is a file that any build reads the same way. A target whose input has no checksums does nothing here.
void mend(std::vector<uint8_t>* input);

inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

// Takes numbers from the front of the input; zeros behind its end.
class Choices {
 public:
  explicit Choices(Bytes input) : in_(input) {}
  uint64_t below(uint64_t limit) { return in_.fixed<uint16_t>() % limit; }
  bool flip() { return (in_.fixed<uint8_t>() & 1) != 0; }
  Bytes rest() { return in_.bytes(in_.remaining()); }
  Bytes some(uint64_t most) { return in_.bytes(std::min<size_t>(in_.remaining(), below(most + 1))); }

 private:
  ByteReader in_;
};

}  // namespace tsfeat::fuzz
