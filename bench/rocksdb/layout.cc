#include "layout.h"

#include <rocksdb/version.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "keys.h"
#include "options.h"

namespace bench {
namespace {

constexpr uint64_t kScanEvents = 65'536;  // of a piece

std::string more_options() {
  const char* more = std::getenv("BENCH_ROCKSDB_OPTIONS");
  return more == nullptr ? "" : more;
}

}  // namespace

void check(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error("RocksDB: " + status.ToString());
}

Layout::Layout(const Workload& workload, std::string directory, std::string name)
    : widths_(widths_of(workload)),
      directory_(std::move(directory)),
      name_(std::move(name)),
      options_(options_for(name_, more_options())),
      reader_(workload, this),
      join_(workload, this) {}

void Layout::open() {
  std::filesystem::create_directories(directory_);
  rocksdb::DB* db = nullptr;
  check(rocksdb::DB::Open(options_, directory_, &db));
  db_.reset(db);
  was_empty_ = db->GetLatestSequenceNumber() == 0;
}

void Layout::close() {
  release_iterators();
  if (db_) check(db_->Close());
  db_.reset();
}

void Layout::finish() {
  release_iterators();
  check(db_->Flush(rocksdb::FlushOptions()));
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  check(db_->CompactRange(options, nullptr, nullptr));
#if ROCKSDB_MAJOR >= 9  // Debian's 7.8 cannot wait; what is left to it is to remove old files
  rocksdb::WaitForCompactOptions wait;
  wait.wait_for_purge = true;
  check(db_->WaitForCompact(wait));
#endif
}

void Layout::write(bool sync, bool log) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  options.disableWAL = !log;
  check(db_->Write(options, &batch_));
  batch_.Clear();
}

void Layout::refresh() {
  if (iterator_) check(iterator_->Refresh());
}

rocksdb::Iterator& Layout::iterator() {
  if (!iterator_) iterator_.reset(db_->NewIterator(read_options()));
  return *iterator_;
}

rocksdb::Iterator& Layout::write_iterator() {
  if (write_iterator_)
    check(write_iterator_->Refresh());
  else
    write_iterator_.reset(db_->NewIterator(read_options()));
  return *write_iterator_;
}

void Layout::release_iterators() {
  iterator_.reset();
  write_iterator_.reset();
  scan_iterator_.reset();
}

void Layout::begin_scan(const std::vector<int>& columns) {
  scanned_.begin(columns, widths_);
  scan_iterator_.reset(db_->NewIterator(scan_options()));
  scan_iterator_->SeekToFirst();
}

void Layout::next_scan(Answer* answer) {
  scan_offsets_.assign(1, 0);
  scan_users_.clear();
  uint64_t events = 0;
  while (events < kScanEvents && scan_iterator_->Valid()) {
    scan_users_.push_back(user_of(scan_iterator_->key()));
    events += scan_some(scan_iterator_.get(), &scanned_, events);
    scan_offsets_.push_back(static_cast<int64_t>(events));
  }
  check(scan_iterator_->status());
  show(scanned_, scan_offsets_, answer);
}

}  // namespace bench
