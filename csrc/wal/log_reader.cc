#include <algorithm>
#include <cstring>
#include <vector>

#include "base/planted.h"
#include "wal/log.h"
#include "wal/log_format.h"

namespace tsfeat {
namespace {

using namespace log_format;

constexpr uint64_t kScanBytes = uint64_t{1} << 20;
constexpr uint64_t kMostSurvivorChecks = 64;  // how often, on average, each byte of the tail is looked at

// Each byte equals the next, and the first is zero: as fast as memory, for megabytes of reserved space.
bool all_zero(Bytes bytes) {
  return bytes.empty() || (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

class SegmentReader {
 public:
  SegmentReader(const File& file, uint64_t number, uint64_t file_bytes)
      : file_(file), number_(number), file_bytes_(file_bytes) {}

  // Checks the header block and takes the seal. `torn`: the power failed while the segment was created; it holds
  // nothing.
  Status read_header(bool last, bool* torn) {
    HeaderBlock block{};
    if (file_bytes_ < kHeaderBytes) {
      *torn = last;
      return last ? Status{} : damaged(0, "the segment is shorter than its header");
    }
    TSFEAT_TRY(file_.read(0, block));
    const auto version = load<uint32_t>(block.data() + 8);
    if (load<uint64_t>(block.data()) == kMagic && version > kVersion &&
        load<uint32_t>(block.data() + kHeaderCrcAt) == crc32c(Bytes(block).first(kHeaderCrcAt))) {
      return Status(Code::kStorage, file_.path() + ": the log has format " + std::to_string(version) +
                                        "; open the store with a newer tsfeat");
    }
    previous_ = load<uint64_t>(block.data() + kPreviousAt);
    if (!read_seals(block)) {
      // Nothing is appended before the header is durable: a segment without records may have been cut off while it was
      // created.
      if (last) TSFEAT_TRY(scan_tail(0, torn));
      *torn = last;
      return last ? Status{} : damaged(0, "the segment's header is damaged");
    }
    if (sealed_bytes_ > file_bytes_) return damaged(kSealAt, "the segment is shorter than its durable part");
    return {};
  }

  bool seal_torn() const { return seal_torn_; }
  uint64_t sealed_bytes() const { return sealed_bytes_; }

  // True if a whole record starts at `at`; its payload is then in payload().
  Result<bool> read_record(uint64_t at) {
    if (file_bytes_ - at < kRecordHeaderBytes) return false;
    uint8_t head[kRecordHeaderBytes];
    TSFEAT_TRY(file_.read(at, head));
    header_ = RecordHeader::read(head);
    if (header_.number != number_ || header_.record_bytes() > file_bytes_ - at) return false;
    buffer_.resize(padded(header_.payload_bytes) / 8);
    const std::span<uint8_t> payload(reinterpret_cast<uint8_t*>(buffer_.data()), buffer_.size() * 8);
    TSFEAT_TRY(file_.read(at + kRecordHeaderBytes, payload));
    return planted("log_checksum") || header_.crc == crc32c(payload, crc32c(Bytes(head).subspan(4)));
  }
  Bytes payload() const { return {reinterpret_cast<const uint8_t*>(buffer_.data()), header_.payload_bytes}; }
  const RecordHeader& header() const { return header_; }
  uint64_t previous() const { return previous_; }

  // No whole record starts at `at`. Says whether that may be the end of the log, or must be damage.
  Status check_end(uint64_t at, bool last, bool* torn) {
    if (at < sealed_bytes_) return damaged(at, "a durable log record is damaged");
    if (!last && at != file_bytes_) return damaged(at, "a log record is damaged");
    return scan_tail(at, torn);
  }

 private:
  // The block is a function of the two numbers and the seals: whatever else it holds is damage. False if it is damaged.
  bool read_seals(const HeaderBlock& block) {
    bool any = false;
    HeaderBlock expected = make_header(number_, previous_, 0);
    std::memcpy(expected.data() + kSealAt, block.data() + kSealAt, kSeals * kSealBytes);
    for (size_t i = 0; i < kSeals; ++i) {
      const Bytes seal = Bytes(block).subspan(kSealAt + i * kSealBytes, kSealBytes);
      const auto durable_bytes = load<uint64_t>(seal.data());
      const Seal whole = make_seal(number_, durable_bytes);
      if (std::equal(seal.begin(), seal.end(), whole.begin())) {
        sealed_bytes_ = any ? std::max(sealed_bytes_, durable_bytes) : durable_bytes;
        any = true;
      } else {
        seal_torn_ = seal_torn_ || !all_zero(seal);
      }
    }
    return any && block == expected;
  }

  // Looks behind the bad place at `at`: `torn` if there is anything but zeros, kCorruption if it proves that `at` was
  // durable.
  Status scan_tail(uint64_t at, bool* torn) {
    std::vector<uint8_t> window;
    for (uint64_t start = at; start < file_bytes_; start += kScanBytes) {
      window.resize(std::min(kScanBytes + kRecordHeaderBytes, file_bytes_ - start));
      TSFEAT_TRY(file_.read(start, window));
      if (all_zero(window)) continue;
      *torn = true;
      TSFEAT_TRY(check_survivors(at, start, window));
    }
    return {};
  }

  // A record behind the bad one that was written when the bad one was already durable.
  Status check_survivors(uint64_t bad, uint64_t start, const std::vector<uint8_t>& window) {
    for (uint64_t i = 0; i + kRecordHeaderBytes <= window.size() && i < kScanBytes; i += 8) {
      const RecordHeader candidate = RecordHeader::read(window.data() + i);
      if (candidate.number != number_ || candidate.durable_bytes <= bad || start + i == bad) continue;
      // Made to look like this by someone: not to be followed for ever.
      survivor_bytes_ += candidate.record_bytes() > file_bytes_ ? 0 : candidate.record_bytes();
      if (survivor_bytes_ / kMostSurvivorChecks > file_bytes_) return damaged(bad, "a log record is damaged");
      TSFEAT_ASSIGN(const bool whole, read_record(start + i));
      if (whole) return damaged(bad, "a durable log record is damaged");
    }
    return {};
  }
  Status damaged(uint64_t offset, const char* what) const {
    return Status::corruption(file_.path() + ", offset " + std::to_string(offset) + ": " + what +
                              "; restore the store from a checkpoint");
  }

  const File& file_;
  const uint64_t number_;
  const uint64_t file_bytes_;
  uint64_t sealed_bytes_ = kHeaderBytes;
  uint64_t previous_ = 0;
  bool seal_torn_ = false;
  uint64_t survivor_bytes_ = 0;  // looked at by check_survivors
  RecordHeader header_;
  std::vector<uint64_t> buffer_;  // words, so that the payload is aligned
};

}  // namespace

Result<ReplayResult> replay_log(Vfs& vfs, const std::string& path, uint64_t number, uint64_t from, bool last,
                                const std::function<Status(Bytes record, uint64_t end)>& visit) {
  TSFEAT_ASSIGN(const std::unique_ptr<File> file, vfs.open(path, OpenMode::kRead));
  TSFEAT_ASSIGN(const uint64_t file_bytes, file->size());
  SegmentReader reader(*file, number, file_bytes);
  ReplayResult result;
  TSFEAT_TRY(reader.read_header(last, &result.torn));
  if (result.torn) return result;
  result.previous = reader.previous();
  result.durable_bytes = reader.sealed_bytes();
  uint64_t at = std::max<uint64_t>(from, kHeaderBytes);
  while (at < file_bytes) {
    TSFEAT_ASSIGN(const bool whole, reader.read_record(at));
    if (!whole) break;
    const uint64_t next = at + reader.header().record_bytes();
    if (planted("log_tail") && last && at >= reader.sealed_bytes()) break;
    if (Status status = visit(reader.payload(), next); !status.ok()) {
      if (status.code() != Code::kCorruption) return status;
      return Status::corruption(path + ", offset " + std::to_string(at) + ": " + status.message());
    }
    at = next;
    ++result.records;
  }
  TSFEAT_TRY(reader.check_end(at, last, &result.torn));
  result.torn = result.torn || reader.seal_torn();
  result.valid_bytes = at;
  return result;
}

namespace {

// Writes once more what is there: the cache of the system may hold it as clean although it never reached the disk.
Status rewrite(File& file, uint64_t from, uint64_t to) {
  std::vector<uint8_t> window;
  for (uint64_t at = from; at < to; at += window.size()) {
    window.resize(std::min(kScanBytes, to - at));
    TSFEAT_TRY(file.read(at, window));
    TSFEAT_TRY(file.write(at, window));
  }
  return {};
}

}  // namespace

Status make_log_durable(Vfs& vfs, const std::string& path, uint64_t valid_bytes) {
  TSFEAT_ASSIGN(const std::unique_ptr<File> file, vfs.open(path, OpenMode::kReadWrite));
  TSFEAT_TRY(file->truncate(valid_bytes));
  HeaderBlock block{};
  TSFEAT_TRY(file->read(0, block));
  const auto number = load<uint64_t>(block.data() + kNumberAt);
  uint64_t sealed_bytes = kHeaderBytes;
  std::vector<size_t> torn;
  for (size_t at = kSealAt; at < kHeaderBytes; at += kSealBytes) {
    const Bytes seal = Bytes(block).subspan(at, kSealBytes);
    const auto durable_bytes = load<uint64_t>(seal.data());
    const Seal whole = make_seal(number, durable_bytes);
    if (std::equal(seal.begin(), seal.end(), whole.begin()))
      sealed_bytes = std::max(sealed_bytes, durable_bytes);
    else if (!all_zero(seal))
      torn.push_back(at);
  }
  TSFEAT_TRY(file->write(0, block));
  TSFEAT_TRY(rewrite(*file, sealed_bytes, valid_bytes));
  TSFEAT_TRY(file->sync());
  for (const size_t at : torn) TSFEAT_TRY(file->write(at, make_seal(number, valid_bytes)));
  return torn.empty() ? Status{} : file->sync();
}

}  // namespace tsfeat
