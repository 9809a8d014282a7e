// A run's bytes, in the order in which they stand in its file: encodes pages, gives everything its place, and keeps
// what the index will say of it. Writer (writer.cc) decides what comes next.
//
// Threads: one at a time, but for bytes(), which any may ask.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "run/bloom.h"
#include "run/format.h"
#include "run/page_encoder.h"
#include "run/run.h"
#include "vfs/vfs.h"

namespace tsfeat::run {

// Finished blocks, end to end, without their places.
struct DirectoryBlocks {
  std::vector<DirectoryEntry> entries;
  std::string bytes;
};

class BodyWriter {
 public:
  BodyWriter(std::unique_ptr<File> file, Layout layout, RunOptions options);

  const Layout& layout() const { return index_.layout; }
  const std::string& path() const { return file_->path(); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }  // placed so far

  Status add_page(PlainPage* page);
  void add_directory(const DirectoryBlocks& blocks);
  // Nothing of these follows: the lists of hot values, and all into the file.
  Status end_rows();
  // With every key of the directory blocks, `keys` in all: from the file, so that memory does not grow with the number
  // of keys while a run is written.
  Result<Bloom> make_bloom(Vfs& vfs, uint64_t keys) const;
  Status sync() { return file_->sync(); }
  // Writes what stands behind the rows. version: see RunWriter::finish. Completes *meta.
  Status finish(const Bloom& bloom, std::vector<std::string> first_keys, std::optional<uint64_t> version,
                RunMeta* meta);

 private:
  uint64_t place() const { return written_ + buffer_.size(); }  // in the file, of what is added to the buffer
  void note_page(const EncodedPage& page);
  void write_hot();
  Status flush_buffer();

  const std::unique_ptr<File> file_;
  RunOptions options_;
  Index index_;  // pages without the closing one until finish()
  SourceStats stats_;
  PageEncoder encoder_;
  std::string buffer_;  // goes to the file at offset written_
  uint64_t written_ = 0;
  uint64_t synced_ahead_ = 0;  // of written_
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace tsfeat::run
