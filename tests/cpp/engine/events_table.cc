#include "engine/events_table.h"

#include <algorithm>
#include <tuple>

namespace tsfeat::engine_testing {
namespace {

std::string category_of(uint64_t item) { return {'c', static_cast<char>('0' + item % 5)}; }

InputColumn column_of(const Strings& strings) {
  InputColumn out;
  out.view.offsets = strings.offsets.data();
  out.view.data = reinterpret_cast<const uint8_t*>(strings.data.data());
  out.data_bytes = strings.data.size();
  return out;
}

InputColumn fixed(const uint64_t* values) {
  InputColumn out;
  out.view.fixed = reinterpret_cast<const uint8_t*>(values);
  return out;
}

void check_text(const ColumnResult& texts, size_t row, uint64_t item) {
  const auto begin = static_cast<size_t>(texts.varlen->offsets[row]);
  const auto end = static_cast<size_t>(texts.varlen->offsets[row + 1]);
  EXPECT_EQ(texts.varlen->data.substr(begin, end - begin), text_of(item));
}

}  // namespace

std::string text_of(uint64_t item) { return std::string(item % 17, 'x') + std::to_string(item * 7919); }

RowArrays::RowArrays(const Rows& rows, const Schema& schema) {
  for (const Row& row : rows) {
    keys.push_back(row.key);
    times.push_back(row.time);
    items.push_back(row.item);
    texts.add(text_of(row.item));
    categories.add(category_of(row.item));
  }
  request.rows = rows.size();
  request.keys = fixed(keys.data());
  request.times = times.data();
  request.columns = {fixed(items.data()), column_of(texts), column_of(categories)};
  while (request.columns.size() < schema.columns.size()) request.columns.emplace_back().absent = true;
}

Column a_column() {
  Column column;
  column.name = "added";
  column.default_value = Value{true, std::string(8, '\0')};
  return column;
}

Schema events_schema() {
  Schema schema;
  schema.key_name = "key";
  schema.time_name = "time";
  const std::pair<const char*, Type> columns[] = {
      {"item", Type::kUint64}, {"text", Type::kString}, {"category", Type::kCategory}};
  for (const auto& [name, type] : columns) {
    Column& column = schema.columns.emplace_back();
    column.name = name;
    column.type = type;
  }
  return schema;
}

StoreOptions quiet_options() {
  StoreOptions options;
  options.background_threads = 0;
  options.sync = SyncPolicy::kNever;
  options.page_rows = 16;
  options.cache_bytes = 1 << 20;
  return options;
}

Result<uint64_t> append(Table& table, const Rows& rows, std::optional<bool> sync, std::optional<std::string> source,
                        int64_t position) {
  TSFEAT_ASSIGN(const std::shared_ptr<const Schema> schema, table.schema());
  RowArrays arrays(rows, *schema);
  arrays.request.sync = sync;
  arrays.request.source = source;
  arrays.request.position = position;
  return table.append(arrays.request);
}

Result<uint64_t> bulk_load(Table& table, const Rows& rows, size_t batch_rows) {
  TSFEAT_ASSIGN(const std::unique_ptr<Load> load, table.start_load());
  const Rows sorted = in_order({rows});
  for (size_t at = 0; at < sorted.size(); at += batch_rows) {
    const auto first = sorted.begin() + static_cast<std::ptrdiff_t>(at);
    const auto count = static_cast<std::ptrdiff_t>(std::min(batch_rows, sorted.size() - at));
    TSFEAT_TRY(load->add(RowArrays(Rows(first, first + count), load->schema()).request));
  }
  return load->commit();
}

Result<Rows> read_all(const Table& table, std::optional<int64_t> version) {
  TSFEAT_ASSIGN(View view, table.view(true));
  TSFEAT_ASSIGN(const std::vector<std::string> categories,
                table.categories(2));  // after the view: it has all that is in it
  const bool added = view.schema->columns.size() > 3;
  ScanRequest request;
  request.version = version;
  request.columns = {-1, 0, 1, 2};
  if (added) request.columns.push_back(3);
  request.chunk_rows = 100;
  TSFEAT_ASSIGN(const std::unique_ptr<Scanner> scanner, Scanner::create(std::move(view), request));
  Rows out;
  for (;;) {
    ScanChunk chunk;
    TSFEAT_ASSIGN(const bool more, scanner->next(&chunk));
    if (!more) return out;
    for (size_t i = 0; i < chunk.rows; ++i) {
      const Row row{chunk.fixed_keys[i], load<int64_t>(chunk.columns[0].fixed.data.get() + i * 8),
                    load<uint64_t>(chunk.columns[1].fixed.data.get() + i * 8)};
      check_text(chunk.columns[2], i, row.item);
      const auto code = load<uint32_t>(chunk.columns[3].fixed.data.get() + i * 4);
      EXPECT_TRUE(code < categories.size() && categories[code] == category_of(row.item));
      if (added) {
        EXPECT_EQ(load<int64_t>(chunk.columns[4].fixed.data.get() + i * 8), 7);
      }
      out.push_back(row);
    }
  }
}

Result<Rows> last_n(const Table& table, const std::vector<uint64_t>& keys, int64_t n, std::optional<int64_t> before) {
  TSFEAT_ASSIGN(View view, table.view());
  ReadRequest request;
  for (const uint64_t key : keys) request.keys.push_back(KeyView::from_uint64(key));
  request.n.scalar = n;
  request.before.scalar = before;
  request.columns = {-1, 0, 1};
  TSFEAT_ASSIGN(const ReadResult result, read(view, request));
  Rows out;
  for (size_t k = 0; k < keys.size(); ++k) {
    for (auto i = static_cast<size_t>(result.offsets[k]); i < static_cast<size_t>(result.offsets[k + 1]); ++i) {
      out.push_back({keys[k], load<int64_t>(result.columns[0].fixed.data.get() + i * 8),
                     load<uint64_t>(result.columns[1].fixed.data.get() + i * 8)});
      check_text(result.columns[2], i, out.back().item);
    }
  }
  return out;
}

Rows in_order(const std::vector<Rows>& batches) {
  Rows out;
  for (const Rows& batch : batches) out.insert(out.end(), batch.begin(), batch.end());
  std::stable_sort(out.begin(), out.end(),
                   [](const Row& a, const Row& b) { return std::tie(a.key, a.time) < std::tie(b.key, b.time); });
  return out;
}

}  // namespace tsfeat::engine_testing
