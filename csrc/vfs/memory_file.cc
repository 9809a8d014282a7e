#include "vfs/memory_file.h"

#include <algorithm>
#include <cstring>

namespace tsfeat::memory_internal {
namespace {

constexpr uint64_t kAllQuarters = 4;

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

Odds::Odds(Survival chosen, Random& random)
    : survival(chosen), blocks(random.below(5)), sizes(random.below(5)), names(random.below(5)) {
  switch (chosen) {
    case Survival::kRandom:
      return;
    case Survival::kNone:
      blocks = sizes = names = 0;
      return;
    case Survival::kNames:
      blocks = sizes = 0;
      names = kAllQuarters;
      return;
    case Survival::kSizes:
      blocks = 0;
      sizes = names = kAllQuarters;
      return;
    default:
      blocks = sizes = names = kAllQuarters;
      return;
  }
}

void Content::read(uint64_t offset, std::span<uint8_t> out) const {
  const size_t there = offset < bytes_.size() ? std::min<size_t>(out.size(), bytes_.size() - offset) : 0;
  if (there > 0) std::memcpy(out.data(), bytes_.data() + offset, there);
  if (there < out.size()) std::memset(out.data() + there, 0, out.size() - there);
}

void Content::write(uint64_t offset, Bytes data) {
  if (offset >= size_) return;
  const size_t count = std::min<size_t>(data.size(), size_ - offset);
  if (offset + count > bytes_.size()) bytes_.resize(offset + count);
  std::memcpy(bytes_.data() + offset, data.data(), count);
}

void Content::resize(uint64_t bytes) {
  size_ = bytes;
  if (bytes_.size() > bytes) bytes_.resize(bytes);
}

std::string Content::all() const {
  std::string all = bytes_;
  all.resize(size_);
  return all;
}

void MemoryFile::note_size() {
  if (sizes_.size() == kMaxSizes) sizes_.pop_back();
  sizes_.push_back(now_.size());
}

void MemoryFile::note_blocks(uint64_t begin, uint64_t end) {
  ++last_write_;
  for (uint64_t number = begin / kBlockBytes; number * kBlockBytes < end; ++number) {
    Block block{{}, last_write_};
    now_.read(number * kBlockBytes, block.bytes);
    std::vector<Block>& versions = blocks_[number];
    if (versions.size() == kMaxVersions) versions.pop_back();
    versions.push_back(block);
    lost_.erase(number);
  }
}

void MemoryFile::write(uint64_t offset, Bytes data) {
  if (data.empty()) return;
  const uint64_t end = offset + data.size();
  if (end > now_.size()) {
    now_.resize(end);
    note_size();
  }
  now_.write(offset, data);
  note_blocks(offset, end);
}

void MemoryFile::resize(uint64_t bytes) {
  const uint64_t filled = now_.filled();
  if (bytes == now_.size()) return;
  now_.resize(bytes);
  note_size();
  if (bytes < filled) note_blocks(bytes, filled);  // what is cut off reads as zeros, should the file grow again
}

void MemoryFile::sync() {
  durable_.resize(now_.size());
  for (const auto& [number, versions] : blocks_) {
    Block block{};
    now_.read(number * kBlockBytes, block.bytes);
    durable_.write(number * kBlockBytes, block.bytes);
  }
  blocks_.clear();
  sizes_.clear();
  first_write_ = last_write_;
}

void MemoryFile::fail_sync() {
  for (auto& [number, versions] : blocks_) lost_[number] = std::move(versions);
  blocks_.clear();
}

uint64_t MemoryFile::surviving_size(const Odds& odds, Random& random) const {
  if (sizes_.empty()) return durable_.size();
  if (odds.survival == Survival::kOldest) return sizes_.front();
  if (!random.chance(odds.sizes)) return durable_.size();
  return choose_version(sizes_, odds.sizes, random);
}

// Null: none of them. Newest and oldest go by the write, so that a block which two writes share may hold either.
const MemoryFile::Block* MemoryFile::surviving_block(const std::vector<Block>& versions, bool kept, const Odds& odds,
                                                     Random& random) const {
  switch (odds.survival) {
    case Survival::kNewest:
      return versions.back().write == last_write_ ? &versions.back() : nullptr;
    case Survival::kOldest:
      return versions.front().write == first_write_ + 1 ? &versions.front() : nullptr;
    case Survival::kTorn: {  // the last write stops after a block of its own
      if (kept || versions.back().write != last_write_) return &versions.back();
      return versions.size() > 1 ? &versions[versions.size() - 2] : nullptr;
    }
    default:
      return kept ? &choose_version(versions, odds.blocks, random) : nullptr;
  }
}

Content MemoryFile::survivor(const Odds& odds, Random& random) const {
  Content content = durable_;
  content.resize(surviving_size(odds, random));
  Blocks unsynced = lost_;
  unsynced.insert(blocks_.begin(), blocks_.end());
  Chooser chooser(unsynced.size(), odds.blocks, random);
  uint64_t left_of_last = 0;
  if (odds.survival == Survival::kTorn) {
    const auto last = std::count_if(unsynced.begin(), unsynced.end(),
                                    [&](const auto& block) { return block.second.back().write == last_write_; });
    left_of_last = random.below(static_cast<uint64_t>(last) + 1);
  }
  uint64_t index = 0;
  for (const auto& [number, versions] : unsynced) {
    const uint64_t at = number * kBlockBytes;
    bool kept = chooser.keeps(index++);
    if (odds.survival == Survival::kTorn && versions.back().write == last_write_) kept = left_of_last-- > 0;
    const bool never_durable = at >= durable_.size();
    const bool garbage = odds.survival == Survival::kGarbage && never_durable && random.chance(2);
    const Block* const block = garbage ? nullptr : surviving_block(versions, kept, odds, random);
    if (block != nullptr) {
      content.write(at, block->bytes);
    } else if (garbage ||
               (odds.survival == Survival::kRandom && never_durable && odds.blocks != 0 && random.below(8) == 0)) {
      // A place on the disk that was given to the file but not yet written: what some other file left there.
      Block left{};
      for (uint8_t& byte : left.bytes) byte = static_cast<uint8_t>(random.next());
      content.write(at, left.bytes);
    }
  }
  return content;
}

}  // namespace tsfeat::memory_internal
