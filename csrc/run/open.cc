#include <algorithm>

#include "base/crc32c.h"
#include "base/planted.h"
#include "run/run_file.h"

namespace tsfeat {
namespace {

using run::Bloom;
using run::Footer;
using run::Index;
using run::kFooterBytes;
using run::RunColumn;

Status in_file(const std::string& path, uint64_t offset, const Status& status) {
  const std::string message = path + ": at offset " + std::to_string(offset) + ": " + status.message();
  return Status(status.code(), message, status.error_number());
}

Result<std::string> read_part(const File& file, uint64_t offset, uint64_t bytes) {
  std::string part(bytes, '\0');
  TSFEAT_TRY(file.read(offset, {reinterpret_cast<uint8_t*>(part.data()), part.size()}));
  return part;
}

// Where the footer does not say what the manifest says, the file is not the one that the manifest means.
Status compare(const RunMeta& found, const RunMeta& expected) {
  const SourceStats& a = found.stats;
  const SourceStats& b = expected.stats;
  const bool same = found.number == expected.number && found.bytes == expected.bytes && found.keys == expected.keys &&
                    a.events == b.events && a.min_time == b.min_time && a.max_time == b.max_time &&
                    a.min_version == b.min_version && a.max_version == b.max_version;
  return same ? Status() : Status::corruption("the file is another run than the manifest names (stale or exchanged)");
}

// The schema may have more columns than the run, but the run's are as it knows them.
Status match(const Index& index, const Schema& schema) {
  if (index.layout.key_type() != schema.key_type)
    return Status::corruption("the run has another key type than its table");
  for (const RunColumn& column : index.layout.columns()) {
    const Column* known = schema.find_id(column.id);
    if (known == nullptr || known->type != column.type || known->dimension != column.dimension ||
        known->nullable != column.nullable) {
      return Status::corruption("the run's column " + std::to_string(column.id) + " is not its table's");
    }
  }
  return {};
}

// Damage that salvage passes over is noted.
using PassedOver = std::vector<Run::Problem>*;

Result<Footer> read_footer(const File& file, const RunMeta& meta, PassedOver passed_over) {
  TSFEAT_ASSIGN(const uint64_t size, file.size());
  if (size < kFooterBytes) return in_file(file.path(), 0, Status::corruption("the file is too short for a run"));
  // Something may have been added behind it.
  const uint64_t end = passed_over != nullptr && meta.bytes >= kFooterBytes ? std::min(size, meta.bytes) : size;
  const uint64_t offset = end - kFooterBytes;
  TSFEAT_ASSIGN(const std::string bytes, read_part(file, offset, kFooterBytes));
  Result<Footer> footer = run::decode_footer(as_bytes(bytes));
  if (passed_over != nullptr && footer.status().code() == Code::kCorruption && end == meta.bytes) {
    passed_over->push_back({offset, footer.status().message()});
    footer = run::guess_footer(as_bytes(bytes), meta);
  }
  if (!footer.ok()) return in_file(file.path(), offset, footer.status());
  if (footer->meta.bytes != end)
    return in_file(file.path(), offset, Status::corruption("the file has grown or shrunk"));
  if (end != size) passed_over->push_back({end, "bytes follow the end of the run"});
  const Status status = compare(footer->meta, meta);
  if (!status.ok()) return in_file(file.path(), offset, status);
  return footer;
}

Result<Bloom> read_bloom(const File& file, const Footer& footer) {
  if (footer.bloom_bytes != Bloom::bytes_for(footer.meta.keys)) {
    return in_file(file.path(), footer.bloom_offset, Status::corruption("the bloom filter has a wrong size"));
  }
  TSFEAT_ASSIGN(const std::string bytes, read_part(file, footer.bloom_offset, footer.bloom_bytes));
  if (!planted("bloom_checksum") && crc32c(as_bytes(bytes)) != footer.bloom_crc) {
    return in_file(file.path(), footer.bloom_offset, Status::corruption("the bloom filter's checksum does not match"));
  }
  return Bloom::from(as_bytes(bytes));
}

Result<Index> read_index(const File& file, const Footer& footer, const Schema& schema) {
  const uint64_t offset = footer.index_offset();
  TSFEAT_ASSIGN(const std::string bytes, read_part(file, offset, footer.index_bytes));
  if (!planted("index_checksum") && crc32c(as_bytes(bytes)) != footer.index_crc) {
    return in_file(file.path(), offset, Status::corruption("the index's checksum does not match"));
  }
  Result<Index> index = run::decode_index(as_bytes(bytes), footer);
  if (!index.ok()) return in_file(file.path(), offset, index.status());
  const Status status = match(*index, schema);
  if (!status.ok()) return in_file(file.path(), offset, status);
  return index;
}

// A list of hot values, and behind it one value more that nothing means.
Result<std::string> read_hot_values(const File& file, const run::HotEntry& list, uint32_t width) {
  TSFEAT_ASSIGN(const std::string bytes, read_part(file, list.offset, list.bytes));
  if (crc32c(as_bytes(bytes)) != list.crc)
    return in_file(file.path(), list.offset, Status::corruption("the checksum of hot values does not match"));
  const Result<std::string> inflated = codec::inflate_fixed(as_bytes(bytes), list.values, width);
  if (!inflated.ok()) return in_file(file.path(), list.offset, inflated.status());
  const Bytes plain = as_bytes(inflated->empty() ? bytes : *inflated);
  const Status status = codec::check_fixed(plain, list.values, width);
  if (!status.ok()) return in_file(file.path(), list.offset, status);
  std::string values((size_t{list.values} + 1) * width, '\0');
  codec::decode_fixed(plain, list.values, width, 0, list.values, reinterpret_cast<uint8_t*>(values.data()));
  return values;
}

}  // namespace

namespace run {

Result<std::shared_ptr<RunFile>> open_run_file(Vfs& vfs, const std::string& path, const RunMeta& meta,
                                               const Schema& schema, std::shared_ptr<BlockCache> cache,
                                               std::vector<Run::Problem>* passed_over) {
  TSFEAT_ASSIGN(std::unique_ptr<File> file, vfs.open(path, OpenMode::kRead));
  TSFEAT_ASSIGN(Footer footer, read_footer(*file, meta, passed_over));
  footer.meta.level = meta.level;  // which the file does not know
  const auto pass_over = [&](uint64_t offset, const Status& status) {
    if (passed_over == nullptr || status.code() != Code::kCorruption) return status;
    passed_over->push_back({offset, status.message()});
    return Status{};
  };
  Result<Bloom> bloom = read_bloom(*file, footer);
  if (!bloom.ok()) {
    TSFEAT_TRY(pass_over(footer.bloom_offset, bloom.status()));
    bloom = Bloom(0);
  }
  TSFEAT_ASSIGN(Index index, read_index(*file, footer, schema));
  std::vector<std::string> hot;
  for (HotEntry& list : index.hot) {
    Result<std::string> values = read_hot_values(*file, list, index.layout.columns()[list.column].width);
    if (!values.ok()) {
      TSFEAT_TRY(pass_over(list.offset, values.status()));
      list.values = 0;
      values = std::string();
    }
    hot.push_back(std::move(*values));
  }
  file->expect_random_reads();
  return std::make_shared<RunFile>(std::move(file), footer, std::move(index), std::move(*bloom), std::move(hot),
                                   std::move(cache));
}

}  // namespace run

Result<std::shared_ptr<Run>> Run::open(Vfs& vfs, std::string path, const RunMeta& meta,
                                       std::shared_ptr<const Schema> schema, std::shared_ptr<BlockCache> cache) {
  TSFEAT_ASSIGN(const std::shared_ptr<run::RunFile> opened,
                run::open_run_file(vfs, path, meta, *schema, std::move(cache), nullptr));
  opened->preload_directory();
  return std::shared_ptr<Run>(opened);
}

}  // namespace tsfeat
