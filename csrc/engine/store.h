// The engine's face: a store and its tables. What `bind` calls, and nothing below includes.
//
// Ownership: Store and Table are shared; a Table keeps its store's innards alive, and says kClosed once the store is
// closed, kNotFound once the table is dropped. Threads: every method may be called from any thread. Readers never wait
// for writers. Appends, deletes and schema changes are ordered by one write lock. After fork(), the child's use of a
// store is kClosed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "catalog/manifest.h"
#include "compact/changes.h"
#include "engine/options.h"
#include "read/merge.h"
#include "read/read.h"
#include "schema/batch.h"
#include "vfs/vfs.h"

namespace tsfeat {

// A column as the caller has it. A category comes as strings (offsets, data) a row, or dictionary-encoded: `indices` a
// row into a dictionary of `dictionary_size` strings (offsets, data). A null row's value, index included, is ignored.
struct InputColumn {
  bool absent = false;  // take the column's default
  ColumnView view;
  uint64_t data_bytes = 0;  // length of view.data, if variable
  const int32_t* indices = nullptr;
  uint64_t dictionary_size = 0;
};

struct AppendRequest {
  uint64_t rows = 0;
  InputColumn keys;
  const int64_t* times = nullptr;
  std::vector<InputColumn> columns;  // one per schema column
  std::optional<std::string> source;
  int64_t position = 0;
  std::optional<bool> sync;  // absent: as the policy says
};

// A nested, ordered answer for stats().
struct StatValue;
using StatMap = std::vector<std::pair<std::string, StatValue>>;
struct StatValue {
  std::variant<int64_t, double, std::string, StatMap, std::vector<StatMap>> value;
};

struct VerifyReport {
  struct Problem {
    std::string file;
    uint64_t offset = 0;
    std::string message;
  };
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t events = 0;
  std::vector<Problem> problems;
};

// Called with a fraction done, now and then; false stops the work (kClosed).
using Progress = std::function<bool(double fraction)>;

// A bulk load: events sorted by (key, time), straight into a run, past log and memtable. Nothing of it is seen, and
// nothing stays, unless commit() returns. For one thread.
class Load {
 public:
  virtual ~Load() = default;  // not committed: removes what was written
  // What the batches are for: that of the table when the load began. Columns added since take their defaults.
  virtual const Schema& schema() const = 0;
  // The next events; source, position and sync of the request are not looked at. kSchema names the row, counted over
  // all batches. After an error the load is over.
  virtual Status add(const AppendRequest& request) = 0;
  // The version that sees the events, ordered after everything appended before; they are on stable storage.
  virtual Result<uint64_t> commit() = 0;
};

class Table {
 public:
  virtual ~Table() = default;
  virtual const std::string& name() const = 0;
  virtual uint32_t id() const = 0;  // never used again in this store
  virtual Result<std::shared_ptr<const Schema>> schema() const = 0;
  virtual Result<std::optional<Retention>> retention() const = 0;
  virtual Result<uint64_t> version() const = 0;

  // The newest version that survives a power loss.
  virtual Result<uint64_t> durable_version() const = 0;

  virtual Result<uint64_t> append(const AppendRequest& request) = 0;
  virtual Result<std::unique_ptr<Load>> start_load() = 0;
  // request.until is at most the table's version.
  virtual Result<std::unique_ptr<Changes>> changes(ChangesRequest request) const = 0;
  // A consistent view of this moment; scan: for a long walk that must not wash out the cache. Then read(), count(),
  // Scanner::create().
  virtual Result<View> view(bool scan = false) const = 0;
  // Returns how many visible events are gone.
  virtual Result<uint64_t> erase(const std::vector<KeyView>& keys, PerRow<int64_t> before) = 0;
  virtual Status add_column(Column column) = 0;  // default_value is set
  virtual Status set_retention(std::optional<Retention> retention) = 0;
  virtual Result<std::optional<int64_t>> position(const std::string& source) const = 0;
  virtual Result<std::vector<std::string>> categories(size_t column) const = 0;
  // -1 where never seen.
  virtual Result<std::vector<int32_t>> category_codes(size_t column,
                                                      const std::vector<std::string_view>& values) const = 0;
};

class Store {
 public:
  // vfs and clock outlive the store.
  static Result<std::shared_ptr<Store>> open(Vfs& vfs, const Clock& clock, const std::string& path, bool writable,
                                             const StoreOptions& options);
  virtual ~Store() = default;  // closes

  virtual const std::string& path() const = 0;
  virtual bool closed() const = 0;
  virtual Result<std::shared_ptr<Table>> create_table(const std::string& name, Schema schema,
                                                      std::optional<Retention> retention) = 0;
  virtual Result<std::shared_ptr<Table>> table(const std::string& name) = 0;
  virtual Result<std::vector<std::string>> tables() const = 0;  // sorted
  virtual Status drop_table(const std::string& name) = 0;
  // Named reads. Creating one returns the version of this name that has this table and specification, or makes the
  // next.
  virtual Result<std::vector<NamedView>> views() const = 0;  // in order of id, then version
  virtual Result<NamedView> create_view(const std::string& name, const Table& table,
                                        const std::string& specification) = 0;
  virtual Status drop_view(const std::string& name) = 0;  // all versions
  virtual Result<std::string> id() const = 0;             // 16 random bytes, also of its checkpoints
  virtual Status flush() = 0;
  virtual Status compact(bool erase, const Progress& progress) = 0;
  virtual Status checkpoint(const std::string& path) = 0;
  virtual Result<VerifyReport> verify(const Progress& progress) = 0;
  virtual Status refresh() = 0;
  virtual Result<StatMap> stats() const = 0;
  virtual Status close() = 0;  // idempotent
};

}  // namespace tsfeat
