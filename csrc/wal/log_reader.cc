#include <algorithm>
#include <memory>

#include "wal/log.h"
#include "wal/segment_reader.h"

namespace tsfeat {

using namespace log_format;

Result<ReplayResult> replay_log(Vfs& vfs, const std::string& path, uint64_t number, uint64_t from, bool last,
                                const std::function<Status(Bytes record)>& visit) {
  TSFEAT_ASSIGN(const std::unique_ptr<File> file, vfs.open(path, OpenMode::kRead));
  TSFEAT_ASSIGN(const uint64_t file_bytes, file->size());
  SegmentReader reader(*file, number, file_bytes);
  ReplayResult result;
  TSFEAT_TRY(reader.read_header(last, &result.torn));
  if (result.torn) return result;
  result.previous = reader.previous();
  uint64_t at = std::max<uint64_t>(from, kHeaderBytes);
  while (at < file_bytes) {
    TSFEAT_ASSIGN(const bool whole, reader.read_record(at));
    if (!whole) break;
    const uint64_t next = at + reader.header().record_bytes();
    if (Status status = visit(reader.payload()); !status.ok()) {
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

Status truncate_log(Vfs& vfs, const std::string& path, uint64_t valid_bytes) {
  TSFEAT_ASSIGN(const std::unique_ptr<File> file, vfs.open(path, OpenMode::kReadWrite));
  TSFEAT_TRY(file->truncate(valid_bytes));
  TSFEAT_TRY(file->sync());
  HeaderBlock block{};
  TSFEAT_TRY(file->read(0, block));
  const auto number = load<uint64_t>(block.data() + kNumberAt);
  bool mended = false;
  for (size_t at = kSealAt; at < kHeaderBytes; at += kSealBytes) {
    const Bytes seal = Bytes(block).subspan(at, kSealBytes);
    const Seal whole = make_seal(number, load<uint64_t>(seal.data()));
    if (all_zero(seal) || std::equal(seal.begin(), seal.end(), whole.begin())) continue;
    TSFEAT_TRY(file->write(at, make_seal(number, valid_bytes)));
    mended = true;
  }
  return mended ? file->sync() : Status{};
}

}  // namespace tsfeat
