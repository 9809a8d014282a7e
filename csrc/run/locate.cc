// RunSource::locate: a batch of keys to row ranges, in groups that take each step together, so that their cache
// misses overlap.
#include <algorithm>

#include "run/directory.h"
#include "run/source.h"

namespace tsfeat::run {
namespace {

constexpr size_t kGroup = 32;
constexpr uint32_t kAroundGuess = 8;

// Keys that are still in question.
struct Group {
  size_t size = 0;
  size_t probe[kGroup];
  KeyView key[kGroup];
  uint32_t block[kGroup];
  uint32_t guess[kGroup];  // as of Fences
  const uint8_t* expanded[kGroup];
  uint32_t at[kGroup];    // the last key that is known not to be greater, or the first
  uint32_t left[kGroup];  // keys from there on among which the sought one is

  void add(size_t position, const KeyView& wanted) {
    probe[size] = position;
    key[size] = wanted;
    ++size;
  }
};

// Keys are often spread evenly: then the search is one of a few neighbours, in two lines of memory instead of five.
void begin_search(Group* group, size_t i, uint32_t keys) {
  const auto prefix = [&](uint32_t at) { return load<uint64_t>(group->expanded[i] + size_t{at} * 8); };
  const uint32_t middle = keys * group->guess[i] / 256;
  const uint32_t from = middle - std::min(middle, kAroundGuess);
  const uint32_t to = std::min(keys, middle + kAroundGuess);
  const bool there = prefix(from) <= group->key[i].prefix && (to == keys || group->key[i].prefix < prefix(to));
  group->at[i] = there ? from : 0;
  group->left[i] = there ? to - from : keys;
}

// Binary searches of many blocks in step. A search that is done goes on with steps of zero.
void search_prefixes(Group* group) {
  uint32_t* const left = group->left;
  for (uint32_t most = *std::max_element(left, left + group->size); most > 1; most -= most / 2) {
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
    group.guess[i] = run_.fences().guess(group.block[i], group.key[i]);
    if (entry == nullptr) continue;
    const uint8_t* const place = DirectoryView::prefixes_in(entry->data()) + size_t{group.guess[i]} * sizeof(uint64_t);
    __builtin_prefetch(entry);
    __builtin_prefetch(place - kAroundGuess * sizeof(uint64_t));
    __builtin_prefetch(place + kAroundGuess * sizeof(uint64_t));
  }
  const bool varlen = run_.varlen_keys();
  for (size_t i = 0; i < group.size; ++i) {
    Bytes expanded;
    TSFEAT_TRY(directory(group.block[i], &expanded));
    const DirectoryView view(expanded, varlen);
    group.expanded[i] = view.prefixes();
    if (!varlen && !bypass_cache_) {
      begin_search(&group, i, view.keys());
      continue;
    }
    // Scratch holds one block at a time, and other keys than integers need more than their prefix.
    const uint32_t at = view.find(group.key[i]);
    if (view.key(at) == group.key[i]) answers[group.probe[i]] = view.rows(at);
  }
  if (varlen || bypass_cache_) return {};
  search_prefixes(&group);
  for (size_t i = 0; i < group.size; ++i) {
    const DirectoryView view({group.expanded[i] - DirectoryView::kHeadBytes, DirectoryView::kHeadBytes}, false);
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
