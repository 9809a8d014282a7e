// The C++ counterpart of bench/systems/base.py: what a program under test implements to be driven by worker.h.
// Every method throws std::runtime_error when it fails.
#pragma once

#include <cstdint>
#include <vector>

#include "answer.h"
#include "workload.h"

namespace bench {

// Rows of the newest `n` events of a user each, oldest first.
struct Question {
  uint64_t rows = 0;
  const uint64_t* users = nullptr;
  const int64_t* before = nullptr;  // one a row, exclusive; null: no bound
  int64_t n = 0;
  std::vector<uint8_t> types;  // only events whose column `type` is one of these; empty: all
  std::vector<int> columns;    // positions among the workload's columns; -1 is the time
};

class System {
 public:
  virtual ~System() = default;

  virtual void open() = 0;
  virtual void close() = 0;
  virtual void append(const Events& events, bool sync) = 0;
  virtual void finish() = 0;  // flush, compact fully, wait until nothing more happens

  // Answers are overwritten. Their arrays are valid until the next one, or release().
  virtual void read(const Question& question, Answer* answer) = 0;
  // The whole table, piece by piece; an answer without rows is the end.
  virtual void begin_scan(const std::vector<int>& columns) = 0;
  virtual void next_scan(Answer* answer) = 0;
  // As read() with `before`, for very many rows: in pieces of the system's choice, rows numbered or in order.
  virtual void begin_join(const Question& question) = 0;
  virtual void next_join(Answer* answer) = 0;

  // Not timed: before a checksum, makes columns of the workload's types out of what the system calls an answer; and
  // lets go of the last answer.
  virtual void make_plain(Answer* /*answer*/) {}
  virtual void release() {}

  // Whether read() may be called in another thread than append().
  virtual bool reads_while_appending() const { return true; }
};

}  // namespace bench
