// An open run: its file, and what is in memory of it. Immutable after open, but for the cache slots; shared by all
// its sources.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "run/bloom.h"
#include "run/cache.h"
#include "run/fences.h"
#include "run/format.h"
#include "run/run.h"
#include "vfs/vfs.h"

namespace tsfeat::run {

// Pages up to this size, of tables up to so many chunks wide, are read whole: one read costs more than the bytes.
inline constexpr uint32_t kSmallPageBytes = 64 << 10;
inline constexpr uint32_t kSmallPageChunks = 32;

class RunFile final : public Run {
 public:
  // hot: the values of each list of the index, and behind them one more (codec::HotValues).
  RunFile(std::unique_ptr<File> file, Footer footer, Index index, Bloom bloom, std::vector<std::string> hot,
          std::shared_ptr<BlockCache> cache);
  ~RunFile() override;

  const RunMeta& meta() const override { return footer_.meta; }
  uint64_t memory_bytes() const override;
  std::unique_ptr<Source> source(bool bypass_cache) override;
  void preload() override;
  Status verify(std::vector<Problem>* problems) override;

  const File& file() const { return *file_; }
  const Footer& footer() const { return footer_; }
  const Index& index() const { return index_; }
  const Layout& layout() const { return index_.layout; }
  const Bloom& bloom() const { return bloom_; }
  const Fences& fences() const { return fences_; }
  BlockCache& cache() const { return *cache_; }
  // Of the column whose values the chunk holds; none of times, versions and validity.
  const codec::HotValues& hot_values(uint32_t chunk) const { return hot_values_[chunk]; }
  bool varlen_keys() const { return is_varlen(index_.layout.key_type()); }

  uint32_t pages() const { return static_cast<uint32_t>(index_.pages.size() - 1); }
  const PageEntry& page(uint32_t page) const { return index_.pages[page]; }
  RowRange page_rows(uint32_t page) const { return {index_.pages[page].first_row, index_.pages[page + 1].first_row}; }
  uint32_t page_of(uint64_t row) const {
    uint32_t page = guide_[row >> guide_shift_];
    while (index_.pages[page + 1].first_row <= row) ++page;
    return page;
  }
  void prefetch_page_of(uint64_t row) const { __builtin_prefetch(&guide_[row >> guide_shift_]); }
  bool is_small(uint32_t page) const {
    return index_.pages[page].bytes <= kSmallPageBytes && layout().chunks() <= kSmallPageChunks;
  }

  CacheSlot& header_slot(uint32_t page) const { return slots_[size_t{page} * (1 + layout().chunks())]; }
  CacheSlot& chunk_slot(uint32_t page, uint32_t chunk) const {
    return slots_[size_t{page} * (1 + layout().chunks()) + 1 + chunk];
  }
  CacheSlot& directory_slot(uint32_t block) const { return slots_[directory_slots_ + block]; }

  // About as large as the plain form of a page's chunk is: what the last one that was checked had.
  uint32_t typical_bytes(uint32_t chunk) const { return typical_bytes_[chunk].load(std::memory_order_relaxed); }

  // kCorruption, naming the file and where in it.
  Status damaged(uint64_t offset, std::string_view what, std::string_view why) const;
  // Whether bytes read from the disk are what was written, and safe to use. `raw`: the header's bytes.
  Status check_header(uint32_t page, Bytes raw) const;
  // Checks one chunk's bytes; *inflated becomes its plain form if it was compressed, and is empty otherwise.
  Status check_chunk(uint32_t page, uint32_t chunk, const uint8_t* header, Bytes raw, std::string* inflated) const;
  // Reads, checks and expands a directory block.
  Result<std::string> load_directory(uint32_t block) const;
  // The same of its bytes, read already.
  Result<std::string> expand_directory_block(uint32_t block, Bytes raw) const;
  // Brings the directory into the cache if its blocks are small together: then a cold read of a key is one read of the
  // file. What cannot be read, or is damaged, is left to the read that needs it.
  void preload_directory() const;
  uint64_t directory_end(uint32_t block) const {
    return block + 1 < index_.directory.size() ? index_.directory[block + 1].first_row : footer_.meta.stats.events;
  }

 private:
  void make_guide();

  std::unique_ptr<File> file_;
  Footer footer_;
  Index index_;
  Bloom bloom_;
  std::vector<std::string> hot_;
  std::vector<codec::HotValues> hot_values_;  // by chunk
  Fences fences_;
  std::vector<uint32_t> guide_;  // for each 2^guide_shift_ rows: the page of the first
  unsigned guide_shift_ = 0;
  std::shared_ptr<BlockCache> cache_;
  std::unique_ptr<CacheSlot[]> slots_;
  std::unique_ptr<std::atomic<uint32_t>[]> typical_bytes_;
  size_t directory_slots_ = 0;
  size_t slot_count_ = 0;
};

// What Run::open does. passed_over: for salvage, which can do without them, damage of the bloom filter, of hot values
// and of such fields of the footer as are known otherwise is noted there instead of refused. A list of hot values that
// is lost then has no values in the index, where it has at least one otherwise. Null: nothing is passed over.
Result<std::shared_ptr<RunFile>> open_run_file(Vfs& vfs, const std::string& path, const RunMeta& meta,
                                               const Schema& schema, std::shared_ptr<BlockCache> cache,
                                               std::vector<Run::Problem>* passed_over);

// For tight loops over neighbours of one run: the page of a row is most often the one asked for last.
class PageFinder {
 public:
  uint32_t find(const RunFile& run, uint64_t row) {
    assert(row < run.meta().stats.events);
    if (row < rows_.begin || row >= rows_.end) {
      page_ = run.page_of(row);
      rows_ = run.page_rows(page_);
    }
    return page_;
  }

 private:
  RowRange rows_;  // of the page; empty: none yet
  uint32_t page_ = 0;
};

}  // namespace tsfeat::run
