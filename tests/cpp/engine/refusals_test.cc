// What cannot be done is refused, call by call, and changes nothing: on a store that is closed, read-only, poisoned or
// a forked child's, on a table that was dropped, and with a batch that is wrong.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <functional>

#include "engine/events_table.h"
#include "vfs/fault.h"
#include "vfs/memory.h"
#include "vfs/temporary_directory.h"

namespace tsfeat {
namespace {

using namespace engine_testing;

struct Call {
  const char* name;
  std::function<Status(Store&, Table&)> make;
};

const Call kTableReads[] = {
    {"schema", [](Store&, Table& t) { return t.schema().status(); }},
    {"retention", [](Store&, Table& t) { return t.retention().status(); }},
    {"version", [](Store&, Table& t) { return t.version().status(); }},
    {"durable_version", [](Store&, Table& t) { return t.durable_version().status(); }},
    {"view", [](Store&, Table& t) { return t.view().status(); }},
    {"changes", [](Store&, Table& t) { return t.changes({}).status(); }},
    {"position", [](Store&, Table& t) { return t.position("source").status(); }},
    {"categories", [](Store&, Table& t) { return t.categories(2).status(); }},
    {"category_codes", [](Store&, Table& t) { return t.category_codes(2, {"c1"}).status(); }},
};
const Call kTableChanges[] = {
    {"append", [](Store&, Table& t) { return t.append(RowArrays({{1, 2, 3}}, events_schema()).request).status(); }},
    {"start_load", [](Store&, Table& t) { return t.start_load().status(); }},
    {"erase", [](Store&, Table& t) { return t.erase({KeyView::from_uint64(1)}, {}).status(); }},
    {"add_column", [](Store&, Table& t) { return t.add_column(a_column()); }},
    {"set_retention", [](Store&, Table& t) { return t.set_retention(Retention{}); }},
};
const Call kStoreReads[] = {
    {"table", [](Store& s, Table&) { return s.table("t").status(); }},
    {"tables", [](Store& s, Table&) { return s.tables().status(); }},
    {"views", [](Store& s, Table&) { return s.views().status(); }},
    {"id", [](Store& s, Table&) { return s.id().status(); }},
    {"checkpoint", [](Store& s, Table&) { return s.checkpoint("copy"); }},
    {"verify", [](Store& s, Table&) { return s.verify({}).status(); }},
    {"refresh", [](Store& s, Table&) { return s.refresh(); }},
    {"stats", [](Store& s, Table&) { return s.stats().status(); }},
};
const Call kStoreChanges[] = {
    {"create_table", [](Store& s, Table&) { return s.create_table("u", events_schema(), {}).status(); }},
    {"drop_table", [](Store& s, Table&) { return s.drop_table("t"); }},
    {"create_view", [](Store& s, Table& t) { return s.create_view("view", t, "new").status(); }},
    {"drop_view", [](Store& s, Table&) { return s.drop_view("view"); }},
    {"flush", [](Store& s, Table&) { return s.flush(); }},
    {"compact", [](Store& s, Table&) { return s.compact(false, {}); }},
};

class Refusals : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(append(*table, {{1, 1, 1}}, true).ok());
    ASSERT_TRUE(store->create_view("view", *table, "old").ok());
  }
  void expect(std::span<const Call> calls, Code code) {
    for (const Call& call : calls) {
      const Status status = call.make(*store, *table);
      EXPECT_EQ(status.code(), code) << call.name << ": " << status.message();
    }
  }

  const ManualClock clock{1'000'000'000};
  const std::unique_ptr<MemoryVfs> disk = MemoryVfs::create(1);
  const std::unique_ptr<FaultVfs> faulty = FaultVfs::create(disk.get());
  std::shared_ptr<Store> store = *Store::open(*faulty, clock, kStorePath, true, quiet_options());
  std::shared_ptr<Table> table = *store->create_table("t", events_schema(), {});
};

TEST_F(Refusals, OfAClosedStore) {
  ASSERT_TRUE(store->close().ok());
  const auto files = disk->files();
  for (const std::span<const Call> calls :
       std::initializer_list<std::span<const Call>>{kTableReads, kTableChanges, kStoreReads, kStoreChanges})
    expect(calls, Code::kClosed);
  EXPECT_TRUE(store->closed() && store->close().ok());
  EXPECT_EQ(disk->files(), files);
}

TEST_F(Refusals, OfADroppedTable) {
  ASSERT_TRUE(store->drop_table("t").ok());
  const auto files = disk->files();
  expect(kTableReads, Code::kNotFound);
  expect(kTableChanges, Code::kNotFound);
  EXPECT_EQ(store->create_view("view", *table, "new").status().code(), Code::kNotFound);
  EXPECT_EQ(disk->files().size(), files.size());
}

TEST_F(Refusals, OfAReadOnlyStore) {
  store = *Store::open(*faulty, clock, kStorePath, false, quiet_options());
  table = *store->table("t");
  EXPECT_EQ(store->path(), kStorePath);
  const auto files = disk->files();
  expect(kTableReads, Code::kOk);
  expect(kTableChanges, Code::kStorage);
  expect(kStoreChanges, Code::kStorage);
  EXPECT_EQ(disk->files(), files);
}

TEST_F(Refusals, OfAPoisonedStore) {
  faulty->fail_after(2, EIO, true);  // the sync
  EXPECT_EQ(append(*table, {{1, 2, 2}}, true).status().error_number(), EIO);
  const auto files = disk->files();
  expect(kTableReads, Code::kOk);
  expect(kTableChanges, Code::kPoisoned);
  expect(kStoreChanges, Code::kPoisoned);
  EXPECT_EQ(disk->files(), files);
}

TEST(Fork, AChildHasNeitherTheStoreNorItsLock) {
  const TemporaryDirectory directory;
  const ManualClock clock{1'000'000'000};
  const auto store = *Store::open(*Vfs::posix(), clock, directory / "store", true, quiet_options());
  const auto table = *store->create_table("t", events_schema(), {});
  const auto ends_well = [&] {
    const bool refused = table->version().status().code() == Code::kClosed && store->flush().code() == Code::kClosed;
    const auto again = Store::open(*Vfs::posix(), clock, directory / "store", true, quiet_options());
    std::exit(refused && again.status().code() == Code::kLocked ? 0 : 1);
  };
  EXPECT_EXIT(ends_well(), testing::ExitedWithCode(0), "");
  EXPECT_TRUE(append(*table, {{1, 1, 1}}, true).ok()) << "the parent's goes on";
}

// Three rows of a table of every kind of column, and what may be wrong with them.
struct Batch3 {
  Batch3() {
    request.rows = 3;
    request.keys.view = {.offsets = offsets, .data = bytes_of("abc")};
    request.times = times;
    request.columns.resize(4);
    for (const size_t text : {size_t{0}, size_t{1}})
      request.columns[text].view = {.offsets = offsets, .data = bytes_of("xyz")};
    request.columns[2].view.fixed = flags;
    request.columns[3].absent = true;
    for (InputColumn* column : {&request.keys, &request.columns[0], &request.columns[1]}) column->data_bytes = 3;
  }
  static const uint8_t* bytes_of(const char* text) { return reinterpret_cast<const uint8_t*>(text); }

  AppendRequest request;
  int64_t offsets[4] = {0, 1, 2, 3};
  int64_t times[3] = {5, 6, 7};
  uint8_t flags[3] = {0, 1, 0};
  uint8_t validity[3] = {1, 1, 0};
  int32_t indices[3] = {0, 2, 3};
};

TEST(WrongBatches, AreRefusedWithTheirRow) {
  const ManualClock clock(1'000'000'000);
  const auto disk = MemoryVfs::create(1);
  const auto store = *Store::open(*disk, clock, kStorePath, true, quiet_options());
  Schema schema;
  schema.key_name = "key";
  schema.key_type = KeyType::kString;
  schema.time_name = "time";
  const std::pair<const char*, Type> columns[] = {
      {"text", Type::kString}, {"category", Type::kCategory}, {"flag", Type::kBool}, {"spare", Type::kInt64}};
  for (const auto& [name, type] : columns) {
    Column& column = schema.columns.emplace_back();
    column.name = name;
    column.type = type;
  }
  schema.columns.back().nullable = true;
  const auto table = *store->create_table("t", schema, {});
  ASSERT_EQ(*table->append(Batch3().request), 1U);
  const std::string long_key(70'000, 'k');
  const std::pair<std::function<void(Batch3*)>, const char*> wrongs[] = {
      {[](Batch3* b) { b->request.columns.pop_back(); }, "changed its columns during the append"},
      {[](Batch3* b) { b->times[1] = kMinTime; }, "column 'time', row 1: the time is NaT"},
      {[](Batch3* b) { b->request.keys.view.data = Batch3::bytes_of("ab\xff"); },
       "column 'key', row 2: the key is not"},
      {[&](Batch3* b) {
         b->request.keys.view.data = Batch3::bytes_of(long_key.c_str());
         b->request.keys.data_bytes = 70'000;
         b->offsets[3] = 70'000;
         for (const size_t text : {size_t{0}, size_t{1}}) b->request.columns[text] = b->request.keys;
       },
       "column 'key', row 2: a key has at most 65535 bytes"},
      {[](Batch3* b) { b->offsets[2] = 0; }, "column 'key', row 1: its offsets descend"},
      {[](Batch3* b) { b->offsets[0] = -1; }, "column 'key': its offsets point outside its data"},
      {[](Batch3* b) { b->request.columns[0].data_bytes = 2; }, "column 'text': its offsets point outside its data"},
      {[](Batch3* b) { b->request.columns[0].view.data = Batch3::bytes_of("\xff\xff\xff"); },
       "column 'text', row 0: the string is not"},
      {[](Batch3* b) { b->request.columns[0].view.validity = b->validity; }, "column 'text', row 2: null"},
      {[](Batch3* b) { b->request.columns[0].absent = true; }, "column 'text': missing, and it has no default"},
      {[](Batch3* b) { b->request.columns[1].data_bytes = 2; }, "column 'category': its offsets point outside"},
      {[](Batch3* b) { b->request.columns[1].view.data = Batch3::bytes_of("x\xffz"); },
       "column 'category', row 1: the category is not"},
      {[](Batch3* b) {
         b->request.columns[1].indices = b->indices;
         b->request.columns[1].dictionary_size = 3;
       },
       "column 'category', row 2: the dictionary has no index 3"},
      {[](Batch3* b) { b->flags[0] = 2; }, "column 'flag', row 0: a bool is 0 or 1"},
  };
  for (const auto& [make_wrong, message] : wrongs) {
    Batch3 batch;
    make_wrong(&batch);
    const Status status = table->append(batch.request).status();
    EXPECT_EQ(status.code(), Code::kSchema) << message;
    EXPECT_NE(status.message().find(message), std::string::npos) << status.message() << " is not: " << message;
    // A load refuses it for the same reason, and is over then.
    const auto load = table->start_load();
    ASSERT_TRUE(load.ok());
    const Status refused = (*load)->add(batch.request);
    EXPECT_EQ(refused.code(), Code::kSchema) << message;
    EXPECT_NE(refused.message().find(message), std::string::npos) << refused.message() << " is not: " << message;
    EXPECT_EQ((*load)->commit().status().message(), refused.message());
    EXPECT_EQ(*table->version(), 1U);
    EXPECT_EQ(table->categories(1)->size(), 3U);
  }
}

// A load that was begun is refused, at its next call, by what happened to its store or table since.
TEST_F(Refusals, OfALoadUnderWay) {
  const auto begin = [&] {
    Result<std::unique_ptr<Load>> load = table->start_load();
    EXPECT_TRUE(load.ok() && (*load)->add(RowArrays({{1, 1, 1}}, events_schema()).request).ok());
    return load;
  };
  const auto expect_over = [](Load& load, Code code) {
    EXPECT_EQ(load.add(RowArrays({{2, 2, 2}}, events_schema()).request).code(), code);
    EXPECT_EQ(load.commit().status().code(), code);
  };
  const auto of_dropped = begin();
  ASSERT_TRUE(store->drop_table("t").ok());
  expect_over(**of_dropped, Code::kNotFound);
  table = *store->create_table("t", events_schema(), {});
  const auto of_poisoned = begin();
  faulty->fail_after(1, EIO, true);
  EXPECT_EQ(append(*table, {{1, 2, 2}}).status().error_number(), EIO);
  expect_over(**of_poisoned, Code::kPoisoned);
  const auto of_closed = table->start_load();
  EXPECT_EQ(of_closed.status().code(), Code::kPoisoned);
  ASSERT_TRUE(store->close().ok());
  expect_over(**of_poisoned, Code::kClosed);
}

struct BadCall {
  std::function<Status(Store&, Table&)> make;
  const char* message;
};

TEST_F(Refusals, OfWhatCannotBe) {
  const auto category = [](bool closed) {
    Column column = a_column();
    column.type = Type::kCategory;
    column.closed = closed;
    column.declared_categories = {"a", "b"};
    column.default_value = Value{true, "c"};
    return column;
  };
  const auto retention = [](std::optional<int64_t> max_age, int64_t history) {
    Retention out;
    out.max_age = max_age;
    out.history = history;
    return out;
  };
  const auto scan = [](Table& t, uint64_t chunk_rows, int column) -> Status {
    TSFEAT_ASSIGN(View view, t.view(true));
    ScanRequest request;
    request.chunk_rows = chunk_rows;
    request.columns = {column};
    return Scanner::create(std::move(view), request).status();
  };
  const BadCall calls[] = {
      {[](Store& s, Table&) { return s.create_table("", events_schema(), {}).status(); }, "name"},
      {[&](Store& s, Table&) { return s.create_table("u", events_schema(), retention(-1, 0)).status(); },
       "max_age is negative"},
      {[&](Store&, Table& t) { return t.set_retention(retention({}, -1)); }, "history is negative"},
      {[](Store& s, Table&) { return s.create_table("t", events_schema(), {}).status(); }, "exists already"},
      {[](Store& s, Table& t) { return s.create_view("", t, "new").status(); }, "name"},
      {[](Store& s, Table& t) { return s.create_view("v", t, std::string(2 << 20, 'x')).status(); }, "1 MiB"},
      {[](Store&, Table& t) {
         Column column = a_column();
         column.default_value = Value{};
         return t.add_column(column);
       },
       "a null default needs a nullable column"},
      {[&](Store&, Table& t) { return t.add_column(category(true)); }, "not one of its closed categories"},
      {[](Store&, Table& t) {
         Column column = a_column();
         column.name = "item";
         return t.add_column(column);
       },
       "item"},
      {[](Store&, Table& t) { return t.categories(0).status(); }, "no category column at position 0"},
      {[](Store&, Table& t) { return t.category_codes(99, {"c1"}).status(); }, "no category column at position 99"},
      {[&](Store&, Table& t) { return scan(t, 0, 0); }, "at least one row"},
      {[&](Store&, Table& t) { return scan(t, 10, 99); }, "no column at position 99"},
      {[&](Store&, Table& t) { return scan(t, 10, -2); }, "no column at position -2"},
  };
  for (const BadCall& call : calls) {
    const Status status = call.make(*store, *table);
    EXPECT_EQ(status.code(), Code::kSchema) << call.message << ": " << status.message();
    EXPECT_NE(status.message().find(call.message), std::string::npos) << status.message() << ", not " << call.message;
  }
  EXPECT_EQ((*table->schema())->columns.size(), 3U);
  EXPECT_TRUE(table->add_column(category(false)).ok());
  EXPECT_EQ(*table->categories(3), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(store->drop_view("none").code(), Code::kNotFound);
}

}  // namespace
}  // namespace tsfeat
