// What may be true of a store. Every operation is unattempted, attempted or acknowledged; after any crash the store
// must be what a prefix of the attempted operations makes, a prefix that holds all that were acknowledged.
//
// There is one log, so the order is one over all tables. Lives outside the file system that fails. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "reliability/events.h"

namespace tsfeat::reliability {

// An operation that changes what the store says.
struct Op {
  enum class Kind { kCreate, kDrop, kAppend, kErase, kAddColumn, kRetain };
  Kind kind = Kind::kAppend;
  std::string table;
  Batch batch;                     // kAppend
  uint64_t key = 0;                // kErase
  std::optional<int64_t> before;   // kErase; none: all of the key
  std::optional<int64_t> max_age;  // kRetain, by the event clock; none: no retention
  uint64_t first_added = 0;        // kAddColumn: the number of the next event
};

struct TableModel {
  struct Event {
    Row row;
    uint64_t version = 0;
  };
  uint64_t version = 0;
  std::vector<Event> events;  // in order of arrival, less what was erased or let go of
  std::optional<uint64_t> first_added;
  std::optional<int64_t> max_age;
  bool aged = false;  // had a retention rule once: reads of old versions may be refused
  int64_t newest_time = kMinTime;
  std::map<std::string, int64_t> positions;

  bool visible(const Event& event) const;
  Rows rows(uint64_t at_version) const;  // in (key, time, arrival) order
};

struct Model {
  std::map<std::string, TableModel> tables;
  void apply(const Op& op);
};

// What a look at a store came to.
struct Verdict {
  enum class Kind { kRight, kLost, kHole, kPhantom, kWrong, kRefused };
  Kind kind = Kind::kRight;
  size_t prefix = 0;  // of the attempted operations: kRight
  std::string why;
};

class Oracle {
 public:
  void attempt(const Op& op) { pending_.push_back(op); }
  void returned() { returned_ = pending_.size(); }  // the latest attempt came back without an error
  void forget_attempt() { pending_.pop_back(); }    // it was refused before anything was written
  void acknowledge();                               // all that returned is durable

  // The store as it is, or as it was found; no_loss: the power did not fail, so all that returned must be there.
  Verdict judge(Store& store, bool no_loss, Random& random) const;
  // Whether a table whose files are sound is all there, whatever has befallen the others: after settle_all().
  Verdict judge_table(Store& store, const std::string& name) const;
  // A store that was judged right is what it is: later attempts start from there.
  void settle(size_t prefix);
  void settle_all() { settle(pending_.size()); }

  const Model& attempted() const { return attempted_; }  // what the living store says, if nothing failed
  uint64_t next_number() const { return next_number_; }
  uint64_t take_number() { return next_number_++; }
  void sync_attempted();  // after attempts: brings attempted() up to date

 private:
  Verdict compare(Store& store, size_t required, Random& random) const;

  Model durable_;            // what was acknowledged
  std::vector<Op> pending_;  // attempted since, in order
  size_t returned_ = 0;      // of them
  Model attempted_;
  uint64_t next_number_ = 1;
};

}  // namespace tsfeat::reliability
