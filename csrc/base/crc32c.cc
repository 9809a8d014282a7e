// The register is reflected: bit 31 holds the coefficient of x^0. Feeding a byte b is r = (r >> 8) ^ table[(r ^ b) &
// 255].
//
// Hardware: the instruction has a latency of three cycles and a throughput of one, so three neighbouring stripes are
// summed at once and joined: the register of a stripe is moved over the zeros of the next by four table lookups (moving
// is linear in the register's bits), then the two are added by xor.
#include "base/crc32c.h"

#include <array>

#include "base/crc32c_internal.h"
#include "base/processor.h"

#if TSFEAT_FOR(AARCH64)
#include <sys/auxv.h>
#endif

namespace tsfeat {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // 0x1edc6f41 with its bits reversed
constexpr size_t kStripeBytes = 256;

using Table = std::array<uint32_t, 256>;

// tables[k][b]: the register b after one byte and then k zero bytes.
constexpr std::array<Table, 8> make_tables() {
  std::array<Table, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = state;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 255];
    }
  }
  return tables;
}

constexpr std::array<Table, 8> kTables = make_tables();

// moves[k][b]: the register b << 8k, moved over one stripe of zeros.
constexpr std::array<Table, 4> make_moves() {
  std::array<uint32_t, 32> moved_bit{};
  for (size_t bit = 0; bit < 32; ++bit) {
    uint32_t state = uint32_t{1} << bit;
    for (size_t i = 0; i < kStripeBytes; ++i) state = (state >> 8) ^ kTables[0][state & 255];
    moved_bit[bit] = state;
  }
  std::array<Table, 4> moves{};
  for (size_t k = 0; k < 4; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      for (size_t bit = 0; bit < 8; ++bit) {
        if (((byte >> bit) & 1) != 0) moves[k][byte] ^= moved_bit[8 * k + bit];
      }
    }
  }
  return moves;
}

[[maybe_unused]] constexpr std::array<Table, 4> kMoves = make_moves();

[[maybe_unused]] inline uint32_t move_over_stripe(uint32_t state) {
  return kMoves[0][state & 255] ^ kMoves[1][(state >> 8) & 255] ^  //
         kMoves[2][(state >> 16) & 255] ^ kMoves[3][state >> 24];
}

}  // namespace

namespace crc32c_internal {

uint32_t portable(Bytes data, uint32_t state) {
  const uint8_t* at = data.data();
  size_t left = data.size();
  for (; left >= 8; at += 8, left -= 8) {
    const uint64_t word = load<uint64_t>(at) ^ state;
    uint32_t next = 0;
    for (size_t i = 0; i < 8; ++i) next ^= kTables[7 - i][(word >> (8 * i)) & 255];
    state = next;
  }
  for (; left > 0; ++at, --left) state = (state >> 8) ^ kTables[0][(state ^ *at) & 255];
  return state;
}

#if TSFEAT_FOR(X86_64)

#define TSFEAT_CRC_TARGET __attribute__((target("sse4.2")))
#define TSFEAT_CRC_8_BYTES(state, word) static_cast<uint32_t>(__builtin_ia32_crc32di(state, word))
#define TSFEAT_CRC_BYTE(state, byte) __builtin_ia32_crc32qi(state, byte)

bool has_hardware() { return __builtin_cpu_supports("sse4.2") != 0; }

#elif TSFEAT_FOR(AARCH64)

#if defined(__clang__)
#define TSFEAT_CRC_TARGET __attribute__((target("crc")))
#define TSFEAT_CRC_8_BYTES(state, word) __builtin_arm_crc32cd(state, word)
#define TSFEAT_CRC_BYTE(state, byte) __builtin_arm_crc32cb(state, byte)
#else
#define TSFEAT_CRC_TARGET __attribute__((target("+crc")))
#define TSFEAT_CRC_8_BYTES(state, word) __builtin_aarch64_crc32cx(state, word)
#define TSFEAT_CRC_BYTE(state, byte) __builtin_aarch64_crc32cb(state, byte)
#endif

bool has_hardware() { return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; }  // bit 7: HWCAP_CRC32

#else

bool has_hardware() { return false; }
uint32_t hardware(Bytes data, uint32_t state) { return portable(data, state); }

#endif

#if defined(TSFEAT_CRC_TARGET)
TSFEAT_CRC_TARGET uint32_t hardware(Bytes data, uint32_t state) {
  const uint8_t* at = data.data();
  size_t left = data.size();
  for (; left >= 3 * kStripeBytes; left -= 3 * kStripeBytes) {
    uint32_t second = 0;
    uint32_t third = 0;
    for (const uint8_t* end = at + kStripeBytes; at != end; at += 8) {
      state = TSFEAT_CRC_8_BYTES(state, load<uint64_t>(at));
      second = TSFEAT_CRC_8_BYTES(second, load<uint64_t>(at + kStripeBytes));
      third = TSFEAT_CRC_8_BYTES(third, load<uint64_t>(at + 2 * kStripeBytes));
    }
    state = move_over_stripe(move_over_stripe(state) ^ second) ^ third;
    at += 2 * kStripeBytes;
  }
  for (; left >= 8; at += 8, left -= 8) state = TSFEAT_CRC_8_BYTES(state, load<uint64_t>(at));
  for (; left > 0; ++at, --left) state = TSFEAT_CRC_BYTE(state, *at);
  return state;
}
#endif

}  // namespace crc32c_internal

uint32_t crc32c(Bytes data, uint32_t preceding) {
  static const auto run = crc32c_internal::has_hardware() ? crc32c_internal::hardware : crc32c_internal::portable;
  return ~run(data, ~preceding);
}

}  // namespace tsfeat
