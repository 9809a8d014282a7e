// Reads one segment of the log, record by record, and tells its end from damage. For replay (log_reader.cc) and salvage
// (log_salvage.cc).
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "vfs/vfs.h"
#include "wal/log_format.h"

namespace tsfeat::log_format {

// Each byte equals the next, and the first is zero: as fast as memory, for megabytes of reserved space.
inline bool all_zero(Bytes bytes) {
  return bytes.empty() || (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

class SegmentReader {
 public:
  SegmentReader(const File& file, uint64_t number, uint64_t file_bytes)
      : file_(file), number_(number), file_bytes_(file_bytes) {}

  // Checks the header block and takes the seal. `torn`: the power failed while the segment was created; it holds
  // nothing.
  Status read_header(bool last, bool* torn);
  bool seal_torn() const { return seal_torn_; }
  uint64_t previous() const { return previous_; }
  uint64_t sealed_bytes() const { return sealed_bytes_; }

  // True if a whole record starts at `at`; its payload is then in payload().
  Result<bool> read_record(uint64_t at);
  Bytes payload() const { return {reinterpret_cast<const uint8_t*>(buffer_.data()), header_.payload_bytes}; }
  const RecordHeader& header() const { return header_; }

  // No whole record starts at `at`. Says whether that may be the end of the log, or must be damage.
  Status check_end(uint64_t at, bool last, bool* torn);
  // Where the next whole record behind `at` starts, which is then in payload(); the file's end if there is none.
  // `zeros` turns false if anything but zeros stands before it.
  Result<uint64_t> find_record(uint64_t at, bool* zeros);

 private:
  bool read_seals(const HeaderBlock& block);
  Status scan_tail(uint64_t at, bool* torn);
  Status check_survivors(uint64_t bad, uint64_t start, const std::vector<uint8_t>& window);
  bool worth_reading(const RecordHeader& candidate);
  bool exhausted() const;
  Status damaged(uint64_t offset, const char* what) const;

  const File& file_;
  const uint64_t number_;
  const uint64_t file_bytes_;
  uint64_t sealed_bytes_ = kHeaderBytes;
  uint64_t previous_ = 0;
  bool seal_torn_ = false;
  uint64_t candidate_bytes_ = 0;  // of what looked like records and was read to see
  RecordHeader header_;
  std::vector<uint64_t> buffer_;  // words, so that the payload is aligned
};

}  // namespace tsfeat::log_format
