// Random batches in the form in which append hands them on, with arrays that may be slices of longer ones.
#pragma once

#include <deque>
#include <random>
#include <string>
#include <vector>

#include "schema/batch.h"
#include "schema/random_schema.h"
#include "wal/record.h"

namespace tsfeat::wal_testing {

// Owns the arrays behind `batch`.
class RandomBatch {
 public:
  RandomBatch(std::mt19937_64& random, const Schema& schema, uint64_t rows) : random_(random) {
    batch.rows = rows;
    batch.key_type = schema.key_type;
    batch.keys = is_varlen(schema.key_type) ? varlen(rows) : fixed(rows, 8);
    batch.times = reinterpret_cast<const int64_t*>(fixed(rows, 8).fixed);
    for (const Column& column : schema.columns) {
      ColumnView view = is_varlen(column.type) ? varlen(rows) : fixed(rows, column.width());
      if (column.nullable && random_() % 2 == 0) {
        uint8_t* validity = room(rows);
        for (uint64_t row = 0; row < rows; ++row) validity[row] = random_() % 2;
        view.validity = validity;
      }
      batch.columns.push_back(view);
    }
  }
  RandomBatch(const RandomBatch&) = delete;
  RandomBatch& operator=(const RandomBatch&) = delete;
  Batch batch;

 private:
  uint8_t* room(size_t bytes) {
    std::vector<uint64_t>& words = kept_.emplace_back(bytes / 8 + 1);
    return reinterpret_cast<uint8_t*>(words.data());
  }
  ColumnView fixed(uint64_t rows, uint32_t width) {
    uint8_t* data = room(rows * width);
    // Of some columns only the low bytes differ, as of columns that the log narrows.
    const uint32_t differing = random_() % 2 == 0 ? width : static_cast<uint32_t>(1 + random_() % width);
    const auto same = static_cast<uint8_t>(random_());
    for (size_t i = 0; i < rows * width; ++i) data[i] = i % width < differing ? static_cast<uint8_t>(random_()) : same;
    ColumnView view;
    view.fixed = data;
    return view;
  }
  ColumnView varlen(uint64_t rows) {
    auto* offsets = reinterpret_cast<int64_t*>(room((rows + 1) * 8));
    offsets[0] = random_() % 2 == 0 ? 0 : static_cast<int64_t>(random_() % 50);
    for (uint64_t row = 0; row < rows; ++row) offsets[row + 1] = offsets[row] + static_cast<int64_t>(random_() % 12);
    uint8_t* data = room(static_cast<size_t>(offsets[rows]));
    for (int64_t i = 0; i < offsets[rows]; ++i) data[i] = static_cast<uint8_t>(random_());
    ColumnView view;
    view.offsets = offsets;
    view.data = data;
    return view;
  }

  std::mt19937_64& random_;
  std::deque<std::vector<uint64_t>> kept_;
};

// An encoded record as the log gives it back: in one piece, 8-byte aligned.
class WholeRecord {
 public:
  explicit WholeRecord(const EncodedRecord& record) : size_(record.payload().size()) {
    words_.resize(size_ / 8 + 1);
    if (size_ > 0) std::memcpy(words_.data(), record.payload().data(), size_);
  }
  uint8_t* data() { return reinterpret_cast<uint8_t*>(words_.data()); }
  size_t size() const { return size_; }
  Bytes bytes() const { return {reinterpret_cast<const uint8_t*>(words_.data()), size_}; }

 private:
  std::vector<uint64_t> words_;
  size_t size_ = 0;
};

}  // namespace tsfeat::wal_testing
