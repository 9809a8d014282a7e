// The write-ahead log: segments of checksummed records. docs/format.md, "Log", is normative.
//
// A segment starts with a 512-byte header block: magic, format, its number and its predecessor's, CRC; and two seals,
// written in turn after each sync: how many bytes are known to be durable, with a CRC. Records follow, 8-byte
// aligned: {crc32c, length, segment number, ...} and payload. The crc covers all but itself, and the padding after the
// payload is zero and covered too. The file is preallocated in steps; what lies behind the last record is zeros.
//
// Recovery tells a torn tail from damage: a bad record at or past what the seals (or any later record's
// `durable_bytes`) say is durable is the end of the log; one before it is kCorruption.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vfs/vfs.h"
#include "wal/record.h"

namespace tsfeat {

class LogWriter {
 public:
  // Creates the segment (must not exist), writes its header, syncs file and directory. previous: the segment before it,
  // 0 if none: so that a missing segment is noticed. Space is reserved ahead in steps of reserve_bytes: a sync then has
  // no new file size to make durable.
  static Result<std::unique_ptr<LogWriter>> create(Vfs& vfs, const std::string& directory, std::string name,
                                                   uint64_t number, uint64_t previous, uint64_t reserve_bytes);
  virtual ~LogWriter() = default;

  // One record, whole; fills in its header. Not thread-safe: the engine's write lock is held. On error the segment must
  // be written no more.
  virtual Status append(EncodedRecord& record) = 0;
  // Makes all bytes up to `bytes` (a value of size() seen after append) durable, unless they are already. Thread-safe:
  // callers that arrive while a sync is under way share the next one (group commit). After a failure it always fails,
  // with the first error.
  virtual Status sync(uint64_t bytes) = 0;
  virtual uint64_t size() const = 0;           // bytes appended, header included; thread-safe
  virtual uint64_t durable_bytes() const = 0;  // thread-safe
  virtual uint64_t sync_count() const = 0;
  // Syncs all, cuts the preallocated zeros off and seals the segment.
  virtual Status finish() = 0;
};

struct ReplayResult {
  uint64_t valid_bytes = 0;    // up to the end of the last whole record; 0: not even the header was written
  uint64_t previous = 0;       // number of the segment before this one
  uint64_t durable_bytes = 0;  // that the seals know of
  uint64_t records = 0;
  bool torn = false;  // an unsynced tail lay behind that was not zeros, or a seal was written half
};

// Gives each whole record's payload (8-byte aligned, valid during the call), and the byte where the record ends, to
// `visit`, from byte `from` (0: the start; else a valid_bytes of before). Reads only. last: whether it is the newest
// segment; an older one must be whole (finished), else kCorruption.
Result<ReplayResult> replay_log(Vfs& vfs, const std::string& path, uint64_t number, uint64_t from, bool last,
                                const std::function<Status(Bytes record, uint64_t end)>& visit);

// A part of a segment that is no whole record.
struct LostBytes {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::string message;
};

// Gives every whole record of a damaged segment to `visit`, also those behind damage (`beyond`: there was some before
// it). Reads only; `lost` gets what is not whole, though of the newest segment (`last`) nobody can tell zeros where
// records were from the end. *previous: number of the segment before this one; 0 if that cannot be read.
Status salvage_log(Vfs& vfs, const std::string& path, uint64_t number, bool last,
                   const std::function<Status(Bytes record, uint64_t offset, bool beyond)>& visit,
                   std::vector<LostBytes>* lost, uint64_t* previous);

// After replay: cuts a torn tail off, mends a seal that was written half, and makes the segment durable as it was read.
// What no seal vouches for is written anew for that: after a sync that failed, the system may show bytes that are not
// on the disk, and no later sync would write them.
Status make_log_durable(Vfs& vfs, const std::string& path, uint64_t valid_bytes);

}  // namespace tsfeat
