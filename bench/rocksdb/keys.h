// Keys of all layouts: the user, then the time descending, so that "the newest" is where a seek lands and going on is
// going back in time; then whatever keeps equal times apart, descending too.
#pragma once

#include <rocksdb/slice.h>

#include <bit>
#include <cstdint>
#include <cstring>

namespace bench {

inline void store_big_endian(char* at, uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(at, &value, 8);
}
inline uint64_t load_big_endian(const char* at) {
  uint64_t value;
  std::memcpy(&value, at, 8);
  return __builtin_bswap64(value);
}

// User and time, and a number of 4 bytes where times may be equal.
struct Key {
  char bytes[20];

  Key(uint64_t user, int64_t time, uint32_t number = 0) {
    store_big_endian(bytes, user);
    store_big_endian(bytes + 8, ~(static_cast<uint64_t>(time) ^ uint64_t{1} << 63));
    const uint32_t descending = __builtin_bswap32(~number);
    std::memcpy(bytes + 16, &descending, 4);
  }
  // The first key a user can have that is older than `before`; INT64_MIN has none.
  static Key newest(uint64_t user, int64_t before) { return Key(user, before - 1, UINT32_MAX); }

  rocksdb::Slice numbered() const { return {bytes, 20}; }
  rocksdb::Slice plain() const { return {bytes, 16}; }
};

inline uint64_t user_of(const rocksdb::Slice& key) { return load_big_endian(key.data()); }
inline int64_t time_of(const rocksdb::Slice& key) {
  return static_cast<int64_t>(~load_big_endian(key.data() + 8) ^ uint64_t{1} << 63);
}

}  // namespace bench
