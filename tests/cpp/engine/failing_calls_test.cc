// Each call of the file system fails once in each operation of a store. What comes back is that error, or the answer
// that did not need the call; reads go on; and what is on disk is what was there before or after the operation.

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "engine/events_table.h"
#include "engine/repair.h"
#include "vfs/fault.h"
#include "vfs/memory.h"

namespace tsfeat {
namespace {

using namespace engine_testing;

const ManualClock kClock(1'000'000'000'000);
constexpr uint64_t kKeys = 7;

Rows rows_from(uint64_t item, size_t count) {
  Rows rows;
  for (const uint64_t end = item + count; item < end; ++item)
    rows.push_back({item % kKeys, static_cast<int64_t>(item * 31 % 97), item});
  return rows;
}

Column nullable_column(const char* name) {
  Column column;
  column.name = name;
  column.type = Type::kInt32;
  column.nullable = true;
  column.default_value = Value{};
  return column;
}

Retention a_retention() {
  Retention retention;
  retention.max_age = 999'990;  // now, at 1,000,000, all but the first of times below 100
  retention.history = 1'000'000;
  retention.max_events = 60;
  return retention;
}

// Whatever an operation meets: runs that overlap, late events, erasures, retention, a column that came later, a view,
// and batches that only the log holds.
// wide: of so many columns that pages are not read whole, but a column at a time.
std::unique_ptr<MemoryVfs> a_disk(uint32_t page_rows = 16, bool wide = false) {
  const auto disk = MemoryVfs::create(1);
  StoreOptions options = quiet_options();
  options.page_rows = page_rows;
  const auto store = *Store::open(*disk, kClock, kStorePath, true, options);
  const auto table = *store->create_table("t", events_schema(), a_retention());
  const auto check = [](const auto& done) { EXPECT_TRUE(done.ok()); };
  for (int i = 0; wide && i < 16; ++i) check(table->add_column(nullable_column(("wide" + std::to_string(i)).c_str())));
  for (uint64_t round = 0; round < 4; ++round) {
    check(append(*table, rows_from(100 * round, 60), false, "source", static_cast<int64_t>(round)));
    if (round == 1) check(table->add_column(nullable_column("added")));
    if (round == 2) check(table->erase({KeyView::from_uint64(3), KeyView::from_uint64(5)}, {.scalar = 50}));
    if (round < 3) check(store->flush());
  }
  check(store->create_view("view", *table, "specification"));
  return disk->kill();
}

void add(Bytes bytes, std::string* out) { out->append(reinterpret_cast<const char*>(bytes.data()), bytes.size()); }

void add(const std::vector<ColumnResult>& columns, std::string* out) {
  for (const ColumnResult& column : columns) {
    if (column.varlen) {
      for (const int64_t offset : column.varlen->offsets) *out += std::to_string(offset) + ' ';
      *out += column.varlen->data;
    } else {
      add({column.fixed.data.get(), column.fixed.bytes}, out);
    }
    if (column.validity) add({column.validity->data.get(), column.validity->bytes}, out);
  }
}

std::vector<int> all_columns(const Schema& schema) {
  std::vector<int> columns{-1};
  while (columns.size() <= schema.columns.size()) columns.push_back(static_cast<int>(columns.size()) - 1);
  return columns;
}

using ChangeScan = std::function<void(ScanRequest*)>;

Result<std::string> scan(const Table& table, const ChangeScan& change = {}) {
  TSFEAT_ASSIGN(View view, table.view(true));
  ScanRequest request;
  if (change) change(&request);
  request.columns = all_columns(*view.schema);
  request.chunk_rows = 50;
  TSFEAT_ASSIGN(const std::unique_ptr<Scanner> scanner, Scanner::create(std::move(view), request));
  std::string out;
  for (;;) {
    ScanChunk chunk;
    TSFEAT_ASSIGN(const bool more, scanner->next(&chunk));
    if (!more) return out;
    for (const uint64_t key : chunk.fixed_keys) out += std::to_string(key) + ' ';
    add(chunk.columns, &out);
  }
}

// All that can be seen of a store.
Result<std::string> everything(Store& store) {
  std::string out;
  TSFEAT_ASSIGN(const std::vector<std::string> names, store.tables());
  for (const std::string& name : names) {
    TSFEAT_ASSIGN(const std::shared_ptr<Table> table, store.table(name));
    TSFEAT_ASSIGN(const uint64_t version, table->version());
    TSFEAT_ASSIGN(const std::string events, scan(*table));
    TSFEAT_ASSIGN(const std::vector<std::string> categories, table->categories(2));
    TSFEAT_ASSIGN(const std::optional<Retention> retention, table->retention());
    out += name + ' ' + std::to_string(version) + ' ' + std::to_string(retention ? retention->min_events : 0) + events;
    for (const std::string& category : categories) out += category;
  }
  TSFEAT_ASSIGN(const std::vector<NamedView> views, store.views());
  for (const NamedView& view : views) out += view.name + std::to_string(view.version);
  return out;
}

FilterNode node(FilterNode::Kind kind, std::vector<FilterNode> children, int column = -1) {
  FilterNode out;
  out.kind = kind;
  out.column = column;
  out.children = std::move(children);
  return out;
}

// The item is at least 150 or the text less than "x", and the column that came later is null.
FilterNode a_filter() {
  using Kind = FilterNode::Kind;
  const uint64_t least_item = 150;
  FilterNode item = node(Kind::kCompare, {}, 0);
  item.comparison = Comparison::kGreaterEqual;
  item.value_count = 1;
  item.fixed.assign(reinterpret_cast<const char*>(&least_item), sizeof least_item);
  FilterNode text = node(Kind::kCompare, {}, 1);
  text.comparison = Comparison::kLess;
  text.value_count = 1;
  text.offsets = {0, 1};
  text.data = "x";
  const FilterNode present = node(Kind::kNot, {node(Kind::kIsNull, {}, 3)});
  return node(Kind::kAnd, {node(Kind::kOr, {item, text}), node(Kind::kNot, {present})});
}

ReadRequest a_request(const Schema& schema) {
  ReadRequest request;
  for (uint64_t key = 0; key <= kKeys; ++key) request.keys.push_back(KeyView::from_uint64(key));
  request.n.scalar = 9;
  request.columns = all_columns(schema);
  return request;
}

using ChangeRead = std::function<void(ReadRequest*)>;

Result<std::string> text_of_last_n(const Table& table, const ChangeRead& change) {
  TSFEAT_ASSIGN(View view, table.view());
  ReadRequest request = a_request(*view.schema);
  change(&request);
  TSFEAT_ASSIGN(const ReadResult result, read(view, request));
  std::string out;
  for (const int64_t offset : result.offsets) out += std::to_string(offset) + ' ';
  add(result.columns, &out);
  return out;
}

Result<std::string> text_of_counts(const Table& table, const ChangeRead& change) {
  TSFEAT_ASSIGN(View view, table.view());
  ReadRequest request = a_request(*view.schema);
  change(&request);
  TSFEAT_ASSIGN(const std::vector<int64_t> counts, count(view, request));
  std::string out;
  for (const int64_t each : counts) out += std::to_string(each) + ' ';
  return out;
}

Result<std::string> changes_of(const Table& table, uint64_t window_rows) {
  ChangesRequest request;
  TSFEAT_ASSIGN(request.until, table.version());
  request.columns = {-1, 0, 1, 2, 3};
  request.window_rows = request.chunk_rows = window_rows;
  TSFEAT_ASSIGN(const std::unique_ptr<Changes> changes, table.changes(request));
  std::string out;
  for (ChangesChunk chunk;;) {
    TSFEAT_ASSIGN(const bool more, changes->next(&chunk));
    if (!more) return out;
    for (const uint64_t version : chunk.versions) out += std::to_string(version) + ' ';
    add(chunk.events.columns, &out);
  }
}

Result<std::string> done(const Status& status) {
  if (!status.ok()) return status;
  return std::string();
}

struct Operation {
  const char* name;
  std::function<Result<std::string>(Store&, Table&)> act;
};

// What changes nothing.
const Operation kQuestions[] = {
    {"LastN", [](Store&, Table& t) { return text_of_last_n(t, [](ReadRequest*) {}); }},
    {"LastNOfAVersion",
     [](Store&, Table& t) { return text_of_last_n(t, [](ReadRequest* r) { r->version.scalar = 2; }); }},
    {"LastNSinceAndBefore",
     [](Store&, Table& t) {
       return text_of_last_n(t, [](ReadRequest* r) { r->since.scalar = 20, r->before.scalar = 80; });
     }},
    {"LastNWithAFilter",
     [](Store&, Table& t) {
       const FilterNode filter = a_filter();
       return text_of_last_n(t, [&](ReadRequest* r) { r->filter = &filter; });
     }},
    {"Count",
     [](Store&, Table& t) {
       return text_of_counts(t,
                             [](ReadRequest* r) { r->n.scalar = 1'000, r->since.scalar = 20, r->before.scalar = 80; });
     }},
    {"CountOfAVersion",
     [](Store&, Table& t) {
       return text_of_counts(t, [](ReadRequest* r) { r->n.scalar = 1'000, r->version.scalar = 2; });
     }},
    {"Scan", [](Store&, Table& t) { return scan(t); }},
    {"ScanOfAVersion", [](Store&, Table& t) { return scan(t, [](ScanRequest* r) { r->version = 2; }); }},
    {"ScanOfKeys", [](Store&, Table& t) { return scan(t, [](ScanRequest* r) { r->keys_only = true; }); }},
    {"ScanWithAFilter",
     [](Store&, Table& t) {
       const FilterNode filter = a_filter();
       return scan(t, [&](ScanRequest* r) { r->since = 20, r->before = 80, r->filter = &filter; });
     }},
    {"ChangesInWindows", [](Store&, Table& t) { return changes_of(t, 100); }},
    {"ChangesVersionByVersion", [](Store&, Table& t) { return changes_of(t, 20); }},
};
const Operation kChanges[] = {
    {"Append", [](Store&, Table& t) { return done(append(t, rows_from(500, 30), true).status()); }},
    {"Erase", [](Store&, Table& t) { return done(t.erase({KeyView::from_uint64(1)}, {}).status()); }},
    {"Load", [](Store&, Table& t) { return done(bulk_load(t, rows_from(600, 40)).status()); }},
    {"AddColumn", [](Store&, Table& t) { return done(t.add_column(nullable_column("another"))); }},
    {"SetRetention", [](Store&, Table& t) { return done(t.set_retention(std::nullopt)); }},
    {"CreateTable", [](Store& s, Table&) { return done(s.create_table("u", events_schema(), {}).status()); }},
    {"DropTable", [](Store& s, Table&) { return done(s.drop_table("t")); }},
    {"CreateView", [](Store& s, Table& t) { return done(s.create_view("view", t, "another").status()); }},
    {"DropView", [](Store& s, Table&) { return done(s.drop_view("view")); }},
    {"Flush", [](Store& s, Table&) { return done(s.flush()); }},
    {"Compact", [](Store& s, Table&) { return done(s.compact(false, {})); }},
    {"CompactAndErase", [](Store& s, Table&) { return done(s.compact(true, {})); }},
    {"Checkpoint", [](Store& s, Table&) { return done(s.checkpoint("far/away")); }},
};

bool is_injected(const Status& status) {
  return status.error_number() == EIO && status.message().find("(injected)") != std::string::npos;
}

// Calls attempt(vfs, disk, call) on fresh copies of the disk until the call-th call does not come any more.
void fail_each_call(MemoryVfs& disk, const std::function<bool(FaultVfs&, MemoryVfs&, uint64_t call)>& attempt) {
  uint64_t call = 1;
  for (;; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    const auto copy = disk.kill();
    const auto faulty = FaultVfs::create(copy.get());
    if (!attempt(*faulty, *copy, call)) break;
    EXPECT_EQ(copy->open_files(), 0U);
    if (testing::Test::HasFailure()) break;
  }
  EXPECT_GT(call, 1U) << "no call at all";
}

class FailingCalls : public testing::TestWithParam<Operation> {};

TEST_P(FailingCalls, GiveTheErrorOrTheAnswer) {
  const auto disk = a_disk();
  std::string expected, before, after;
  {
    const auto copy = disk->kill();
    const auto store = *Store::open(*copy, kClock, kStorePath, true, quiet_options());
    before = *everything(*store);
    const Result<std::string> answer = GetParam().act(*store, **store->table("t"));
    ASSERT_TRUE(answer.ok()) << answer.status().message();
    expected = *answer;
    after = *everything(*store);
  }
  fail_each_call(*disk, [&](FaultVfs& faulty, MemoryVfs& copy, uint64_t call) {
    {
      const auto store = *Store::open(faulty, kClock, kStorePath, true, quiet_options());
      const auto table = *store->table("t");
      const uint64_t calls = faulty.calls();
      faulty.fail_after(call, EIO, true);
      const Result<std::string> answer = GetParam().act(*store, *table);
      const bool came = faulty.calls() >= calls + call;
      faulty.fail_after(0, 0, true);
      if (!came) return false;
      if (answer.ok()) {
        EXPECT_EQ(*answer, expected);
      } else {
        EXPECT_TRUE(is_injected(answer.status())) << answer.status().message();
      }
      const Result<std::string> seen = everything(*store);
      EXPECT_TRUE(seen.ok() && (*seen == before || *seen == after)) << seen.status().message();
    }
    const auto store = *Store::open(copy, kClock, kStorePath, true, quiet_options());
    const Result<std::string> seen = everything(*store);
    EXPECT_TRUE(seen.ok() && (*seen == before || *seen == after)) << seen.status().message();
    EXPECT_TRUE(store->verify({})->problems.empty());
    return true;
  });
}

const auto kNameOf = [](const auto& tested) { return std::string(tested.param.name); };
INSTANTIATE_TEST_SUITE_P(Questions, FailingCalls, testing::ValuesIn(kQuestions), kNameOf);
INSTANTIATE_TEST_SUITE_P(Changes, FailingCalls, testing::ValuesIn(kChanges), kNameOf);

// Of a store that caches next to nothing, so that whatever a question asks a run for can fail; of late calls, which are
// many, some do.
class FailingReadsOfFiles : public testing::TestWithParam<Operation> {
 protected:
  // Ever fewer of the calls: of the n-th, one in n / share.
  static void fail_each(MemoryVfs& disk, uint64_t share);
};

TEST_P(FailingReadsOfFiles, GiveTheErrorThenTheAnswer) {
  fail_each(*a_disk(), 16);
  fail_each(*a_disk(32, true), 4);
}

void FailingReadsOfFiles::fail_each(MemoryVfs& disk, uint64_t share) {
  const auto faulty = FaultVfs::create(&disk);
  StoreOptions options = quiet_options();
  options.cache_bytes = 1;
  const auto store = *Store::open(*faulty, kClock, kStorePath, true, options);
  const auto table = *store->table("t");
  const std::string expected = *GetParam().act(*store, *table);
  uint64_t errors = 0;
  for (uint64_t call = 1;; call += 1 + call / share) {
    const uint64_t calls = faulty->calls();
    faulty->fail_after(call, EIO, true);
    const Result<std::string> answer = GetParam().act(*store, *table);
    const bool came = faulty->calls() >= calls + call;
    faulty->fail_after(0, 0, true);
    if (answer.ok()) {
      EXPECT_EQ(*answer, expected) << "call " << call;
    } else {
      ASSERT_TRUE(is_injected(answer.status())) << answer.status().message();
      ++errors;
    }
    if (!came) break;
  }
  EXPECT_GT(errors, 2U);
  EXPECT_EQ(*GetParam().act(*store, *table), expected);
}

// A merge that cannot read a column, or write, leaves the runs as they are.
TEST(FailingCallsOf, AMergeOfManyColumnsLeaveItsRuns) {
  const auto disk = a_disk(32, true);
  const std::string expected = *everything(**Store::open(*disk->kill(), kClock, kStorePath, true, quiet_options()));
  for (uint64_t call = 1, came = true; came; call += 1 + call / 12) {
    SCOPED_TRACE("call " + std::to_string(call));
    const auto copy = disk->kill();
    const auto faulty = FaultVfs::create(copy.get());
    const auto store = *Store::open(*faulty, kClock, kStorePath, true, quiet_options());
    const uint64_t calls = faulty->calls();
    faulty->fail_after(call, EIO, true);
    const Status status = store->compact(false, {});
    came = faulty->calls() >= calls + call ? 1 : 0;
    faulty->fail_after(0, 0, true);
    EXPECT_TRUE(status.ok() || is_injected(status)) << status.message();
    ASSERT_EQ(*everything(*store), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Questions, FailingReadsOfFiles, testing::ValuesIn(kQuestions), kNameOf);

// verify() tells of what it could not read, and of nothing else.
TEST(FailingCallsOf, VerifyAreReported) {
  fail_each_call(*a_disk(), [](FaultVfs& faulty, MemoryVfs&, uint64_t call) {
    const auto store = *Store::open(faulty, kClock, kStorePath, true, quiet_options());
    const uint64_t calls = faulty.calls();
    faulty.fail_after(call, EIO, true);
    const Result<VerifyReport> report = store->verify({});
    if (faulty.calls() < calls + call) return false;
    EXPECT_TRUE(report.ok());
    EXPECT_EQ(report->problems.size(), 1U);
    for (const VerifyReport::Problem& problem : report->problems)
      EXPECT_NE(problem.message.find("(injected)"), std::string::npos) << problem.message;
    return true;
  });
}

// A reader whose refresh() fails stays where it was; what it could not open is an error where it is read.
TEST(FailingCallsOf, ARefreshLeaveAReaderThatGoesOn) {
  fail_each_call(*a_disk(), [](FaultVfs& faulty, MemoryVfs& copy, uint64_t call) {
    const auto reader = *Store::open(faulty, kClock, kStorePath, false, quiet_options());
    const std::string before = *everything(*reader);
    const auto writer = *Store::open(copy, kClock, kStorePath, true, quiet_options());
    EXPECT_TRUE(append(**writer->table("t"), rows_from(700, 20)).ok());
    EXPECT_TRUE(writer->flush().ok());
    EXPECT_TRUE(append(**writer->table("t"), rows_from(800, 20), true).ok());
    const std::string after = *everything(*writer);
    const uint64_t calls = faulty.calls();
    faulty.fail_after(call, EIO, true);
    const Status refreshed = reader->refresh();
    const bool came = faulty.calls() >= calls + call;
    faulty.fail_after(0, 0, true);
    if (!came) return false;
    EXPECT_TRUE(refreshed.ok() || is_injected(refreshed)) << refreshed.message();
    if (!refreshed.ok()) {
      EXPECT_EQ(*everything(*reader), before);
    }
    EXPECT_TRUE(reader->refresh().ok());
    const Result<std::string> seen = everything(*reader);
    if (seen.ok()) {
      EXPECT_EQ(*seen, after);
    } else {
      EXPECT_TRUE(is_injected(seen.status())) << seen.status().message();
    }
    return true;
  });
}

// Changes a byte in the middle of each run, and takes from the log the space that it has in reserve: searching that
// for records would take most of the time.
void damage(MemoryVfs& disk) {
  for (auto [name, bytes] : disk.files()) {
    if (name.ends_with(".run")) bytes[bytes.size() / 3] ^= 1;
    if (name.ends_with(".log")) bytes.resize((bytes.find_last_not_of('\0') / 512 + 1) * 512);
    EXPECT_TRUE(disk.write_file(name, as_bytes(bytes)).ok());
  }
}

// Whatever fails while a store is opened: the next one that is opened has all that was there. The last write of the log
// and of its seal stopped half way.
TEST(FailingCallsOf, AnOpenLeaveAStoreThatOpens) {
  const auto disk = a_disk();
  for (auto [name, bytes] : disk->files()) {
    if (!name.ends_with(".log")) continue;
    bytes.resize((bytes.find_last_not_of('\0') / 512 + 1) * 512);
    bytes += "half a record";
    std::fill_n(bytes.begin() + 496, 16, 'x');  // the second seal
    ASSERT_TRUE(disk->write_file(name, as_bytes(bytes)).ok());
  }
  const std::string expected = *everything(**Store::open(*disk->kill(), kClock, kStorePath, false, quiet_options()));
  fail_each_call(*disk, [&](FaultVfs& faulty, MemoryVfs& copy, uint64_t call) {
    {
      faulty.fail_after(call, EIO, true);
      const auto opened = Store::open(faulty, kClock, kStorePath, true, quiet_options());
      if (faulty.calls() < call) return false;
      if (!opened.ok()) {
        EXPECT_TRUE(is_injected(opened.status())) << opened.status().message();
      }
    }
    const auto store = Store::open(copy, kClock, kStorePath, true, quiet_options());
    EXPECT_TRUE(store.ok()) << store.status().message();
    if (!store.ok()) return true;
    EXPECT_EQ(*everything(**store), expected);
    EXPECT_TRUE((*store)->verify({})->problems.empty());
    return true;
  });
}

// What a failed repair() has begun is no store, and in nobody's way.
TEST(FailingCallsOf, ARepairLeaveNothing) {
  const auto disk = a_disk(64);
  damage(*disk);
  uint64_t events = 0, losses = 0;
  {
    const Result<RepairReport> report = repair(*disk->kill(), kClock, kStorePath, "new");
    ASSERT_TRUE(report.ok()) << report.status().message();
    events = report->events;
    losses = report->losses.size();
    EXPECT_GT(losses, 0U);
  }
  fail_each_call(*disk, [&](FaultVfs& faulty, MemoryVfs& copy, uint64_t call) {
    faulty.fail_after(call, EIO, true);
    const Result<RepairReport> report = repair(faulty, kClock, kStorePath, "new");
    if (faulty.calls() < call) return false;
    if (!report.ok()) {
      EXPECT_TRUE(is_injected(report.status())) << report.status().message();
      EXPECT_EQ(Store::open(copy, kClock, "new", false, quiet_options()).status().code(), Code::kNotFound);
    }
    const Result<RepairReport> again = report.ok() ? report : repair(copy, kClock, kStorePath, "new");
    EXPECT_TRUE(again.ok()) << again.status().message();
    if (!again.ok()) return true;
    EXPECT_EQ(again->events, events);
    EXPECT_EQ(again->losses.size(), losses);
    const auto store = *Store::open(copy, kClock, "new", false, quiet_options());
    EXPECT_TRUE(store->verify({})->problems.empty());
    return true;
  });
}

}  // namespace
}  // namespace tsfeat
