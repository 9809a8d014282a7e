#include "engine/workload.h"

#include <algorithm>
#include <functional>

namespace tsfeat::engine_testing {
namespace {

Rows some_rows(uint64_t first_item, size_t count) {
  Rows rows;
  for (uint64_t item = first_item; item < first_item + count; ++item) {
    const uint64_t key = item % 11 == 0 ? kErasedKey : item % 7;
    rows.push_back({key, static_cast<int64_t>(item * 37 % 101), item});
  }
  return rows;
}

class Script {
 public:
  Script(Vfs& vfs, const Clock& clock, Oracle* oracle) : vfs_(vfs), clock_(clock), oracle_(*oracle) {}

  void run() {
    const std::vector<std::function<Status()>> steps = {
        [&] { return open(); },
        [&] { return create("a"); },
        [&] { return append("a", 5, false); },
        [&] { return append("a", 30, true); },
        [&] { return append("a", 0, false); },
        [&] { return create("b"); },
        [&] { return append("b", 20, false); },
        [&] { return append("a", 3, false); },
        [&] { return flush(); },
        [&] { return load("a", 40); },
        [&] { return append("a", 25, true); },
        [&] { return add_column("a"); },
        [&] { return append("a", 10, false); },
        [&] { return erase("a"); },
        [&] { return append("a", 22, false); },
        [&] { return flush(); },
        [&] { return load("a", 0); },
        [&] { return append("b", 4, true); },
        [&] { return append("a", 6, false); },
        [&] { return load("b", 21); },
        [&] { return append("a", 7, false); },
        [&] { return store_->compact(true, {}); },
        [&] { return append("a", 12, false); },
        [&] { return store_->checkpoint(kCheckpointPath); },
        [&] { return drop("b"); },
        [&] { return append("a", 2, false); },
        [&] { return close(); },
        [&] { return open(); },
        [&] { return append("a", 9, true); },
        [&] { return append("a", 9, false); },
    };
    for (const auto& step : steps) {
      if (store_ == nullptr && &step != &steps[0] && !open().ok()) continue;
      const Status status = step();
      if (status.ok()) continue;
      ++oracle_.errors;
      oracle_.last_error = status.message();
      if (!oracle_.go_on) return;
      // A store that refuses writes is closed and opened again, as its message says.
      store_.reset();
    }
  }

 private:
  Status open() {
    if (store_ != nullptr) return {};
    TSFEAT_ASSIGN(store_, Store::open(vfs_, clock_, kStorePath, true, quiet_options()));
    return {};
  }
  Status create(const std::string& name) {
    TableOracle& oracle = oracle_.tables[name];
    TSFEAT_TRY(store_->create_table(name, events_schema(), std::nullopt).status());
    oracle.create_returned = true;
    return {};
  }
  Status append(const std::string& name, size_t rows, bool sync) {
    const auto add = [&](Table& table, const Rows& batch) { return engine_testing::append(table, batch, sync); };
    return attempt(name, rows, sync, add);
  }
  Status load(const std::string& name, size_t rows) {
    return attempt(name, rows, true, [](Table& table, const Rows& batch) { return bulk_load(table, batch); });
  }
  Status attempt(const std::string& name, size_t rows, bool sync,
                 const std::function<Result<uint64_t>(Table&, const Rows&)>& add) {
    TableOracle& oracle = oracle_.tables[name];
    TSFEAT_ASSIGN(const std::shared_ptr<Table> table, store_->table(name));
    // After an error the store says itself what it took.
    TSFEAT_ASSIGN(const uint64_t version, table->version());
    oracle.attempted.resize(version);
    oracle.attempted.push_back(some_rows(next_item_, rows));
    next_item_ += rows;
    TSFEAT_TRY(add(*table, oracle.attempted.back()).status());
    oracle.returned = oracle.attempted.size();
    if (sync) all_is_durable();  // there is one log: what came before it, in any table, is durable as well
    return {};
  }
  void all_is_durable() {
    for (auto& [name, oracle] : oracle_.tables) oracle.durable = std::max(oracle.durable, oracle.returned);
  }
  Status flush() {
    TSFEAT_TRY(store_->flush());
    all_is_durable();
    return {};
  }
  Status add_column(const std::string& name) {
    TSFEAT_ASSIGN(const std::shared_ptr<Table> table, store_->table(name));
    Column column;
    column.name = "added";
    column.type = Type::kInt64;
    column.default_value = Value{true, std::string("\7\0\0\0\0\0\0\0", 8)};
    return table->add_column(column);
  }
  Status erase(const std::string& name) {
    TableOracle& oracle = oracle_.tables[name];
    TSFEAT_ASSIGN(const std::shared_ptr<Table> table, store_->table(name));
    TSFEAT_ASSIGN(const uint64_t version, table->version());
    oracle.erase_attempted_at = version;
    TSFEAT_TRY(table->erase({KeyView::from_uint64(kErasedKey)}, {}).status());
    oracle.erase_returned = true;
    return {};
  }
  Status drop(const std::string& name) {
    oracle_.tables[name].drop_attempted = true;
    return store_->drop_table(name);
  }
  Status close() {
    const Status status = store_->close();
    store_.reset();
    if (status.ok()) all_is_durable();
    return status;
  }

  Vfs& vfs_;
  const Clock& clock_;
  Oracle& oracle_;
  std::shared_ptr<Store> store_;
  uint64_t next_item_ = 1;
};

// The batches, less what an erasure took.
Rows expected_rows(const TableOracle& oracle, uint64_t version, bool erased) {
  std::vector<Rows> batches(oracle.attempted.begin(), oracle.attempted.begin() + static_cast<std::ptrdiff_t>(version));
  for (size_t i = 0; i < batches.size() && erased; ++i) {
    if (i >= oracle.erase_attempted_at) break;
    std::erase_if(batches[i], [](const Row& row) { return row.key == kErasedKey; });
  }
  return in_order(batches);
}

void check_table(const Table& table, const TableOracle& oracle, bool no_loss) {
  const uint64_t version = *table.version();
  EXPECT_GE(version, no_loss ? oracle.returned : oracle.durable) << "lost";
  ASSERT_LE(version, oracle.attempted.size()) << "never attempted";
  const Result<Rows> rows = read_all(table);
  ASSERT_TRUE(rows.ok()) << rows.status().message();
  const bool as_erased = *rows == expected_rows(oracle, version, true);
  const bool as_never_erased = *rows == expected_rows(oracle, version, false);
  EXPECT_TRUE(as_erased || (as_never_erased && !oracle.erase_returned));
}

}  // namespace

void run_workload(Vfs& vfs, const Clock& clock, Oracle* oracle) { Script(vfs, clock, oracle).run(); }

void check_store(Vfs& vfs, const Clock& clock, const Oracle& oracle, bool no_loss, const std::string& path) {
  const Result<std::shared_ptr<Store>> opened = Store::open(vfs, clock, path, true, quiet_options());
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  Store& store = **opened;
  const std::vector<std::string> names = *store.tables();
  for (const std::string& name : names) {
    ASSERT_TRUE(oracle.tables.contains(name));
    const Result<std::shared_ptr<Table>> table = store.table(name);
    ASSERT_TRUE(table.ok());
    check_table(**table, oracle.tables.at(name), no_loss);
  }
  for (const auto& [name, table] : oracle.tables) {
    const bool there = std::find(names.begin(), names.end(), name) != names.end();
    EXPECT_TRUE(there || table.drop_attempted || !table.create_returned) << "table " << name << " is lost";
  }
  const Result<VerifyReport> report = store.verify({});
  ASSERT_TRUE(report.ok());
  for (const auto& problem : report->problems) ADD_FAILURE() << problem.file << ": " << problem.message;
  EXPECT_TRUE(store.close().ok());
}

}  // namespace tsfeat::engine_testing
