#include "wal/segment_reader.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/planted.h"

namespace tsfeat::log_format {
namespace {

constexpr uint64_t kScanBytes = uint64_t{1} << 20;
constexpr uint64_t kMostCandidateChecks = 64;  // how often, on average, each byte is looked at to find a record

}  // namespace

Status SegmentReader::read_header(bool last, bool* torn) {
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

Result<bool> SegmentReader::read_record(uint64_t at) {
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

Status SegmentReader::check_end(uint64_t at, bool last, bool* torn) {
  if (at < sealed_bytes_) return damaged(at, "a durable log record is damaged");
  if (!last && at != file_bytes_) return damaged(at, "a log record is damaged");
  return scan_tail(at, torn);
}

Result<uint64_t> SegmentReader::find_record(uint64_t at, bool* zeros) {
  std::vector<uint8_t> window;
  for (uint64_t start = at; start < file_bytes_; start += kScanBytes) {
    window.resize(std::min(kScanBytes + kRecordHeaderBytes, file_bytes_ - start));
    TSFEAT_TRY(file_.read(start, window));
    for (uint64_t i = 0; i < window.size() && i < kScanBytes; i += 8) {
      const size_t word = std::min<size_t>(8, window.size() - i);
      const bool empty = all_zero(Bytes(window).subspan(i, word));
      if (!empty && i + kRecordHeaderBytes <= window.size() && !exhausted() &&
          worth_reading(RecordHeader::read(window.data() + i))) {
        TSFEAT_ASSIGN(const bool whole, read_record(start + i));
        if (whole) return start + i;
      }
      *zeros = *zeros && empty;
    }
  }
  return file_bytes_;
}

// The block is a function of the two numbers and the seals: whatever else it holds is damage. False if it is damaged.
bool SegmentReader::read_seals(const HeaderBlock& block) {
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
Status SegmentReader::scan_tail(uint64_t at, bool* torn) {
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
Status SegmentReader::check_survivors(uint64_t bad, uint64_t start, const std::vector<uint8_t>& window) {
  for (uint64_t i = 0; i + kRecordHeaderBytes <= window.size() && i < kScanBytes; i += 8) {
    const RecordHeader candidate = RecordHeader::read(window.data() + i);
    if (candidate.number != number_ || candidate.durable_bytes <= bad || start + i == bad) continue;
    const bool readable = worth_reading(candidate);
    if (exhausted()) return damaged(bad, "a log record is damaged");
    if (!readable) continue;
    TSFEAT_ASSIGN(const bool whole, read_record(start + i));
    if (whole) return damaged(bad, "a durable log record is damaged");
  }
  return {};
}

// Whether it looks like a record of this segment; if so, its bytes are counted.
bool SegmentReader::worth_reading(const RecordHeader& candidate) {
  if (candidate.number != number_ || candidate.record_bytes() > file_bytes_) return false;
  candidate_bytes_ += candidate.record_bytes();
  return true;
}

// Made to look like records by someone: not to be followed for ever.
bool SegmentReader::exhausted() const { return candidate_bytes_ / kMostCandidateChecks > file_bytes_; }

Status SegmentReader::damaged(uint64_t offset, const char* what) const {
  return Status::corruption(file_.path() + ", offset " + std::to_string(offset) + ": " + what +
                            "; restore the store from a checkpoint, or salvage the rest with `tsfeat repair`");
}

}  // namespace tsfeat::log_format
