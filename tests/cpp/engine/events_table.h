// A table of events whose columns all follow from one number, `item`, so that contents check themselves; and the ways
// to append to it and read all of it that the tests of the engine share.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/store.h"

namespace tsfeat::engine_testing {

inline constexpr const char* kStorePath = "store";

struct Row {
  uint64_t key = 0;
  int64_t time = 0;
  uint64_t item = 0;
  bool operator==(const Row&) const = default;
};
using Rows = std::vector<Row>;

Schema events_schema();
// One that it does not have, to be added.
Column a_column();
// Small buffers and pages, no threads, no sync unless asked: everything happens in the calls, in the same order each
// time.
StoreOptions quiet_options();

std::string text_of(uint64_t item);

// Strings of a batch as offsets and data.
struct Strings {
  std::vector<int64_t> offsets{0};
  std::string data;
  void add(const std::string& text) {
    data += text;
    offsets.push_back(static_cast<int64_t>(data.size()));
  }
};

// Rows as columns, and the request that refers to them.
struct RowArrays {
  RowArrays(const Rows& rows, const Schema& schema);
  RowArrays(const RowArrays&) = delete;
  RowArrays& operator=(const RowArrays&) = delete;

  AppendRequest request;
  std::vector<uint64_t> keys, items;
  std::vector<int64_t> times;
  Strings texts, categories;
};

Result<uint64_t> append(Table& table, const Rows& rows, std::optional<bool> sync = std::nullopt,
                        std::optional<std::string> source = std::nullopt, int64_t position = 0);
// A bulk load of the rows, sorted first, in batches of so many.
Result<uint64_t> bulk_load(Table& table, const Rows& rows, size_t batch_rows = 15);
// All rows in (key, time, arrival) order, as of a version or the newest. A row whose other columns do not fit its item
// fails the test.
Result<Rows> read_all(const Table& table, std::optional<int64_t> version = std::nullopt);
// The last n of each key, end to end.
Result<Rows> last_n(const Table& table, const std::vector<uint64_t>& keys, int64_t n,
                    std::optional<int64_t> before = std::nullopt);

// The batches in (key, time, arrival) order.
Rows in_order(const std::vector<Rows>& batches);

}  // namespace tsfeat::engine_testing
