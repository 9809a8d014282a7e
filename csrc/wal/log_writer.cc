#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/planted.h"
#include "wal/log.h"
#include "wal/log_format.h"

namespace tsfeat {
namespace {

using namespace log_format;

class SegmentWriter final : public LogWriter {
 public:
  SegmentWriter(std::unique_ptr<File> file, uint64_t number, uint64_t reserve_bytes)
      : file_(std::move(file)),
        number_(number),
        reserve_bytes_(reserve_bytes),
        size_(kHeaderBytes),
        durable_bytes_(kHeaderBytes) {}

  Status start(uint64_t previous) {
    TSFEAT_TRY(reserve(kHeaderBytes));
    TSFEAT_TRY(file_->write(0, make_header(number_, previous, kHeaderBytes)));
    return file_->sync();
  }

  Status append(EncodedRecord& record) override {
    const size_t payload_bytes = record.payload().size();
    if (payload_bytes > kMaxPayloadBytes) return Status::schema("a batch takes more than 4 GiB; append it in parts");
    record.pad(kRecordAlignment);
    uint8_t* const bytes = record.whole();
    RecordHeader header{0, static_cast<uint32_t>(payload_bytes), number_, durable_bytes()};
    header.write(bytes);
    const Bytes whole(bytes, header.record_bytes());
    store(bytes, crc32c(whole.subspan(4)));

    const uint64_t at = size_.load(std::memory_order_relaxed);
    TSFEAT_TRY(reserve(at + whole.size()));
    TSFEAT_TRY(file_->write(at, whole));
    size_.store(at + whole.size(), std::memory_order_release);
    return {};
  }

  Status sync(uint64_t bytes) override {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (!failure_.ok()) return failure_;
      if (durable_bytes() >= bytes) return {};
      if (!syncing_) break;
      done_.wait(lock);
    }
    syncing_ = true;
    const uint64_t target = size();
    lock.unlock();
    Status status = planted("log_sync") ? Status() : file_->sync();
    if (status.ok()) status = write_seal(target);
    lock.lock();
    syncing_ = false;
    ++sync_count_;
    // A failed sync is never tried again: the kernel may have dropped the very pages that could not be written.
    if (status.ok())
      durable_bytes_.store(target, std::memory_order_release);
    else
      failure_ = status;
    done_.notify_all();
    return status;
  }

  uint64_t size() const override { return size_.load(std::memory_order_acquire); }
  uint64_t durable_bytes() const override { return durable_bytes_.load(std::memory_order_acquire); }
  uint64_t sync_count() const override { return sync_count_.load(std::memory_order_relaxed); }

  Status finish() override {
    TSFEAT_TRY(sync(size()));
    TSFEAT_TRY(file_->truncate(size()));
    return file_->sync();
  }

 private:
  Status reserve(uint64_t bytes) {
    if (bytes <= reserved_) return {};
    const uint64_t wanted = (bytes / reserve_bytes_ + 1) * reserve_bytes_;
    TSFEAT_TRY(file_->allocate(wanted));
    reserved_ = wanted;
    return {};
  }

  Status write_seal(uint64_t durable_bytes) {
    seal_ = (seal_ + 1) % kSeals;
    return file_->write(kSealAt + seal_ * kSealBytes, make_seal(number_, durable_bytes));
  }

  std::unique_ptr<File> file_;
  const uint64_t number_;
  const uint64_t reserve_bytes_;
  uint64_t reserved_ = 0;
  size_t seal_ = 0;  // the one written last; by the thread that syncs
  std::atomic<uint64_t> size_;
  std::atomic<uint64_t> durable_bytes_;
  std::atomic<uint64_t> sync_count_{0};
  std::mutex mutex_;  // guards what follows
  std::condition_variable done_;
  bool syncing_ = false;
  Status failure_;
};

}  // namespace

Result<std::unique_ptr<LogWriter>> LogWriter::create(Vfs& vfs, const std::string& directory, std::string name,
                                                     uint64_t number, uint64_t previous, uint64_t reserve_bytes) {
  TSFEAT_ASSIGN(std::unique_ptr<File> file, vfs.open(directory + "/" + name, OpenMode::kCreate));
  auto writer = std::make_unique<SegmentWriter>(std::move(file), number, reserve_bytes);
  TSFEAT_TRY(writer->start(previous));
  TSFEAT_TRY(vfs.sync_directory(directory));
  return std::unique_ptr<LogWriter>(std::move(writer));
}

}  // namespace tsfeat
