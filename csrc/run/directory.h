// Directory blocks: up to 256 consecutive keys, and how many rows each has.
//
// On disk a block is small: keys as a fixed chunk of prefixes (integer keys) or a varlen chunk (others), counts as a
// fixed chunk of u32. In the cache it is fast: expanded into arrays that are searched in place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/key.h"
#include "base/status.h"
#include "codec/varlen.h"
#include "run/format.h"
#include "source/source.h"

namespace tsfeat::run {

class DirectoryBuilder {
 public:
  DirectoryBuilder(KeyType key_type, codec::Effort effort) : varlen_(is_varlen(key_type)), effort_(effort) {}

  bool empty() const { return counts_.empty(); }
  bool full(uint32_t more_rows) const;
  uint32_t keys() const { return static_cast<uint32_t>(counts_.size()); }
  const std::string& first_key() const { return first_key_; }
  void add(const KeyView& key, uint32_t rows);
  // More rows of the last key; false if the block cannot count so many.
  bool extend(uint32_t more_rows);
  // Appends the block and begins another.
  void finish(std::string* out);

 private:
  bool varlen_;
  codec::Effort effort_;
  std::vector<uint64_t> prefixes_;
  codec::VarlenBuffer bytes_;
  std::vector<uint32_t> counts_;
  uint64_t rows_ = 0;
  std::string first_key_;
};

// An expanded block:
//   first_row u64 | keys u32 | zero u32 | prefix u64 [keys] | row end u32 [keys] (after first_row) | varlen: end u32
//   [keys] | bytes
class DirectoryView {
 public:
  explicit DirectoryView(Bytes expanded, bool varlen)
      : base_(expanded.data()), keys_(load<uint32_t>(base_ + 8)), varlen_(varlen) {}
  uint32_t keys() const { return keys_; }
  static constexpr size_t kHeadBytes = 16;
  static const uint8_t* prefixes_in(const uint8_t* expanded) { return expanded + kHeadBytes; }
  const uint8_t* prefixes() const { return prefixes_in(base_); }
  uint64_t prefix(uint32_t i) const { return load<uint64_t>(prefixes() + size_t{i} * 8); }
  RowRange rows(uint32_t i) const {
    const uint8_t* ends = prefixes() + size_t{keys_} * 8;
    const uint64_t first = load<uint64_t>(base_);
    return {first + (i == 0 ? 0 : load<uint32_t>(ends + size_t{i - 1} * 4)),
            first + load<uint32_t>(ends + size_t{i} * 4)};
  }
  KeyView key(uint32_t i) const {
    if (!varlen_) return {prefix(i), nullptr, 8};
    const uint8_t* ends = prefixes() + size_t{keys_} * 12;
    const uint32_t begin = i == 0 ? 0 : load<uint32_t>(ends + size_t{i - 1} * 4);
    return {prefix(i), ends + size_t{keys_} * 4 + begin, load<uint32_t>(ends + size_t{i} * 4) - begin};
  }
  // The last key that is not greater; 0 if there is none.
  uint32_t find(const KeyView& key) const;

 private:
  const uint8_t* base_;
  uint32_t keys_;
  bool varlen_;
};

// Checks a block (its checksum was) and expands it. next_row: first row of the next block.
Result<std::string> expand_directory(Bytes block, const DirectoryEntry& entry, uint64_t next_row, bool varlen);

}  // namespace tsfeat::run
