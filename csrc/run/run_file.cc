#include "run/run_file.h"

#include <algorithm>
#include <bit>

#include "base/crc32c.h"
#include "base/epoch.h"
#include "base/planted.h"
#include "run/blocks.h"
#include "run/directory.h"
#include "run/source.h"

namespace tsfeat::run {
namespace {

constexpr uint64_t kMostPreloadedBytes = uint64_t{4} << 20;
constexpr uint64_t kPreloadedShare = 32;  // of the cache: a directory
constexpr uint64_t kPreloadedRunShare = 8;

}  // namespace

RunFile::RunFile(std::unique_ptr<File> file, Footer footer, Index index, Bloom bloom, std::vector<std::string> hot,
                 std::shared_ptr<BlockCache> cache)
    : file_(std::move(file)),
      footer_(footer),
      index_(std::move(index)),
      bloom_(std::move(bloom)),
      hot_(std::move(hot)),
      hot_values_(index_.layout.chunks()),
      fences_(index_.first_keys, is_varlen(index_.layout.key_type())),
      cache_(std::move(cache)) {
  index_.first_keys = {};  // the fences have them now
  directory_slots_ = size_t{pages()} * (1 + layout().chunks());
  slot_count_ = directory_slots_ + index_.directory.size();
  slots_ = std::make_unique<CacheSlot[]>(slot_count_);
  typical_bytes_ = std::make_unique<std::atomic<uint32_t>[]>(layout().chunks());
  for (size_t i = 0; i < hot_.size(); ++i) {
    const HotEntry& list = index_.hot[i];
    hot_values_[layout().columns()[list.column].chunk] = {as_bytes(hot_[i]).data(), list.values};
  }
  make_guide();
}

RunFile::~RunFile() { cache_->drop({slots_.get(), slot_count_}); }

void RunFile::make_guide() {
  const uint64_t events = footer_.meta.stats.events;
  if (events == 0) return;
  guide_shift_ = static_cast<unsigned>(std::bit_width(events / pages())) - 1;  // about one page an entry
  guide_.reserve((events >> guide_shift_) + 1);
  uint32_t page = 0;
  for (uint64_t row = 0; row < events; row += uint64_t{1} << guide_shift_) {
    while (index_.pages[page + 1].first_row <= row) ++page;
    guide_.push_back(page);
  }
}

uint64_t RunFile::memory_bytes() const {
  uint64_t list_bytes = index_.arrivals.memory_bytes() + hot_values_.capacity() * sizeof(codec::HotValues);
  for (const std::string& values : hot_) list_bytes += values.capacity();
  return sizeof *this + index_.pages.capacity() * sizeof(PageEntry) +
         index_.directory.capacity() * sizeof(DirectoryEntry) + guide_.capacity() * sizeof(uint32_t) +
         bloom_.bytes().size() + fences_.memory_bytes() +
         layout().columns().capacity() * (sizeof(RunColumn) + sizeof(ChunkForm) + sizeof(ColumnBounds)) +
         slot_count_ * sizeof(CacheSlot) + list_bytes;
}

std::unique_ptr<Source> RunFile::source(bool bypass_cache) { return std::make_unique<RunSource>(*this, bypass_cache); }

Status RunFile::damaged(uint64_t offset, std::string_view what, std::string_view why) const {
  return Status::corruption(file_->path() + ": " + std::string(what) + " at offset " + std::to_string(offset) +
                            " is damaged (" + std::string(why) +
                            "); restore the file from a checkpoint, or salvage the rest with "
                            "`tsfeat repair`");
}

Status RunFile::check_header(uint32_t page, Bytes raw) const {
  const PageEntry& entry = index_.pages[page];
  if (crc32c(raw) != entry.header_crc) return damaged(entry.offset, "a page header", "its checksum does not match");
  const Status status = layout().check_header(raw.data(), entry.bytes);
  return status.ok() ? Status() : damaged(entry.offset, "a page header", status.message());
}

Status RunFile::check_chunk(uint32_t page, uint32_t chunk, const uint8_t* header, Bytes raw,
                            std::string* inflated) const {
  const uint64_t offset = index_.pages[page].offset + layout().chunk_begin(header, chunk);
  inflated->clear();
  if (!planted("chunk_checksum") && crc32c(raw) != Layout::chunk_crc(header, chunk)) {
    return damaged(offset, layout().chunk_name(chunk), "the checksum does not match");
  }
  const auto rows = static_cast<uint32_t>(page_rows(page).size());
  const uint32_t width = layout().form(chunk).width;
  Result<std::string> plain = width == 0 ? codec::inflate_varlen(raw, rows) : codec::inflate_fixed(raw, rows, width);
  Status status = plain.status();
  if (status.ok()) {
    *inflated = std::move(*plain);
    const Bytes bytes = inflated->empty() ? raw : as_bytes(*inflated);
    status =
        width == 0 ? codec::check_varlen(bytes, rows) : codec::check_fixed(bytes, rows, width, hot_values(chunk).size);
    typical_bytes_[chunk].store(static_cast<uint32_t>(bytes.size()), std::memory_order_relaxed);
  }
  return status.ok() ? Status() : damaged(offset, layout().chunk_name(chunk), status.message());
}

Result<std::string> RunFile::load_directory(uint32_t block) const {
  const DirectoryEntry& entry = index_.directory[block];
  std::string raw(entry.bytes, '\0');
  TSFEAT_TRY(file_->read(entry.offset, {reinterpret_cast<uint8_t*>(raw.data()), raw.size()}));
  return expand_directory_block(block, as_bytes(raw));
}

Result<std::string> RunFile::expand_directory_block(uint32_t block, Bytes raw) const {
  const DirectoryEntry& entry = index_.directory[block];
  if (!planted("directory_checksum") && crc32c(raw) != entry.crc)
    return damaged(entry.offset, "a directory block", "its checksum does not match");
  Result<std::string> expanded = expand_directory(raw, entry, directory_end(block), varlen_keys());
  if (!expanded.ok()) return damaged(entry.offset, "a directory block", expanded.status().message());
  const DirectoryView view(as_bytes(*expanded), varlen_keys());
  if (view.key(0) != fences_.key(block) ||
      (block + 1 < fences_.size() && !(view.key(view.keys() - 1) < fences_.key(block + 1)))) {
    return damaged(entry.offset, "a directory block", "its keys are not those that the index says");
  }
  return expanded;
}

void RunFile::preload() {
  if (footer_.meta.bytes > cache_->stats().capacity_bytes / kPreloadedRunShare) return;
  const std::unique_ptr<Blocks> blocks = make_cached_blocks(*this);
  for (uint32_t page = 0; page < pages() && is_small(page); ++page) {
    if (chunk_slot(page, kTimesChunk).entry.load(std::memory_order_relaxed) != nullptr) continue;
    const EpochGuard pin(cache_->epochs());
    if (!blocks->chunk(page, kTimesChunk, pages() - 1).ok()) return;
  }
}

void RunFile::preload_directory() const {
  const auto& blocks = index_.directory;
  uint64_t bytes = 0;
  for (const DirectoryEntry& entry : blocks) bytes += entry.bytes;
  // Expanded, they take a few times as much.
  if (bytes > std::min(kMostPreloadedBytes, cache_->stats().capacity_bytes / kPreloadedShare)) return;
  std::string raw;
  for (size_t first = 0; first < blocks.size();) {
    size_t end = first + 1;  // blocks that stand side by side are read together
    while (end < blocks.size() && blocks[end].offset == blocks[end - 1].offset + blocks[end - 1].bytes) ++end;
    raw.resize(blocks[end - 1].offset + blocks[end - 1].bytes - blocks[first].offset);
    const Status status = file_->read(blocks[first].offset, {reinterpret_cast<uint8_t*>(raw.data()), raw.size()});
    for (size_t i = first; status.ok() && i < end; ++i) {
      const Bytes piece = as_bytes(raw).subspan(blocks[i].offset - blocks[first].offset, blocks[i].bytes);
      const Result<std::string> expanded = expand_directory_block(static_cast<uint32_t>(i), piece);
      if (!expanded.ok()) continue;
      const EpochGuard pin(cache_->epochs());
      cache_->insert(directory_slot(static_cast<uint32_t>(i)), as_bytes(*expanded));
    }
    first = end;
  }
}

}  // namespace tsfeat::run
