#include <algorithm>
#include <string>
#include <vector>

#include "run/blocks.h"

namespace tsfeat::run {
namespace {

constexpr uint64_t kFirstWindowBytes = 256 << 10;
constexpr uint64_t kLastWindowBytes = 4 << 20;

// Jobs go through a run from front to back, a column at a time over some pages, then the next pages. Small pages are
// read through windows of the file that cover those pages, two of them, so that a border between them is no matter;
// chunks of large pages one at a time.
class ScratchBlocks final : public Blocks {
 public:
  explicit ScratchBlocks(const RunFile& run) : run_(run), chunks_(run.layout().chunks()) {}

  Result<Bytes> header(uint32_t page) override {
    if (run_.is_small(page)) {
      TSFEAT_ASSIGN(const Bytes raw, whole_page(page));
      return raw.first(run_.layout().header_bytes());
    }
    if (header_page_ == page) return as_bytes(header_);
    header_page_ = kNoPage;
    TSFEAT_TRY(read(run_.page(page).offset, run_.layout().header_bytes(), &header_));
    TSFEAT_TRY(run_.check_header(page, as_bytes(header_)));
    header_page_ = page;
    return as_bytes(header_);
  }

  Result<Bytes> chunk(uint32_t page, uint32_t chunk, uint32_t) override {
    Held& held = chunks_[chunk];
    if (held.page == page && (held.window == 0 || find_window(held.window) != nullptr)) return held.plain;
    held.page = kNoPage;
    TSFEAT_ASSIGN(const Bytes head, header(page));
    const uint32_t begin = run_.layout().chunk_begin(head.data(), chunk);
    const uint32_t end = Layout::chunk_end(head.data(), chunk);
    Bytes raw;
    if (run_.is_small(page)) {
      raw = Bytes(head.data() + begin, end - begin);  // the header is the page's start, in the window
    } else {
      TSFEAT_TRY(read(run_.page(page).offset + begin, end - begin, &held.raw));
      raw = as_bytes(held.raw);
    }
    TSFEAT_TRY(run_.check_chunk(page, chunk, head.data(), raw, &held.inflated));
    held.plain = held.inflated.empty() ? raw : as_bytes(held.inflated);
    held.window = run_.is_small(page) && held.inflated.empty() ? windows_[0].number : 0;
    held.page = page;
    return held.plain;
  }

  Result<Bytes> directory(uint32_t block) override {
    if (directory_block_ == block) return as_bytes(directory_);
    directory_block_ = kNoPage;
    TSFEAT_ASSIGN(directory_, run_.load_directory(block));
    directory_block_ = block;
    return as_bytes(directory_);
  }

 private:
  static constexpr uint32_t kNoPage = ~uint32_t{0};

  struct Held {
    uint32_t page = kNoPage;
    uint64_t window = 0;  // in which `plain` lies; 0 if it lies in raw or inflated
    Bytes plain;
    std::string raw;
    std::string inflated;
  };

  Status read(uint64_t offset, uint64_t bytes, std::string* out) const {
    out->resize(bytes);
    return run_.file().read(offset, {reinterpret_cast<uint8_t*>(out->data()), out->size()});
  }

  struct Window {
    uint64_t number = 0;  // 0: empty
    uint64_t begin = 0;
    std::string bytes;
    std::vector<uint32_t> checked;  // pages in it whose headers were checked

    bool covers(const PageEntry& entry) const {
      return number != 0 && entry.offset >= begin && entry.offset + entry.bytes <= begin + bytes.size();
    }
  };

  const Window* find_window(uint64_t number) const {
    return windows_[0].number == number ? &windows_[0] : windows_[1].number == number ? &windows_[1] : nullptr;
  }

  // A small page's bytes, its header checked; in windows_[0].
  Result<Bytes> whole_page(uint32_t page) {
    const PageEntry& entry = run_.page(page);
    if (!windows_[0].covers(entry)) {
      std::swap(windows_[0], windows_[1]);
      if (!windows_[0].covers(entry)) TSFEAT_TRY(move_window(entry));
    }
    Window& window = windows_[0];
    const Bytes raw = as_bytes(window.bytes).subspan(entry.offset - window.begin, entry.bytes);
    if (std::find(window.checked.begin(), window.checked.end(), page) == window.checked.end()) {
      TSFEAT_TRY(run_.check_header(page, raw.first(run_.layout().header_bytes())));
      window.checked.push_back(page);
    }
    return raw;
  }

  // Reads windows_[0] anew. Going back a little means that the caller's next column starts over, and that two windows
  // were too small for its step; going back far, that another pass over the run begins.
  Status move_window(const PageEntry& entry) {
    Window& window = windows_[0];
    const bool back = windows_[1].number != 0 && entry.offset < windows_[1].begin;
    const bool near = back && windows_[1].begin - entry.offset <= 2 * window_bytes_;
    if (near && window_bytes_ < kLastWindowBytes) window_bytes_ *= 2;
    const uint64_t end =
        std::max(entry.offset + entry.bytes, std::min(entry.offset + window_bytes_, run_.footer().bloom_offset));
    window.number = 0;
    window.begin = entry.offset;
    window.checked.clear();
    TSFEAT_TRY(read(entry.offset, end - entry.offset, &window.bytes));
    window.number = ++last_window_;
    return {};
  }

  const RunFile& run_;
  std::vector<Held> chunks_;
  uint64_t window_bytes_ = kFirstWindowBytes;
  uint64_t last_window_ = 0;
  Window windows_[2];  // the one used last first
  uint32_t header_page_ = kNoPage;
  std::string header_;
  uint32_t directory_block_ = kNoPage;
  std::string directory_;
};

}  // namespace

std::unique_ptr<Blocks> make_scratch_blocks(const RunFile& run) { return std::make_unique<ScratchBlocks>(run); }

}  // namespace tsfeat::run
