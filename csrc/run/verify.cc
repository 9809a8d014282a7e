// RunFile::verify: reads every byte and checks everything that the format promises, past the cache.
#include <algorithm>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "run/directory.h"
#include "run/run_file.h"

namespace tsfeat::run {
namespace {

class Verifier {
 public:
  Verifier(const RunFile& run, std::vector<Run::Problem>* problems) : run_(run), problems_(problems) {}

  Status all() {
    TSFEAT_TRY(ends());
    bounds_.resize(run_.layout().columns().size());
    const auto& blocks = run_.index().directory;
    uint32_t block = 0;
    for (uint32_t page = 0; page < run_.pages();
         ++page) {  // the directory in step with the pages: memory stays bounded
      const RowRange rows = run_.page_rows(page);
      std::erase_if(key_starts_, [&](uint64_t start) { return start < rows.begin; });
      while (block < blocks.size() && blocks[block].first_row < rows.end) TSFEAT_TRY(directory(block++));
      TSFEAT_TRY(this->page(page));
    }
    if (complete_) totals();
    return {};
  }

 private:
  void report(uint64_t offset, std::string message) { problems_->push_back({offset, std::move(message)}); }
  void report_page(uint32_t page, const std::string& what) {
    report(run_.page(page).offset, run_.damaged(run_.page(page).offset, "a page", what).message());
  }

  // Damage is noted and passed over; what the operating system refuses ends the check.
  Status note(uint64_t offset, const Status& status) {
    if (status.ok() || status.code() != Code::kCorruption) return status;
    report(offset, status.message());
    complete_ = false;
    return {};
  }

  // What was checked when the run was opened may have changed on the disk since.
  Status ends() {
    const Footer& footer = run_.footer();
    TSFEAT_TRY(checksum(footer.bloom_offset, footer.bloom_bytes, footer.bloom_crc, "the bloom filter"));
    for (const HotEntry& list : run_.index().hot) TSFEAT_TRY(checksum(list.offset, list.bytes, list.crc, "hot values"));
    TSFEAT_TRY(checksum(footer.index_offset(), footer.index_bytes, footer.index_crc, "the index"));
    std::string expected;
    encode_footer(footer, &expected);
    return checksum(run_.meta().bytes - kFooterBytes, kFooterBytes, crc32c(as_bytes(expected)), "the footer");
  }

  Status checksum(uint64_t offset, uint64_t bytes, uint32_t crc, const char* what) {
    const Status status = read(offset, bytes, &raw_);
    if (!status.ok()) return note(offset, status);
    if (crc32c(as_bytes(raw_)) == crc) return {};
    return note(offset, run_.damaged(offset, what, "its checksum does not match"));
  }

  Status read(uint64_t offset, uint64_t bytes, std::string* out) const {
    out->resize(bytes);
    return run_.file().read(offset, {reinterpret_cast<uint8_t*>(out->data()), out->size()});
  }

  Status directory(uint32_t block) {
    const uint64_t offset = run_.index().directory[block].offset;
    const Result<std::string> expanded = run_.load_directory(block);
    if (!expanded.ok()) return note(offset, expanded.status());
    const DirectoryView view(as_bytes(*expanded), run_.varlen_keys());
    for (uint32_t i = 0; i < view.keys(); ++i) {
      key_starts_.push_back(view.rows(i).begin);
      if (run_.bloom().may_contain(hash_key(view.key(i)))) continue;
      report(run_.footer().bloom_offset,
             run_.damaged(run_.footer().bloom_offset, "the bloom filter", "it misses a key").message());
    }
    return {};
  }

  Status page(uint32_t page) {
    const PageEntry& entry = run_.page(page);
    const Layout& layout = run_.layout();
    const size_t before = problems_->size();
    Status status = read(entry.offset, entry.bytes, &raw_);
    const Bytes raw = as_bytes(raw_);
    if (status.ok()) status = run_.check_header(page, raw.first(layout.header_bytes()));
    if (!status.ok()) {
      have_last_ = false;
      return note(entry.offset, status);
    }
    plain_.assign(layout.chunks(), {});
    inflated_.resize(layout.chunks());
    for (uint32_t chunk = 0; chunk < layout.chunks(); ++chunk) {
      const uint32_t begin = layout.chunk_begin(raw.data(), chunk);
      const Bytes bytes = raw.subspan(begin, Layout::chunk_end(raw.data(), chunk) - begin);
      if (bytes.empty()) continue;
      TSFEAT_TRY(note(entry.offset + begin, run_.check_chunk(page, chunk, raw.data(), bytes, &inflated_[chunk])));
      plain_[chunk] = inflated_[chunk].empty() ? bytes : as_bytes(inflated_[chunk]);
    }
    if (problems_->size() != before) {
      have_last_ = false;
      return {};
    }
    check_order(page);
    check_bounds(page, raw.data());
    return {};
  }

  template <typename T>
  std::vector<T> decode(uint32_t chunk, uint32_t rows, uint32_t width) const {
    std::vector<T> values(size_t{rows} * width / sizeof(T));
    codec::decode_fixed(plain_[chunk], rows, width, 0, rows, reinterpret_cast<uint8_t*>(values.data()),
                        run_.hot_values(chunk));
    return values;
  }

  void check_order(uint32_t page) {
    const RowRange range = run_.page_rows(page);
    const auto rows = static_cast<uint32_t>(range.size());
    const auto times = decode<int64_t>(kTimesChunk, rows, 8);
    auto versions = decode<uint64_t>(kVersionsChunk, rows, 8);
    run_.index().arrivals.add_expected(times.data(), rows, versions.data());
    auto start = std::lower_bound(key_starts_.begin(), key_starts_.end(), range.begin);
    bool ordered = true;
    for (uint32_t i = 0; i < rows; ++i) {
      const bool starts_key = start != key_starts_.end() && *start == range.begin + i;
      if (starts_key) ++start;
      const bool compares = !starts_key && (i > 0 || have_last_);
      const int64_t time = i > 0 ? times[i - 1] : last_time_;
      const uint64_t version = i > 0 ? versions[i - 1] : last_version_;
      ordered = ordered && !(compares && (times[i] < time || (times[i] == time && versions[i] < version)));
    }
    if (!ordered && complete_) report_page(page, "events of a key are out of order");
    last_time_ = times.back();
    last_version_ = versions.back();
    have_last_ = true;
    const auto [least, most] = std::minmax_element(times.begin(), times.end());
    if (*least != run_.page(page).min_time || *most != run_.page(page).max_time)
      report_page(page, "its times are not as declared");
    const auto [oldest, newest] = std::minmax_element(versions.begin(), versions.end());
    stats_.events += rows;
    stats_.min_time = std::min(stats_.min_time, *least);
    stats_.max_time = std::max(stats_.max_time, *most);
    stats_.min_version = std::min(stats_.min_version, *oldest);
    stats_.max_version = std::max(stats_.max_version, *newest);
  }

  void check_bounds(uint32_t page, const uint8_t* header) {
    const auto rows = static_cast<uint32_t>(run_.page_rows(page).size());
    const auto& columns = run_.layout().columns();
    for (size_t i = 0; i < columns.size(); ++i) {
      const RunColumn& column = columns[i];
      std::vector<uint8_t> validity;
      if (column.nullable && !plain_[column.validity_chunk].empty()) {
        validity = decode<uint8_t>(column.validity_chunk, rows, 1);
        if (std::any_of(validity.begin(), validity.end(), [](uint8_t valid) { return valid > 1; }) ||
            std::find(validity.begin(), validity.end(), 0) == validity.end()) {
          report_page(page, "a validity chunk is not as it should be");
        }
      }
      if (column.bounds_offset == 0) continue;
      const auto values = decode<uint8_t>(column.chunk, rows, column.width);
      const ColumnBounds found =
          compute_bounds(column.type, values.data(), validity.empty() ? nullptr : validity.data(), rows);
      if (found != run_.layout().bounds(header, column))
        report_page(page, "the bounds of a column are not as declared");
      widen(column.type, found, &bounds_[i]);
    }
  }

  void totals() {
    const SourceStats& said = run_.meta().stats;
    const uint64_t offset = run_.meta().bytes - kFooterBytes;
    if (stats_.events != said.events || stats_.min_time != said.min_time || stats_.max_time != said.max_time ||
        stats_.min_version != said.min_version || stats_.max_version != said.max_version) {
      report(offset, run_.damaged(offset, "the footer", "counts, times or versions are not as declared").message());
    }
    for (size_t i = 0; i < bounds_.size(); ++i) {
      if (run_.layout().columns()[i].bounds_offset == 0 || bounds_[i] == run_.index().bounds[i]) continue;
      report(run_.footer().index_offset(),
             run_.damaged(run_.footer().index_offset(), "the index", "the bounds of a column are not as declared")
                 .message());
    }
  }

  const RunFile& run_;
  std::vector<Run::Problem>* problems_;
  bool complete_ = true;
  std::vector<uint64_t> key_starts_;  // first rows of the keys that begin in this page or a little behind it
  std::string raw_;
  std::vector<Bytes> plain_;
  std::vector<std::string> inflated_;
  bool have_last_ = false;  // of the row before this page
  int64_t last_time_ = 0;
  uint64_t last_version_ = 0;
  SourceStats stats_;
  std::vector<ColumnBounds> bounds_;
};

}  // namespace

Status RunFile::verify(std::vector<Problem>* problems) { return Verifier(*this, problems).all(); }

}  // namespace tsfeat::run
