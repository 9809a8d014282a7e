// One file of the disk in memory: what the running system sees, what is durable, and what lies between the two.
//
// Between them lie, since the last sync, each 512-byte block that was written, in up to kMaxVersions of its states, and
// each size that the file had. A power loss chooses a size and, for every block, a state, each on its own, so a size
// may survive without its data, data without their size, and the end of a record without its beginning. Blocks are
// never torn inside.
//
// A sync that fails leaves what Linux leaves: the running system goes on seeing what was written, but takes it for
// clean, so that no later sync writes it.
//
// Not thread-safe: the disk's lock guards it.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "vfs/memory.h"

namespace tsfeat::memory_internal {

inline constexpr uint64_t kBlockBytes = 512;
inline constexpr uint64_t kMaxFileBytes = uint64_t{1} << 32;

// How much of what was not synced survives one power loss, in quarters: 0 nothing, 4 everything. Drawn once for each,
// so that the extremes (names without data, sizes without data, ...) are as frequent as the mixtures.
struct Odds {
  Odds(Survival chosen, Random& random);
  Survival survival;
  uint64_t blocks;
  uint64_t sizes;
  uint64_t names;
};

// The bytes of a file. Zeros at the end, such as space that was reserved ahead, take no memory.
class Content {
 public:
  Content() = default;
  explicit Content(std::string bytes) : bytes_(std::move(bytes)), size_(bytes_.size()) {}
  uint64_t size() const { return size_; }
  uint64_t filled() const { return bytes_.size(); }          // from here on, all is zero
  void read(uint64_t offset, std::span<uint8_t> out) const;  // zeros from the size on
  void write(uint64_t offset, Bytes data);                   // does not change the size: what lies beyond is left out
  void resize(uint64_t bytes);
  std::string all() const;

 private:
  std::string bytes_;
  uint64_t size_ = 0;
};

class MemoryFile {
 public:
  MemoryFile() = default;
  explicit MemoryFile(Content content) : now_(content), durable_(std::move(content)) {}  // all of it durable

  const Content& now() const { return now_; }
  void write(uint64_t offset, Bytes data);
  void resize(uint64_t bytes);
  void sync();
  void fail_sync();
  // The content after a power loss.
  Content survivor(const Odds& odds, Random& random) const;

 private:
  static constexpr size_t kMaxVersions = 4;
  static constexpr size_t kMaxSizes = 64;
  struct Block {
    std::array<uint8_t, kBlockBytes> bytes;
    uint64_t write = 0;  // which of the file's writes made it
  };
  using Blocks = std::map<uint64_t, std::vector<Block>>;  // by number: states, oldest first

  void note_size();
  void note_blocks(uint64_t begin, uint64_t end);
  uint64_t surviving_size(const Odds& odds, Random& random) const;
  const Block* surviving_block(const std::vector<Block>& versions, bool kept, const Odds& odds, Random& random) const;
  // The writes since the last sync: numbers (first, last].
  uint64_t first_write_ = 0;
  uint64_t last_write_ = 0;

  Content now_;
  Content durable_;
  Blocks blocks_;                // unsynced states; the last is that of now_
  Blocks lost_;                  // those that a failed sync did not write
  std::vector<uint64_t> sizes_;  // unsynced, oldest first
};

}  // namespace tsfeat::memory_internal
