// Which values are hot: found in samples of runs that have more values than are counted at a time.
#include "compact/hot_values.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <random>
#include <set>

namespace tsfeat {
namespace {

// A run of one column of numbers; nothing but that column is asked for. Its fails-th call fails.
class Numbers final : public Source {
 public:
  explicit Numbers(std::vector<uint64_t> values, bool has_column = true)
      : values_(std::move(values)), has_column_(has_column) {
    stats_.events = values_.size();
  }
  const SourceStats& stats() const override { return stats_; }
  bool has_column(uint32_t) const override { return has_column_; }
  bool ranges_may_cross_keys() const override { return true; }
  Status fixed(const Column& column, RowRange rows, uint8_t* out) override {
    if (fails_ != 0 && --fails_ == 0) return Status::storage(EIO, "cannot read");
    for (uint64_t row = rows.begin; row < rows.end; ++row, out += column.width())
      std::memcpy(out, &values_[row], column.width());
    return {};
  }

  Status locate(std::span<const Probe>, std::span<RowRange>) override { return unasked(); }
  std::unique_ptr<KeyCursor> walk() override { return nullptr; }
  Result<uint64_t> seek(RowRange, int64_t) override { return unasked(); }
  Status times(RowRange, int64_t*) override { return unasked(); }
  Status versions(RowRange, uint64_t*) override { return unasked(); }
  Status varlen(const Column&, RowRange, codec::VarlenBuffer*) override { return unasked(); }
  Status validity(const Column&, RowRange, uint8_t*) override { return unasked(); }
  BlockBounds bounds(const Column*, uint64_t) override { return {}; }

  uint64_t fails_ = 0;

 private:
  static Status unasked() { return Status::schema("nobody needs this to find hot values"); }
  const std::vector<uint64_t> values_;
  const bool has_column_;
  SourceStats stats_;
};

Schema schema_of(Type type) {
  Schema schema;
  Column& column = schema.columns.emplace_back();
  column.name = "item";
  column.id = 1;
  column.type = type;
  return schema;
}

using Hot = std::shared_ptr<const codec::HotCodes>;

Result<Hot> find(Type type, std::vector<Source*> sources, uint64_t events_per_run) {
  TSFEAT_ASSIGN(const std::vector<Hot> hot, find_hot_values(schema_of(type), sources, events_per_run));
  EXPECT_EQ(hot.size(), 1U);
  return hot[0];
}

// So many in ten are of a hundred popular values, the others are seen once each.
std::vector<uint64_t> some_popular(uint64_t rows, uint64_t seed, uint64_t in_ten = 3) {
  std::mt19937_64 random(seed);
  std::vector<uint64_t> values(rows);
  for (uint64_t row = 0; row < rows; ++row)
    values[row] = row % 10 < in_ten ? (1 + random() % 100) * 0x9e3779b97f4a7c15u : random();
  return values;
}

TEST(HotValues, AreFoundAmongMoreValuesThanAreCounted) {
  constexpr uint64_t kRows = 500'000;
  Numbers numbers(some_popular(kRows, 1));
  const Hot hot = *find(Type::kUint64, {&numbers}, kRows);
  ASSERT_NE(hot, nullptr);
  EXPECT_EQ(hot->size(), 100U);
  for (uint64_t i = 1; i <= 100; ++i) EXPECT_LT(hot->code(i * 0x9e3779b97f4a7c15u), 100U) << i;
}

TEST(HotValues, OfNarrowColumns) {
  constexpr uint64_t kRows = 40'000;
  Numbers numbers(some_popular(kRows, 2, 6));
  const Hot hot = *find(Type::kUint32, {&numbers}, kRows);
  ASSERT_NE(hot, nullptr);
  EXPECT_EQ(hot->width(), 4U);
}

TEST(HotValues, ThereAreNone) {
  constexpr uint64_t kRows = 40'000;
  Numbers few(some_popular(10, 3));
  EXPECT_EQ(*find(Type::kUint64, {&few}, 10), nullptr) << "too few events";
  Numbers numbers(some_popular(kRows, 3));
  EXPECT_EQ(*find(Type::kUint64, {&numbers}, 100), nullptr) << "too few in each run";
  EXPECT_EQ(*find(Type::kUint16, {&numbers}, kRows), nullptr) << "too narrow";
  Numbers without(some_popular(kRows, 3), false);
  EXPECT_EQ(*find(Type::kUint64, {&without}, kRows), nullptr) << "no run has the column";
  std::mt19937_64 random(4);
  std::vector<uint64_t> different(kRows);
  for (uint64_t& value : different) value = random();
  Numbers strangers(different);
  EXPECT_EQ(*find(Type::kUint64, {&strangers}, kRows), nullptr) << "no value is seen twice";
}

TEST(HotValues, ARunThatCannotBeReadIsAnError) {
  constexpr uint64_t kRows = 40'000;
  Numbers numbers(some_popular(kRows, 5));
  for (uint64_t call = 1;; call += 9) {
    numbers.fails_ = call;
    const Result<Hot> hot = find(Type::kUint64, {&numbers}, kRows);
    if (hot.ok()) {
      EXPECT_GT(call, 40U);
      return;
    }
    ASSERT_EQ(hot.status().error_number(), EIO);
  }
}

}  // namespace
}  // namespace tsfeat
