// One key's rows in the memtable.
//
//   Tail -- main ---> newest chunk --> older chunk --> ...          times never descend along a sorted chain
//        \- late ---> sorted chains (a few), then the rest (unsorted)
//
// A row goes to the first chain whose newest time is not after its own; most go to `main`, and a backfill in time order
// has a chain to itself. What fits no sorted chain goes to `rest`. It follows that of rows with equal times, in
// different chains, the one in the earlier chain arrived first: a chain that refused a time t is past t for ever.
//
// The one writer reserves a row, fills it, then publishes it by raising `count` (release). Readers load `count`
// (acquire), then `newest` (acquire), and touch only rows below `count`; those never change. Fields marked W are the
// writer's alone.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>

#include "base/bytes.h"
#include "base/key.h"
#include "memtable/arena.h"
#include "schema/types.h"

namespace tsfeat {

struct Chunk {
  Chunk* older = nullptr;
  uint32_t first = 0;  // rows of the chain before this chunk
  uint32_t capacity = 0;
  int64_t older_max_time = kMinTime;  // of all rows in older chunks; kept for the unsorted chain only

  uint8_t* row(size_t index, size_t stride) { return reinterpret_cast<uint8_t*>(this + 1) + index * stride; }
  const uint8_t* row(size_t index, size_t stride) const {
    return reinterpret_cast<const uint8_t*>(this + 1) + index * stride;
  }
};

struct Chain {
  std::atomic<Chunk*> newest{nullptr};
  uint8_t* next = nullptr;      // W: where the next row goes
  int64_t max_time = kMinTime;  // W: of all rows
  std::atomic<uint32_t> count{0};
  uint32_t reserved = 0;  // W
  uint32_t left = 0;      // W: rows that still fit the newest chunk

  uint8_t* reserve(int64_t time, size_t stride, Arena* arena) {
    if (left == 0) grow(stride, arena);
    uint8_t* const row = next;
    next += stride;
    --left;
    ++reserved;
    max_time = std::max(max_time, time);
    return row;
  }

 private:
  static constexpr uint32_t kFirstRows = 2;
  static constexpr size_t kLargestChunkBytes = 256 << 10;

  // Half of what is there: few chunks to walk for a giant key, little waste for a small one.
  void grow(size_t stride, Arena* arena) {
    const auto most = static_cast<uint32_t>(std::max<size_t>(kFirstRows, kLargestChunkBytes / stride));
    const uint32_t capacity = std::clamp(reserved / 2, kFirstRows, most);
    Chunk* const chunk = new (arena->allocate(sizeof(Chunk) + capacity * stride))
        Chunk{newest.load(std::memory_order_relaxed), reserved, capacity, max_time};
    next = chunk->row(0, stride);
    left = capacity;
    newest.store(chunk, std::memory_order_release);
  }
};

struct Late {
  static constexpr size_t kSorted = 3;
  Chain sorted[kSorted];
  Chain rest;
};

// One cache line: what a writer needs to reserve a row.
struct alignas(64) Tail {
  explicit Tail(const KeyView& key, Arena* arena) : key_prefix(key.prefix), key_rest(key.size) {
    if (key.size <= kPrefixBytes) return;
    uint8_t* const copy = arena->allocate(sizeof key.size + key.size);
    store(copy, key.size);
    std::memcpy(copy + sizeof key.size, key.data, key.size);
    key_rest = reinterpret_cast<uintptr_t>(copy);
  }

  const uint64_t key_prefix;
  Chain main;
  std::atomic<Late*> late{nullptr};

  KeyView key() const {
    if (key_rest <= kPrefixBytes) return {key_prefix, nullptr, static_cast<uint32_t>(key_rest)};
    const auto* const copy = reinterpret_cast<const uint8_t*>(key_rest);
    return {key_prefix, copy + sizeof(uint32_t), load<uint32_t>(copy)};
  }

  // W: the chain that a row of this time goes to.
  Chain& chain_for(int64_t time, Arena* arena) {
    if (time >= main.max_time) return main;
    Late* chains = late.load(std::memory_order_relaxed);
    if (chains == nullptr) {
      chains = new (arena->allocate(sizeof(Late))) Late;
      late.store(chains, std::memory_order_release);
    }
    for (Chain& chain : chains->sorted) {
      if (time >= chain.max_time) return chain;
    }
    return chains->rest;
  }

 private:
  static constexpr uint32_t kPrefixBytes = 8;
  uintptr_t key_rest;  // the size of a key that the prefix holds, else the address of size (u32) and bytes
};
static_assert(sizeof(Tail) == 64);

}  // namespace tsfeat
