#include "catalog/tombstones.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

#include "schema/types.h"

namespace tsfeat {
namespace {

using ListOfErasures = std::vector<std::tuple<std::string, int64_t, uint64_t>>;  // key, until, version

DeleteRecord random_record(std::mt19937_64& random, uint64_t version) {
  DeleteRecord record{1, version, {}};
  for (uint64_t i = random() % 4; i > 0; --i) {
    const int64_t before = random() % 8 == 0 ? kMinTime : static_cast<int64_t>(random() % 20);
    record.erasures.push_back(
        {std::string(1 + random() % 12, static_cast<char>('a' + random() % 3)), before, random() % 4 == 0});
  }
  return record;
}

void add(const DeleteRecord& record, ListOfErasures* model) {
  for (const auto& erasure : record.erasures) {
    if (!erasure.everything && erasure.before == kMinTime) continue;
    model->emplace_back(erasure.key, erasure.everything ? kMaxTime : erasure.before - 1, record.version);
  }
}

bool erased(const ListOfErasures& model, const std::string& key, int64_t time, uint64_t version) {
  return std::any_of(model.begin(), model.end(), [&](const auto& mark) {
    return std::get<0>(mark) == key && time <= std::get<1>(mark) && version <= std::get<2>(mark);
  });
}

void expect_same(const ListOfErasures& model, const Tombstones& found) {
  EXPECT_EQ(found.empty(), model.empty());
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    for (size_t size = 1; size <= 13; ++size) {
      const std::string key(size, letter);
      std::vector<Mark> marks;
      found.find(KeyView::from_bytes(as_bytes(key)), &marks);
      for (int64_t time = -1; time <= 20; time += 3) {
        for (uint64_t version = 0; version < 45; version += 4) {
          const bool gone =
              std::any_of(marks.begin(), marks.end(), [&](const Mark& mark) { return mark.erases(time, version); });
          ASSERT_EQ(gone, erased(model, key, time, version));
        }
      }
    }
  }
}

TEST(Tombstones, AgreeWithAList) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 12; ++round) {
    ListOfErasures model;
    std::shared_ptr<const Tombstones> all = Tombstones::none();
    ListOfErasures old_model;
    std::shared_ptr<const Tombstones> old = all;
    for (uint64_t version = 1; version <= 40; ++version) {
      const DeleteRecord record = random_record(random, version);
      all = all->with(record);
      add(record, &model);
      if (random() % 4 == 0) all = all->with(record);  // a log replayed onto a manifest that has it
      if (version == 20) {
        old = all;
        old_model = model;
      }
    }
    expect_same(model, *all);
    expect_same(old_model, *old);  // an extension leaves what it extends as it was

    ListOfErasures rest;
    for (const auto& mark : model) {
      if (std::find(old_model.begin(), old_model.end(), mark) == old_model.end()) rest.push_back(mark);
    }
    expect_same(rest, *all->without(*old));
    expect_same(old_model, *old->without(*Tombstones::none()));
    EXPECT_TRUE(all->without(*all)->empty());
    EXPECT_TRUE(old->without(*all)->empty());

    std::string bytes;
    all->encode(&bytes);
    ByteReader in(as_bytes(bytes));
    const auto decoded = Tombstones::decode(in);
    ASSERT_TRUE(decoded.ok());
    EXPECT_TRUE(in.done());
    expect_same(model, **decoded);
    std::string again;
    (*decoded)->encode(&again);
    EXPECT_EQ(again, bytes);
    for (size_t size = 0; size < bytes.size(); ++size) {
      ByteReader cut(as_bytes(bytes).first(size));
      EXPECT_FALSE(Tombstones::decode(cut).ok());
    }
  }
}

TEST(Tombstones, ManySmallErasuresMakeFewLayers) {
  std::shared_ptr<const Tombstones> all = Tombstones::none();
  for (uint64_t i = 0; i < 5000; ++i) all = all->with({1, i, {{std::to_string(i), 0, true}}});
  EXPECT_EQ(all->count(), 5000U);
  EXPECT_GT(all->memory_bytes(), 5000U * sizeof(Mark));
  std::vector<Mark> marks;
  all->find(KeyView::from_bytes(as_bytes("4321")), &marks);
  ASSERT_EQ(marks.size(), 1U);
  EXPECT_EQ(marks[0].version, 4321U);
}

TEST(Tombstones, OutOfOrderBytesAreRefused) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.varint(2);
  for (const char* key : {"b", "a"}) {
    out.text(key);
    out.fixed<int64_t>(0);
    out.fixed<uint64_t>(0);
  }
  ByteReader in(as_bytes(bytes));
  EXPECT_EQ(Tombstones::decode(in).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace tsfeat
