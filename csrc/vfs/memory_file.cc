#include "vfs/memory_file.h"

#include <algorithm>
#include <cstring>

namespace tsfeat::memory_internal {
namespace {

uint64_t draw(Survival survival, Random& random) {
  if (survival == Survival::kRandom) return random.below(5);
  return survival == Survival::kAll ? 4 : 0;
}

// Which of `count` unsynced blocks survive: each by itself, or all before a place, or all from a place on.
class Chooser {
 public:
  Chooser(uint64_t count, uint64_t quarters, Random& random)
      : random_(random),
        quarters_(quarters),
        way_(quarters % 4 == 0 ? 0 : random.below(3)),
        cut_(random.below(count + 1)) {}
  bool keeps(uint64_t index) {
    if (way_ == 1) return index < cut_;
    if (way_ == 2) return index >= cut_;
    return random_.chance(quarters_);
  }

 private:
  Random& random_;
  uint64_t quarters_;
  uint64_t way_;
  uint64_t cut_;
};

// The newest state, or sometimes one that was written to the disk earlier and then not again.
template <typename T>
const T& choose_version(const std::vector<T>& versions, uint64_t quarters, Random& random) {
  if (quarters == 4 || random.chance(2)) return versions.back();
  return versions[random.below(versions.size())];
}

}  // namespace

Odds::Odds(Survival survival, Random& random)
    : blocks(draw(survival, random)), sizes(draw(survival, random)), names(draw(survival, random)) {}

void MemoryFile::note_size() {
  if (sizes_.size() == kMaxSizes) sizes_.pop_back();
  sizes_.push_back(now_.size());
}

void MemoryFile::note_blocks(uint64_t begin, uint64_t end) {
  for (uint64_t number = begin / kBlockBytes; number * kBlockBytes < end; ++number) {
    Block block{};
    const uint64_t at = number * kBlockBytes;
    if (at < now_.size()) std::memcpy(block.data(), now_.data() + at, std::min(kBlockBytes, now_.size() - at));
    std::vector<Block>& versions = blocks_[number];
    if (versions.size() == kMaxVersions) versions.pop_back();
    versions.push_back(block);
  }
}

void MemoryFile::write(uint64_t offset, Bytes data) {
  if (data.empty()) return;
  const uint64_t end = offset + data.size();
  if (end > now_.size()) {
    now_.resize(end);
    note_size();
  }
  std::memcpy(now_.data() + offset, data.data(), data.size());
  note_blocks(offset, end);
}

void MemoryFile::resize(uint64_t bytes) {
  const uint64_t before = now_.size();
  if (bytes == before) return;
  now_.resize(bytes);
  note_size();
  if (bytes < before) note_blocks(bytes, before);  // what is cut off reads as zeros, should the file grow again
}

void MemoryFile::sync() {
  durable_.resize(now_.size());
  for (const auto& [number, versions] : blocks_) {
    const uint64_t at = number * kBlockBytes;
    if (at < now_.size()) std::memcpy(durable_.data() + at, now_.data() + at, std::min(kBlockBytes, now_.size() - at));
  }
  blocks_.clear();
  sizes_.clear();
}

uint64_t MemoryFile::surviving_size(const Odds& odds, Random& random) const {
  if (sizes_.empty() || !random.chance(odds.sizes)) return durable_.size();
  return choose_version(sizes_, odds.sizes, random);
}

std::string MemoryFile::survivor(const Odds& odds, Random& random) const {
  std::string content = durable_;
  content.resize(surviving_size(odds, random));
  Chooser chooser(blocks_.size(), odds.blocks, random);
  uint64_t index = 0;
  for (const auto& [number, versions] : blocks_) {
    const uint64_t at = number * kBlockBytes;
    const bool kept = chooser.keeps(index++);
    if (at >= content.size()) continue;
    const size_t count = std::min(kBlockBytes, content.size() - at);
    if (kept) {
      std::memcpy(content.data() + at, choose_version(versions, odds.blocks, random).data(), count);
    } else if (at >= durable_.size() && odds.blocks != 0 && random.below(8) == 0) {
      // A place on the disk that was given to the file but not yet written: what some other file left there.
      for (size_t i = 0; i < count; ++i) content[at + i] = static_cast<char>(random.next());
    }
  }
  return content;
}

}  // namespace tsfeat::memory_internal
