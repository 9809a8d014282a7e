#include "reliability/events.h"

#include <algorithm>
#include <array>
#include <span>
#include <tuple>

#include "base/bytes.h"
#include "base/random.h"

namespace tsfeat::reliability {
namespace {

uint64_t payload_of(const Row& row) { return Random(row.key * 0x9e3779b97f4a7c15 + row.number).next(); }
size_t text_bytes(const Row& row) { return payload_of(row) % 14; }
void add_text(const Row& row, std::string* to) {
  const uint64_t payload = payload_of(row);
  for (size_t i = 0; i < text_bytes(row); ++i) to->push_back(static_cast<char>('a' + (payload >> (4 * i)) % 16));
}
constexpr std::array<std::string_view, 4> kCategories = {"like", "share", "skip", "view"};
std::string_view category_of(const Row& row) { return kCategories[(payload_of(row) >> 7) % kCategories.size()]; }
int64_t added_of(const Row& row) { return static_cast<int64_t>(payload_of(row) >> 40); }

struct Strings {
  std::vector<int64_t> offsets{0};
  std::string data;
  void end() { offsets.push_back(static_cast<int64_t>(data.size())); }
  InputColumn column() const {
    InputColumn out;
    out.view.offsets = offsets.data();
    out.view.data = reinterpret_cast<const uint8_t*>(data.data());
    out.data_bytes = data.size();
    return out;
  }
};

template <typename T>
InputColumn fixed(const std::vector<T>& values) {
  InputColumn out;
  out.view.fixed = reinterpret_cast<const uint8_t*>(values.data());
  return out;
}

// Rows as columns, and the request that refers to them.
struct Arrays {
  Arrays(std::span<const Row> rows, bool added) {
    for (const Row& row : rows) {
      keys.push_back(row.key);
      times.push_back(row.time);
      numbers.push_back(row.number);
      payloads.push_back(payload_of(row));
      added_values.push_back(added_of(row));
      add_text(row, &texts.data);
      texts.end();
      categories.data += category_of(row);
      categories.end();
    }
    request.rows = rows.size();
    request.keys = fixed(keys);
    request.times = times.data();
    request.columns = {fixed(numbers), fixed(payloads), texts.column(), categories.column()};
    if (added) request.columns.push_back(fixed(added_values));
  }
  Arrays(const Arrays&) = delete;
  Arrays& operator=(const Arrays&) = delete;

  AppendRequest request;
  std::vector<uint64_t> keys, numbers, payloads;
  std::vector<int64_t> times, added_values;
  Strings texts, categories;
};

bool follows(const ScanChunk& chunk, size_t i, const Row& row, const std::vector<std::string>& categories,
             std::optional<uint64_t> first_added) {
  if (load<uint64_t>(chunk.columns[2].fixed.data.get() + i * 8) != payload_of(row)) return false;
  const auto begin = static_cast<size_t>(chunk.columns[3].varlen->offsets[i]);
  const auto end = static_cast<size_t>(chunk.columns[3].varlen->offsets[i + 1]);
  std::string text;
  add_text(row, &text);
  if (std::string_view(chunk.columns[3].varlen->data).substr(begin, end - begin) != text) return false;
  const auto code = load<uint32_t>(chunk.columns[4].fixed.data.get() + i * 4);
  if (code >= categories.size() || categories[code] != category_of(row)) return false;
  if (!first_added) return true;
  const int64_t added = row.number >= *first_added ? added_of(row) : kAddedDefault;
  return load<int64_t>(chunk.columns[5].fixed.data.get() + i * 8) == added;
}

}  // namespace

StoreOptions small_options() {
  StoreOptions options;
  options.background_threads = 0;
  options.read_threads = 1;
  options.sync = SyncPolicy::kNever;
  options.page_rows = 16;
  options.cache_bytes = uint64_t{64} << 10;
  options.write_buffer_bytes = uint64_t{32} << 10;
  return options;
}

Schema events_schema() {
  Schema schema;
  schema.key_name = "key";
  schema.time_name = "time";
  const std::pair<const char*, Type> columns[] = {
      {"number", Type::kUint64}, {"payload", Type::kUint64}, {"text", Type::kString}, {"category", Type::kCategory}};
  for (const auto& [name, type] : columns) {
    Column& column = schema.columns.emplace_back();
    column.name = name;
    column.type = type;
  }
  return schema;
}

Column added_column() {
  Column column;
  column.name = "added";
  column.type = Type::kInt64;
  std::string bytes(8, '\0');
  store(bytes.data(), kAddedDefault);
  column.default_value = Value{true, std::move(bytes)};
  return column;
}

Result<uint64_t> append(Table& table, const Batch& batch, bool added) {
  Arrays arrays(batch.rows, added);
  arrays.request.sync = batch.sync;
  if (!batch.source.empty()) arrays.request.source = batch.source;
  arrays.request.position = batch.position;
  return table.append(arrays.request);
}

Result<uint64_t> bulk_load(Table& table, Rows rows, bool added) {
  constexpr size_t kPartRows = 16;
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return std::tie(a.key, a.time) < std::tie(b.key, b.time); });
  TSFEAT_ASSIGN(const std::unique_ptr<Load> load, table.start_load());
  for (size_t at = 0; at < rows.size(); at += kPartRows) {
    const std::span<const Row> part(rows.data() + at, std::min(kPartRows, rows.size() - at));
    TSFEAT_TRY(load->add(Arrays(part, added).request));
  }
  return load->commit();
}

Result<Rows> read_all(const Table& table, std::optional<uint64_t> first_added, std::optional<int64_t> version) {
  TSFEAT_ASSIGN(View view, table.view(true));
  TSFEAT_ASSIGN(const std::vector<std::string> categories, table.categories(3));
  ScanRequest request;
  request.version = version;
  request.columns = {-1, 0, 1, 2, 3};
  if (first_added) request.columns.push_back(4);
  request.chunk_rows = 256;
  TSFEAT_ASSIGN(const std::unique_ptr<Scanner> scanner, Scanner::create(std::move(view), request));
  Rows out;
  for (;;) {
    ScanChunk chunk;
    TSFEAT_ASSIGN(const bool more, scanner->next(&chunk));
    if (!more) return out;
    for (size_t i = 0; i < chunk.rows; ++i) {
      const Row row{chunk.fixed_keys[i], load<int64_t>(chunk.columns[0].fixed.data.get() + i * 8),
                    load<uint64_t>(chunk.columns[1].fixed.data.get() + i * 8)};
      if (!follows(chunk, i, row, categories, first_added)) return Status::corruption(kWrongContent);
      out.push_back(row);
    }
  }
}

Result<Rows> last_n(const Table& table, uint64_t key, int64_t n) {
  TSFEAT_ASSIGN(View view, table.view());
  ReadRequest request;
  request.keys = {KeyView::from_uint64(key)};
  request.n.scalar = n;
  request.columns = {-1, 0};
  TSFEAT_ASSIGN(const ReadResult result, read(view, request));
  Rows out;
  for (size_t i = 0; i < static_cast<size_t>(result.offsets[1]); ++i) {
    out.push_back({key, load<int64_t>(result.columns[0].fixed.data.get() + i * 8),
                   load<uint64_t>(result.columns[1].fixed.data.get() + i * 8)});
  }
  return out;
}

}  // namespace tsfeat::reliability
