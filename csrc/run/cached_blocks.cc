#include <algorithm>
#include <string>

#include "base/planted.h"
#include "run/blocks.h"

namespace tsfeat::run {
namespace {

constexpr uint64_t kMaxReadBytes = 256 << 10;

class CachedBlocks final : public Blocks {
 public:
  explicit CachedBlocks(const RunFile& run) : run_(run) {}

  Result<Bytes> header(uint32_t page) override {
    if (const Bytes found = BlockCache::find(run_.header_slot(page)); !found.empty()) return found;
    if (run_.is_small(page)) {
      TSFEAT_TRY(load_pages(page, page, kTimesChunk));
      return header_;
    }
    TSFEAT_ASSIGN(const Bytes raw, read(run_.page(page).offset, run_.layout().header_bytes()));
    TSFEAT_TRY(run_.check_header(page, raw));
    return run_.cache().insert(run_.header_slot(page), raw);
  }

  Result<Bytes> chunk(uint32_t page, uint32_t chunk, uint32_t last_page) override {
    const uint32_t looked_up = planted("cache") && page % 2 == 1 ? page - 1 : page;
    if (const Bytes found = BlockCache::find(run_.chunk_slot(looked_up, chunk)); !found.empty()) return found;
    if (run_.is_small(page)) {
      TSFEAT_TRY(load_pages(page, last_page, chunk));
      return wanted_;
    }
    TSFEAT_ASSIGN(const Bytes head, header(page));
    const uint32_t begin = run_.layout().chunk_begin(head.data(), chunk);
    TSFEAT_ASSIGN(const Bytes raw, read(run_.page(page).offset + begin, Layout::chunk_end(head.data(), chunk) - begin));
    return admit(page, chunk, head.data(), raw);
  }

  Result<Bytes> directory(uint32_t block) override {
    if (const Bytes found = BlockCache::find(run_.directory_slot(block)); !found.empty()) return found;
    TSFEAT_ASSIGN(const std::string expanded, run_.load_directory(block));
    return run_.cache().insert(run_.directory_slot(block), as_bytes(expanded));
  }

 private:
  Result<Bytes> read(uint64_t offset, uint64_t bytes) {
    scratch_.resize(bytes);
    TSFEAT_TRY(run_.file().read(offset, {reinterpret_cast<uint8_t*>(scratch_.data()), scratch_.size()}));
    return as_bytes(scratch_);
  }

  // Small pages that follow each other, and lack the chunk, in one read. The first page's header and chunk are left
  // in header_ and wanted_. Damage in what was not asked for is not this caller's error: it stays out of the cache.
  Status load_pages(uint32_t first, uint32_t last, uint32_t chunk) {
    const uint64_t offset = run_.page(first).offset;
    const auto end_of = [&](uint32_t page) { return run_.page(page).offset + run_.page(page).bytes; };
    uint32_t end = first + 1;
    while (end <= last && run_.is_small(end) && end_of(end) - offset <= kMaxReadBytes &&
           run_.chunk_slot(end, chunk).entry.load(std::memory_order_relaxed) == nullptr) {
      ++end;
    }
    TSFEAT_ASSIGN(const Bytes raw, read(offset, end_of(end - 1) - offset));
    for (uint32_t page = first; page < end; ++page) {
      const Status status =
          admit_page(page, raw.subspan(run_.page(page).offset - offset, run_.page(page).bytes), chunk, page == first);
      if (!status.ok() && page == first) return status;
    }
    return {};
  }

  Status admit_page(uint32_t page, Bytes raw, uint32_t wanted, bool first) {
    const Bytes head = raw.first(run_.layout().header_bytes());
    TSFEAT_TRY(run_.check_header(page, head));
    const Bytes cached = run_.cache().insert(run_.header_slot(page), head);
    if (first) header_ = cached;
    for (uint32_t chunk = 0; chunk < run_.layout().chunks(); ++chunk) {
      if (run_.chunk_slot(page, chunk).entry.load(std::memory_order_relaxed) != nullptr && !(first && chunk == wanted))
        continue;
      const uint32_t begin = run_.layout().chunk_begin(head.data(), chunk);
      const Bytes bytes = raw.subspan(begin, Layout::chunk_end(head.data(), chunk) - begin);
      if (bytes.empty()) continue;
      const Result<Bytes> admitted = admit(page, chunk, head.data(), bytes);
      if (!first || chunk != wanted) continue;
      if (!admitted.ok()) return admitted.status();
      wanted_ = *admitted;
    }
    return {};
  }

  Result<Bytes> admit(uint32_t page, uint32_t chunk, const uint8_t* head, Bytes raw) {
    TSFEAT_TRY(run_.check_chunk(page, chunk, head, raw, &inflated_));
    return run_.cache().insert(run_.chunk_slot(page, chunk), inflated_.empty() ? raw : as_bytes(inflated_));
  }

  const RunFile& run_;
  std::string scratch_;
  std::string inflated_;
  Bytes header_;
  Bytes wanted_;
};

}  // namespace

std::unique_ptr<Blocks> make_cached_blocks(const RunFile& run) { return std::make_unique<CachedBlocks>(run); }

}  // namespace tsfeat::run
