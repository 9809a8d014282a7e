// Little-endian bytes: the one way in which this engine writes and reads structure. ByteReader never reads past its
// end: it turns `ok()` false instead and yields zeros, so a parser may read a whole struct and check once.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace tsfeat {

static_assert(std::endian::native == std::endian::little, "the file format is little-endian, and read in place");

using Bytes = std::span<const uint8_t>;

inline Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

template <typename T>
T load(const void* from) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
void store(void* to, T value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(to, &value, sizeof value);
}

// Of eight bytes that are each 0 or 1: bit i is byte i.
inline uint64_t bits_of_bytes(uint64_t eight) { return eight * 0x0102040810204080 >> 56; }

// Appends to a string it does not own.
class ByteWriter {
 public:
  explicit ByteWriter(std::string* out) : out_(out) {}
  template <typename T>
  void fixed(T value) {
    char bytes[sizeof value];
    store(bytes, value);
    out_->append(bytes, sizeof value);
  }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_->push_back(static_cast<char>(value | 0x80));
    out_->push_back(static_cast<char>(value));
  }
  void bytes(Bytes data) { out_->append(reinterpret_cast<const char*>(data.data()), data.size()); }
  void text(std::string_view value) {  // length, then bytes
    varint(value.size());
    out_->append(value);
  }
  size_t size() const { return out_->size(); }

 private:
  std::string* out_;
};

class ByteReader {
 public:
  explicit ByteReader(Bytes data) : at_(data.data()), end_(data.data() + data.size()) {}
  bool ok() const { return ok_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  bool done() const { return ok_ && at_ == end_; }
  template <typename T>
  T fixed() {
    const Bytes from = bytes(sizeof(T));
    return from.size() == sizeof(T) ? load<T>(from.data()) : T{};
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = fixed<uint8_t>();
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return (shift == 63 && byte > 1) ? fail() : value;
    }
    return fail();
  }
  Bytes bytes(size_t count) {
    if (count > remaining()) {
      ok_ = false;
      at_ = end_;
      return {};
    }
    const Bytes view(at_, count);
    at_ += count;
    return view;
  }
  std::string_view text() {
    const Bytes view = bytes(static_cast<size_t>(varint()));
    return {reinterpret_cast<const char*>(view.data()), view.size()};
  }

 private:
  uint64_t fail() {
    ok_ = false;
    at_ = end_;
    return 0;
  }
  const uint8_t* at_;
  const uint8_t* end_;
  bool ok_ = true;
};

}  // namespace tsfeat
