#include <algorithm>
#include <memory>

#include "wal/log.h"
#include "wal/segment_reader.h"

namespace tsfeat {

using namespace log_format;

Status salvage_log(Vfs& vfs, const std::string& path, uint64_t number, bool last,
                   const std::function<Status(Bytes record, uint64_t offset, bool beyond)>& visit,
                   std::vector<LostBytes>* lost, uint64_t* previous) {
  TSFEAT_ASSIGN(const std::unique_ptr<File> file, vfs.open(path, OpenMode::kRead));
  TSFEAT_ASSIGN(const uint64_t file_bytes, file->size());
  SegmentReader reader(*file, number, file_bytes);
  bool header_torn = false;
  const Status header = reader.read_header(last, &header_torn);
  if (!header.ok() && header.code() != Code::kCorruption) return header;
  *previous = header.ok() && !header_torn ? reader.previous() : 0;
  const uint64_t header_bytes = std::min<uint64_t>(kHeaderBytes, file_bytes);
  if (!header.ok()) lost->push_back({0, header_bytes, header.message()});
  if (header_torn && file_bytes != 0) lost->push_back({0, header_bytes, "the segment's header is not whole"});

  uint64_t end = header_bytes;  // of the last whole record
  bool beyond = false;
  while (end < file_bytes) {
    bool zeros = true;
    TSFEAT_ASSIGN(const bool whole, reader.read_record(end));
    uint64_t at = end;
    if (!whole) {
      TSFEAT_ASSIGN(at, reader.find_record(end, &zeros));
    }
    const bool at_end = at == file_bytes;
    if (at != end) {
      // Zeros behind the last record of the newest segment are space that was reserved.
      if (!at_end || !zeros || !last || end < reader.sealed_bytes()) {
        lost->push_back({end, at - end,
                         at_end && last && end >= reader.sealed_bytes()
                             ? "bytes behind the last whole record: a write that a crash cut off, or damage"
                             : "no whole record stands here"});
      }
      beyond = true;
    }
    if (at_end) break;
    if (Status status = visit(reader.payload(), at, beyond); !status.ok()) {
      if (status.code() != Code::kCorruption) return status;
      lost->push_back({at, reader.header().record_bytes(), status.message()});
    }
    end = at + reader.header().record_bytes();
  }
  return {};
}

}  // namespace tsfeat
