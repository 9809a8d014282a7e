// A random life of a store: operations drawn from a seed, each told to the oracle before and after.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "reliability/oracle.h"
#include "vfs/vfs.h"

namespace tsfeat::reliability {

inline constexpr const char* kStorePath = "store";

// How often each thing happens, of some hundred steps.
struct Habits {
  uint64_t append = 60, large_append = 3, empty_append = 2, load = 3, erase = 6, create = 3, drop = 1, add_column = 2,
           retain = 3;
  uint64_t flush = 6, compact = 3, compact_erase = 2, checkpoint = 2, reopen = 5, follow = 3;
  uint64_t synced_quarters = 1;  // of appends
};
// Of the scripted workloads, 0 to 39: each leans to something else.
inline constexpr uint64_t kWorkloads = 40;
Habits habits_of(uint64_t workload);

class Life {
 public:
  // None is owned. root: in front of the store's path, and of its checkpoints'.
  Life(Vfs& vfs, const Clock& clock, Oracle& oracle, uint64_t seed, const Habits& habits, std::string root = {});
  ~Life();

  Status open();
  Status step();   // one operation; opens the store first if need be
  Status close();  // at the end of the life
  void abandon() {
    store_.reset();
    reader_.reset();
  }

  Store* store() { return store_.get(); }
  Random& random() { return random_; }
  // Where the latest checkpoint that returned is, and what it holds.
  struct Checkpoint {
    std::string path;
    Oracle content;
  };
  const std::optional<Checkpoint>& checkpoint() const { return checkpoint_; }
  const char* doing() const { return doing_; }

  // What is done to the store goes through this, if it is set.
  std::function<Status(const std::function<Status()>& act)> around_engine;
  std::function<void()> on_acknowledged;  // the oracle was told that all that returned is durable

 private:
  using Kind = Op::Kind;
  Status change(Op op, const std::function<Status()>& act, bool durable);
  Status acknowledge(const Status& status);
  Status engine(const std::function<Status()>& act) { return around_engine ? around_engine(act) : act(); }
  Status keep(const char* doing, const std::function<Status()>& act);
  Status create();
  Status append(uint64_t rows);
  Status load(uint64_t rows);
  Status erase();
  Status on_table(Kind kind);
  Status take_checkpoint();
  Status reopen();
  Status follow();
  const std::string* any_table();
  Row new_row();

  Vfs& vfs_;
  const Clock& clock_;
  Oracle& oracle_;
  Random random_;
  const Habits habits_;
  const std::string root_;
  std::shared_ptr<Store> store_;
  std::shared_ptr<Store> reader_;  // of the same directory, moved forward now and then
  std::optional<Checkpoint> checkpoint_;
  uint64_t checkpoints_ = 0;
  int64_t time_ = 1'000;
  std::string picked_;
  const char* doing_ = "";
};

}  // namespace tsfeat::reliability
