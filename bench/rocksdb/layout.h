// What the three layouts have in common: one database, one log, one iterator that is kept and refreshed.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <memory>
#include <string>
#include <vector>

#include "history.h"
#include "system.h"

namespace bench {

// Throws std::runtime_error.
void check(const rocksdb::Status& status);

class Layout : public System, public History {
 public:
  Layout(const Workload& workload, std::string directory, std::string name);

  void open() override;
  void close() override;
  void finish() override;
  void read(const Question& question, Answer* answer) override { reader_.read(question, answer); }
  void begin_scan(const std::vector<int>& columns) override;
  void next_scan(Answer* answer) override;
  void begin_join(const Question& question) override { join_.begin(question); }
  void next_join(Answer* answer) override { join_.next(answer); }

  void refresh() override;

 protected:
  // Adds the events under the scan's iterator to the arrays at `at`, moves it on, returns how many there were.
  virtual uint64_t scan_some(rocksdb::Iterator* iterator, Arrays* arrays, uint64_t at) = 0;
  void write(bool sync, bool log);
  // The readers' iterator, as of the last refresh(); and one for what append() looks up, as of now.
  rocksdb::Iterator& iterator();
  rocksdb::Iterator& write_iterator();
  void release_iterators();

  std::vector<uint32_t> widths_;
  std::string directory_;
  std::string name_;
  rocksdb::Options options_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::WriteBatch batch_;
  bool was_empty_ = false;  // when it was opened

 private:
  std::unique_ptr<rocksdb::Iterator> iterator_;
  std::unique_ptr<rocksdb::Iterator> write_iterator_;
  Reader reader_;
  Join join_;
  std::unique_ptr<rocksdb::Iterator> scan_iterator_;
  Arrays scanned_;
  std::vector<int64_t> scan_offsets_;
  std::vector<uint64_t> scan_users_;
};

std::unique_ptr<System> make_a1(const Workload& workload, const std::string& directory);
std::unique_ptr<System> make_a2(const Workload& workload, const std::string& directory);
std::unique_ptr<System> make_a3(const Workload& workload, const std::string& directory);

}  // namespace bench
