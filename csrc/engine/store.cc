// The public face over StoreCore: handles that check whether the store is open, and delegate.

#include "engine/store.h"

#include "base/process.h"
#include "engine/store_core.h"

namespace tsfeat {
namespace {

class TableHandle final : public Table {
 public:
  TableHandle(std::shared_ptr<StoreCore> store, std::shared_ptr<TableCore> table)
      : store_(std::move(store)), table_(std::move(table)) {}

  const std::string& name() const override { return table_->name; }
  uint32_t id() const override { return table_->id; }
  Result<std::shared_ptr<const Schema>> schema() const override {
    TSFEAT_TRY(check());
    return table_->published().state->schema;
  }
  Result<std::optional<Retention>> retention() const override {
    TSFEAT_TRY(check());
    return table_->published().state->retention;
  }
  Result<uint64_t> version() const override {
    TSFEAT_TRY(check());
    return table_->published().version;
  }
  Result<uint64_t> durable_version() const override {
    TSFEAT_TRY(check());
    return table_->durable_version(store_->durable_place());
  }
  Result<std::unique_ptr<Load>> start_load() override {
    TSFEAT_TRY(check());
    return store_->start_load(table_);
  }
  Result<std::unique_ptr<Changes>> changes(ChangesRequest request) const override {
    const auto views = [handle = *this]() -> Result<View> { return handle.view(true); };
    return Changes::create(views, std::move(request));
  }
  Result<uint64_t> append(const AppendRequest& request) override {
    TSFEAT_TRY(check());
    return store_->append(*table_, request);
  }
  Result<View> view(bool scan) const override {
    TSFEAT_TRY(check());
    View view = table_->view(store_->clock, scan);
    view.helpers = store_->helpers.get();
    if (scan) view.own_helpers = store_->helpers;  // spares other reads the count
    return view;
  }
  Result<uint64_t> erase(const std::vector<KeyView>& keys, PerRow<int64_t> before) override {
    TSFEAT_TRY(check());
    return store_->erase(*table_, keys, before);
  }
  Status add_column(Column column) override {
    TSFEAT_TRY(check());
    return store_->add_column(*table_, std::move(column));
  }
  Status set_retention(std::optional<Retention> retention) override {
    TSFEAT_TRY(check());
    return store_->set_retention(*table_, retention);
  }
  Result<std::optional<int64_t>> position(const std::string& source) const override {
    TSFEAT_TRY(check());
    return table_->position(source);
  }
  Result<std::vector<std::string>> categories(size_t column) const override {
    TSFEAT_ASSIGN(const std::shared_ptr<CategoryDictionary> dictionary, dictionary_of(column));
    return dictionary->values();
  }
  Result<std::vector<int32_t>> category_codes(size_t column,
                                              const std::vector<std::string_view>& values) const override {
    TSFEAT_ASSIGN(const std::shared_ptr<CategoryDictionary> dictionary, dictionary_of(column));
    std::vector<int32_t> codes;
    codes.reserve(values.size());
    for (const std::string_view value : values) codes.push_back(dictionary->find(value));
    return codes;
  }

 private:
  Status check() const {
    TSFEAT_TRY(store_->check_open());
    if (table_->dropped) return Status::not_found("table '" + table_->name + "' was dropped");
    return {};
  }
  Result<std::shared_ptr<CategoryDictionary>> dictionary_of(size_t column) const {
    TSFEAT_TRY(check());
    const std::shared_ptr<const TableState> state = table_->published().state;
    if (column < state->schema->columns.size()) {
      const auto at = state->categories.find(state->schema->columns[column].id);
      if (at != state->categories.end()) return at->second;
    }
    return Status::schema("table '" + table_->name + "' has no category column at position " + std::to_string(column));
  }

  const std::shared_ptr<StoreCore> store_;
  const std::shared_ptr<TableCore> table_;
};

class StoreHandle final : public Store {
 public:
  explicit StoreHandle(std::shared_ptr<StoreCore> core) : core_(std::move(core)) {}
  ~StoreHandle() override { (void)core_->close().ok(); }  // whoever wants to know how it went calls close()

  const std::string& path() const override { return core_->path; }
  bool closed() const override { return !core_->check_open().ok(); }
  Result<std::shared_ptr<Table>> create_table(const std::string& name, Schema schema,
                                              std::optional<Retention> retention) override {
    TSFEAT_TRY(core_->check_open());
    TSFEAT_ASSIGN(std::shared_ptr<TableCore> table, core_->create_table(name, std::move(schema), retention));
    return handle(std::move(table));
  }
  Result<std::shared_ptr<Table>> table(const std::string& name) override {
    TSFEAT_ASSIGN(std::shared_ptr<TableCore> table, core_->find_table(name));
    return handle(std::move(table));
  }
  Result<std::vector<std::string>> tables() const override {
    TSFEAT_TRY(core_->check_open());
    std::vector<std::string> names;
    for (const auto& table : core_->all_tables()) names.push_back(table->name);
    return names;
  }
  Status drop_table(const std::string& name) override {
    TSFEAT_TRY(core_->check_open());
    return core_->drop_table(name);
  }
  Result<std::vector<NamedView>> views() const override {
    TSFEAT_TRY(core_->check_open());
    return core_->views();
  }
  Result<NamedView> create_view(const std::string& name, const Table& table,
                                const std::string& specification) override {
    TSFEAT_TRY(core_->check_open());
    return core_->create_view(name, table.id(), specification);
  }
  Status drop_view(const std::string& name) override {
    TSFEAT_TRY(core_->check_open());
    return core_->drop_view(name);
  }
  Result<std::string> id() const override {
    TSFEAT_TRY(core_->check_open());
    return core_->store_id();
  }
  Status flush() override {
    TSFEAT_TRY(core_->check_open());
    return core_->flush();
  }
  Status compact(bool erase, const Progress& progress) override {
    TSFEAT_TRY(core_->check_open());
    return core_->compact(erase, progress);
  }
  Status checkpoint(const std::string& path) override { return core_->checkpoint(path); }
  Result<VerifyReport> verify(const Progress& progress) override { return core_->verify(progress); }
  Status refresh() override { return core_->refresh(); }
  Result<StatMap> stats() const override {
    TSFEAT_TRY(core_->check_open());
    return core_->stats();
  }
  Status close() override { return core_->close(); }

 private:
  std::shared_ptr<Table> handle(std::shared_ptr<TableCore> table) const {
    return std::make_shared<TableHandle>(core_, std::move(table));
  }
  const std::shared_ptr<StoreCore> core_;
};

}  // namespace

Result<std::shared_ptr<Store>> Store::open(Vfs& vfs, const Clock& clock, const std::string& path, bool writable,
                                           const StoreOptions& options) {
  // In a forked child it is never destroyed: its threads are not there to be joined, and its locks may be held for
  // ever.
  const std::shared_ptr<StoreCore> core(new StoreCore(vfs, clock, path, writable, options), [](StoreCore* ended) {
    if (!ended->forked()) delete ended;
  });
  if (Status status = core->open(); !status.ok()) {
    (void)core->close().ok();  // what matters is why it did not open
    return status;
  }
  return std::shared_ptr<Store>(std::make_shared<StoreHandle>(core));
}

}  // namespace tsfeat
