// One file of the disk in memory: what the running system sees, what is durable, and what lies between the two.
//
// Between them lie, since the last sync, each 512-byte block that was written, in up to kMaxVersions of its states, and
// each size that the file had. A power loss chooses a size and, for every block, a state, each on its own, so a size
// may survive without its data, data without their size, and the end of a record without its beginning. Blocks are
// never torn inside.
//
// Not thread-safe: the disk's lock guards it.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "vfs/memory.h"

namespace tsfeat::memory_internal {

inline constexpr uint64_t kBlockBytes = 512;
inline constexpr uint64_t kMaxFileBytes = uint64_t{1} << 32;

// A small random sequence, the same everywhere for a seed (splitmix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  uint64_t below(uint64_t bound) { return next() % bound; }
  bool chance(uint64_t quarters) { return below(4) < quarters; }

 private:
  uint64_t state_;
};

// How much of what was not synced survives one power loss, in quarters: 0 nothing, 4 everything. Drawn once for each,
// so that the extremes (names without data, sizes without data, ...) are as frequent as the mixtures.
struct Odds {
  Odds(Survival survival, Random& random);
  uint64_t blocks;
  uint64_t sizes;
  uint64_t names;
};

class MemoryFile {
 public:
  MemoryFile() = default;
  explicit MemoryFile(std::string content) : now_(content), durable_(std::move(content)) {}  // all of it durable

  const std::string& now() const { return now_; }
  void write(uint64_t offset, Bytes data);
  void resize(uint64_t bytes);
  void sync();
  // The content after a power loss.
  std::string survivor(const Odds& odds, Random& random) const;

 private:
  static constexpr size_t kMaxVersions = 4;
  static constexpr size_t kMaxSizes = 64;
  using Block = std::array<char, kBlockBytes>;

  void note_size();
  void note_blocks(uint64_t begin, uint64_t end);
  uint64_t surviving_size(const Odds& odds, Random& random) const;

  std::string now_;
  std::string durable_;
  std::map<uint64_t, std::vector<Block>> blocks_;  // by number: unsynced states, oldest first; the last is that of now_
  std::vector<uint64_t> sizes_;                    // likewise
};

}  // namespace tsfeat::memory_internal
