// A run: opened as its own footer describes it, then verified, walked, searched, and read whole, page by page.
#include <memory>

#include "base/crc32c.h"
#include "fuzz.h"
#include "run/format.h"
#include "run/run.h"
#include "run/salvage.h"
#include "vfs/memory.h"

namespace tsfeat::fuzz {
namespace {

constexpr const char* kPath = "/000000000001.run";
constexpr uint64_t kMostRows = 1 << 16;  // read of a key: a lie about their number costs time, not memory

std::optional<run::Footer> footer_of(Bytes input) {
  if (input.size() < run::kFooterBytes) return std::nullopt;
  Result<run::Footer> footer = run::decode_footer(input.last(run::kFooterBytes));
  if (!footer.ok() || footer->meta.bytes != input.size()) return std::nullopt;
  return *footer;
}

std::optional<run::Index> index_of(Bytes input, const run::Footer& footer) {
  Result<run::Index> index = run::decode_index(input.subspan(footer.index_offset(), footer.index_bytes), footer);
  return index.ok() ? std::optional(std::move(*index)) : std::nullopt;
}

// The table that such a run would be of.
Schema schema_of(const run::Layout& layout) {
  Schema schema;
  schema.key_type = layout.key_type();
  for (const run::RunColumn& known : layout.columns()) {
    Column& column = schema.columns.emplace_back();
    column.id = known.id;
    column.type = known.type;
    column.dimension = known.dimension;
    column.nullable = known.nullable;
  }
  std::sort(schema.columns.begin(), schema.columns.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return schema;
}

// Errors are answers too; what counts is that there is one.
void read_rows(Source& source, const Schema& schema, RowRange rows) {
  std::vector<int64_t> times(rows.size());
  std::vector<uint64_t> versions(rows.size());
  (void)source.times(rows, times.data()).ok();
  (void)source.versions(rows, versions.data()).ok();
  (void)source.seek(rows, times[rows.size() / 2]).ok();
  for (const Column& column : schema.columns) {
    codec::VarlenBuffer varlen;
    std::vector<uint8_t> fixed(column.width() == 0 ? 0 : std::min<uint64_t>(rows.size(), 64) * column.width());
    const RowRange few{rows.begin, rows.begin + std::min<uint64_t>(rows.size(), 64)};
    (void)(is_varlen(column.type) ? source.varlen(column, few, &varlen) : source.fixed(column, few, fixed.data())).ok();
    if (column.nullable) (void)source.validity(column, few, std::vector<uint8_t>(few.size()).data()).ok();
    (void)source.bounds(&column, rows.begin);
  }
}

void read_all(Source& source, const Schema& schema) {
  const std::unique_ptr<KeyCursor> cursor = source.walk();
  uint64_t read = 0;
  for (Result<bool> more = cursor->next(); more.ok() && *more && read < kMostRows; more = cursor->next()) {
    RowRange rows = cursor->rows();
    expect(rows.begin < rows.end, "a key has rows");
    rows.end = std::min(rows.end, rows.begin + (kMostRows - read));
    read += rows.size();
    read_rows(source, schema, rows);
  }
}

}  // namespace

void test_one(Bytes input) {
  const std::optional<run::Footer> footer = footer_of(input);
  if (!footer) return;
  const std::optional<run::Index> index = index_of(input, *footer);
  if (!index) return;
  const Schema schema = schema_of(index->layout);
  const std::unique_ptr<MemoryVfs> disk = MemoryVfs::create(1);
  expect(disk->write_file(kPath, input).ok(), "a file can be written");
  const auto shared = std::make_shared<const Schema>(schema);
  const std::shared_ptr<BlockCache> cache = BlockCache::create(1 << 16);
  const Result<std::shared_ptr<Run>> run = Run::open(*disk, kPath, footer->meta, shared, cache);
  if (run.ok()) {
    std::vector<Run::Problem> problems;
    (void)(*run)->verify(&problems).ok();
    for (const bool bypass : {false, true}) read_all(*(*run)->source(bypass), schema);
    const Probe probes[] = {{KeyView::from_uint64(0), 0, 3}, {KeyView::from_uint64(7)}, {KeyView::from_bytes(input)}};
    RowRange answers[3];
    (void)(*run)->source()->locate(std::span(probes).first(is_varlen(schema.key_type) ? 3 : 2), answers).ok();
  }
  Result<SalvagedRun> salvaged = salvage_run(*disk, kPath, footer->meta, schema, cache);
  if (salvaged.ok()) read_all(*salvaged->source, schema);
  expect(!run.ok() || salvaged.ok(), "what opens can be salvaged");
}

// Bottom up: chunks, page headers, directory blocks and hot values; the index, which holds their checksums; the footer.
void mend(std::vector<uint8_t>* input) {
  if (input->size() < run::kFooterBytes) return;
  uint8_t* const data = input->data();
  uint8_t* const tail = data + input->size() - run::kFooterBytes;
  const auto seal_footer = [&] {
    store(tail + 104, uint32_t{0});
    store(tail + 8, uint64_t{input->size()});
    const auto offset = load<uint64_t>(tail + 80);
    const auto bloom_bytes = load<uint64_t>(tail + 88);
    const auto index_bytes = load<uint64_t>(tail + 96);
    if (offset <= input->size() && bloom_bytes <= input->size() - offset &&
        index_bytes <= input->size() - offset - bloom_bytes) {
      store(tail + 104, crc32c(Bytes(data + offset, bloom_bytes)));
      store(tail + 108, crc32c(Bytes(data + offset + bloom_bytes, index_bytes)));
    }
    uint8_t version[4];
    std::memcpy(version, tail + 124, 4);
    store(tail + 120, crc32c(version, crc32c(Bytes(tail, 120))));
  };
  seal_footer();
  const std::optional<run::Footer> footer = footer_of(*input);
  if (!footer) return;
  std::optional<run::Index> index = index_of(*input, *footer);
  if (!index) return;
  for (size_t i = 0; i + 1 < index->pages.size(); ++i) {
    run::PageEntry& page = index->pages[i];
    uint8_t* const header = data + page.offset;
    for (uint32_t chunk = 0; chunk < index->layout.chunks(); ++chunk) {
      const uint32_t begin = index->layout.chunk_begin(header, chunk);
      const uint32_t end = run::Layout::chunk_end(header, chunk);
      if (begin > end || end > page.bytes) break;
      store(header + chunk * run::kChunkEntryBytes + 4, begin == end ? 0 : crc32c(Bytes(header + begin, end - begin)));
    }
    page.header_crc = crc32c(Bytes(header, index->layout.header_bytes()));
  }
  for (run::DirectoryEntry& block : index->directory) block.crc = crc32c(Bytes(data + block.offset, block.bytes));
  for (run::HotEntry& list : index->hot) list.crc = crc32c(Bytes(data + list.offset, list.bytes));
  std::string written;
  run::encode_index(*index, &written);
  if (written.size() != footer->index_bytes) return;
  std::memcpy(data + footer->index_offset(), written.data(), written.size());
  seal_footer();
}

}  // namespace tsfeat::fuzz
