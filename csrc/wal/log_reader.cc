#include <algorithm>
#include <memory>
#include <vector>

#include "base/planted.h"
#include "wal/log.h"
#include "wal/segment_reader.h"

namespace tsfeat {

using namespace log_format;

constexpr uint64_t kScanBytes = uint64_t{1} << 20;

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
