// Keys, of all four types, in one form that orders and compares fast.
//
// A key is a byte string ordered by memcmp, shorter first. Integers are their 8 big-endian bytes, the sign bit of int64
// flipped, so that byte order is numeric order. `prefix` holds the first 8 bytes as a big-endian number, zero padded;
// most comparisons end there. For size <= 8 the prefix is the whole key and `data` may be null.
//
// A KeyView owns nothing: `data` outlives it.
#pragma once

#include <algorithm>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace tsfeat {

struct KeyView {
  uint64_t prefix = 0;
  const uint8_t* data = nullptr;  // all bytes of the key when size > 8
  uint32_t size = 0;

  static KeyView from_uint64(uint64_t value) { return {value, nullptr, 8}; }
  static KeyView from_int64(int64_t value) { return {static_cast<uint64_t>(value) ^ (uint64_t{1} << 63), nullptr, 8}; }
  static KeyView from_bytes(Bytes bytes) {
    uint8_t first[8] = {};
    if (!bytes.empty()) std::memcpy(first, bytes.data(), std::min<size_t>(8, bytes.size()));
    return {__builtin_bswap64(load<uint64_t>(first)), bytes.data(), static_cast<uint32_t>(bytes.size())};
  }

  uint64_t to_uint64() const { return prefix; }
  int64_t to_int64() const { return static_cast<int64_t>(prefix ^ (uint64_t{1} << 63)); }
  // The key's bytes. `room` (8 bytes) is used when they live in the prefix alone.
  Bytes bytes(uint8_t* room) const {
    if (size > 8 || (data != nullptr && size > 0)) return {data, size};
    store(room, __builtin_bswap64(prefix));
    return {room, size};
  }

  friend bool operator==(const KeyView& a, const KeyView& b) {
    return a.prefix == b.prefix && a.size == b.size && (a.size <= 8 || std::memcmp(a.data, b.data, a.size) == 0);
  }
  friend std::strong_ordering operator<=>(const KeyView& a, const KeyView& b) {
    if (a.prefix != b.prefix) return a.prefix <=> b.prefix;
    if (a.size > 8 && b.size > 8) {
      const int order = std::memcmp(a.data + 8, b.data + 8, std::min(a.size, b.size) - 8);
      if (order != 0) return order <=> 0;
    }
    return a.size <=> b.size;
  }
};

// A key that owns its bytes.
class OwnedKey {
 public:
  OwnedKey() = default;
  explicit OwnedKey(const KeyView& key) : prefix_(key.prefix), size_(key.size) {
    if (key.size > 8) bytes_.assign(reinterpret_cast<const char*>(key.data), key.size);
  }
  KeyView view() const {
    return {prefix_, size_ > 8 ? reinterpret_cast<const uint8_t*>(bytes_.data()) : nullptr, size_};
  }

 private:
  uint64_t prefix_ = 0;
  uint32_t size_ = 0;
  std::string bytes_;
};

// A well-mixed 64-bit hash of the key, the same on every machine and in every version: bloom filters on disk use it.
uint64_t hash_key(const KeyView& key);

}  // namespace tsfeat
