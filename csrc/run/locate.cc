// RunSource::locate: a batch of keys to row ranges, in groups that take each step together, so that their cache
// misses overlap.
#include <algorithm>

#include "run/directory.h"
#include "run/source.h"

namespace tsfeat::run {
namespace {

constexpr size_t kGroup = 32;

// Keys that are still in question.
struct Group {
  size_t size = 0;
  size_t probe[kGroup];
  KeyView key[kGroup];
  uint32_t block[kGroup];
  const uint8_t* expanded[kGroup];
  uint32_t keys[kGroup];  // of the block
  uint32_t at[kGroup];

  void add(size_t position, const KeyView& wanted) {
    probe[size] = position;
    key[size] = wanted;
    ++size;
  }
};

// Binary searches of many blocks in step. A search that is done goes on with steps of zero.
void search_prefixes(Group* group) {
  uint32_t left[kGroup];
  uint32_t most = 0;
  for (size_t i = 0; i < group->size; ++i) {
    left[i] = group->keys[i];
    group->at[i] = 0;
    most = std::max(most, left[i]);
  }
  for (; most > 1; most -= most / 2) {
    for (size_t i = 0; i < group->size; ++i) {
      const uint32_t half = left[i] / 2;
      const uint32_t middle = group->at[i] + half;
      const uint64_t prefix = load<uint64_t>(group->expanded[i] + size_t{middle} * 8);
      group->at[i] = prefix <= group->key[i].prefix ? middle : group->at[i];
      left[i] -= half;
    }
  }
}

}  // namespace

Status RunSource::locate_group(std::span<const Probe> probes, std::span<RowRange> answers) {
  uint64_t hashes[kGroup];
  for (size_t i = 0; i < probes.size(); ++i) {
    hashes[i] = hash_key(probes[i].key);
    run_.bloom().prefetch(hashes[i]);
  }
  Group group;
  for (size_t i = 0; i < probes.size(); ++i) {
    answers[i] = {};
    if (run_.bloom().may_contain(hashes[i])) group.add(i, probes[i].key);
  }
  if (group.size == 0) return {};

  run_.fences().find(group.key, group.size, group.block);
  for (size_t i = 0; i < group.size; ++i) __builtin_prefetch(&run_.directory_slot(group.block[i]));
  for (size_t i = 0; i < group.size; ++i) {
    const CacheEntry* entry = run_.directory_slot(group.block[i]).entry.load(std::memory_order_acquire);
    if (entry != nullptr) __builtin_prefetch(entry);
  }
  const bool varlen = run_.varlen_keys();
  for (size_t i = 0; i < group.size; ++i) {
    Bytes expanded;
    TSFEAT_TRY(directory(group.block[i], &expanded));
    const DirectoryView view(expanded, varlen);
    group.expanded[i] = view.prefixes();
    group.keys[i] = view.keys();
    if (!varlen && !bypass_cache_) continue;
    // Scratch holds one block at a time, and other keys than integers need more than their prefix.
    const uint32_t at = view.find(group.key[i]);
    if (view.key(at) == group.key[i]) answers[group.probe[i]] = view.rows(at);
  }
  if (varlen || bypass_cache_) return {};
  search_prefixes(&group);
  for (size_t i = 0; i < group.size; ++i) {
    const DirectoryView view({group.expanded[i] - 16, 16}, false);
    if (view.prefix(group.at[i]) == group.key[i].prefix) answers[group.probe[i]] = view.rows(group.at[i]);
  }
  return {};
}

Status RunSource::locate(std::span<const Probe> probes, std::span<RowRange> answers) {
  const CallPin pin(*this);
  if (run_.fences().size() == 0) {
    std::fill(answers.begin(), answers.end(), RowRange{});
    return {};
  }
  for (size_t begin = 0; begin < probes.size(); begin += kGroup) {
    const size_t count = std::min(kGroup, probes.size() - begin);
    TSFEAT_TRY(locate_group(probes.subspan(begin, count), answers.subspan(begin, count)));
  }
  return {};
}

}  // namespace tsfeat::run
