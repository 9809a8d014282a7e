#include "catalog/manifest.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "schema/random_schema.h"
#include "vfs/memory.h"

namespace tsfeat {
namespace {

using schema_testing::random_schema;
using schema_testing::random_text;

TableRecord random_table(std::mt19937_64& random, uint32_t id, uint64_t* next_file) {
  TableRecord table;
  table.id = id;
  table.name = "table " + std::to_string(id);
  table.schema = random_schema(random);
  if (random() % 3 != 0) {
    Retention retention;
    if (random() % 2 == 0) retention.max_age = static_cast<int64_t>(random() >> 1);
    if (random() % 2 == 0) retention.max_events = random();
    retention.min_events = random();
    retention.history = static_cast<int64_t>(random() >> 1);
    retention.event_clock = random() % 2 == 0;
    table.retention = retention;
  }
  table.version = random();
  if (random() % 2 == 0) table.newest_time = static_cast<int64_t>(random());
  table.events_appended = random();
  table.horizon_time = static_cast<int64_t>(random());
  table.horizon_version = random();
  table.reclaimed_at = static_cast<int64_t>(random());
  for (uint64_t i = random() % 5; i > 0; --i) {
    table.wall_clock.add(100 - i, static_cast<int64_t>(1000 - 10 * i));
    table.event_clock.add(100 - i, static_cast<int64_t>(i % 2 * 50));
    table.positions[random_text(random, 20)] = static_cast<int64_t>(random());
    table.categories[static_cast<uint32_t>(i)] = {"", random_text(random, 9), random_text(random, 300)};
  }
  DeleteRecord erasure{id, random(), {}};
  for (uint64_t i = random() % 4; i > 0; --i)
    erasure.erasures.push_back({random_text(random, 12), static_cast<int64_t>(random()), i == 2});
  table.tombstones = table.tombstones->with(erasure);
  for (uint64_t i = random() % 4; i > 0; --i) {
    RunMeta run;
    run.number = (*next_file)++;
    run.level = static_cast<uint32_t>(random() % 5);
    run.bytes = random();
    run.keys = random();
    run.stats = {random(), static_cast<int64_t>(random()), static_cast<int64_t>(random()), random(), random()};
    table.runs.push_back(run);
  }
  return table;
}

Manifest random_manifest(std::mt19937_64& random, uint64_t tables) {
  Manifest manifest;
  manifest.store_id = "0123456789abcdef";
  manifest.generation = random();
  manifest.log_number = random();
  for (uint32_t id = 1; id <= tables; ++id)
    manifest.tables.push_back(random_table(random, id, &manifest.next_file_number));
  manifest.next_table_id = static_cast<uint32_t>(tables) + 1;
  for (uint32_t id = 1; tables > 0 && id <= random() % 4; ++id) {
    uint32_t version = 0;
    for (uint64_t left = random() % 3 + 1; left > 0; --left) {
      version += static_cast<uint32_t>(random() % 2) + 1;
      const auto table = static_cast<uint32_t>(random() % tables) + 1;
      manifest.views.push_back({id, "view " + std::to_string(id), version, table, random_text(random, 60)});
    }
    manifest.next_view_id = id + 1;
  }
  return manifest;
}

TEST(Manifest, SurvivesEncoding) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 100; ++round) {
    const Manifest manifest = random_manifest(random, random() % 5);
    const std::string bytes = encode_manifest(manifest);
    const Result<Manifest> decoded = decode_manifest(as_bytes(bytes));
    ASSERT_TRUE(decoded.ok()) << decoded.status().message();
    EXPECT_EQ(encode_manifest(*decoded), bytes);
    EXPECT_EQ(decoded->generation, manifest.generation);
    EXPECT_EQ(decoded->next_file_number, manifest.next_file_number);
    EXPECT_EQ(decoded->log_number, manifest.log_number);
    ASSERT_EQ(decoded->tables.size(), manifest.tables.size());
    for (size_t i = 0; i < manifest.tables.size(); ++i) {
      const TableRecord& wanted = manifest.tables[i];
      const TableRecord& found = decoded->tables[i];
      EXPECT_EQ(found.name, wanted.name);
      EXPECT_EQ(found.retention, wanted.retention);
      EXPECT_EQ(found.newest_time, wanted.newest_time);
      EXPECT_EQ(found.positions, wanted.positions);
      EXPECT_EQ(found.categories, wanted.categories);
      EXPECT_EQ(found.tombstones->count(), wanted.tombstones->count());
      EXPECT_EQ(found.horizon_version, wanted.horizon_version);
      EXPECT_EQ(found.reclaimed_at, wanted.reclaimed_at);
      EXPECT_EQ(found.wall_clock.last_clock(), wanted.wall_clock.last_clock());
      EXPECT_EQ(found.runs.size(), wanted.runs.size());
    }
    EXPECT_EQ(decoded->next_view_id, manifest.next_view_id);
    ASSERT_EQ(decoded->views.size(), manifest.views.size());
    for (size_t i = 0; i < manifest.views.size(); ++i) {
      EXPECT_EQ(decoded->views[i].name, manifest.views[i].name);
      EXPECT_EQ(decoded->views[i].version, manifest.views[i].version);
      EXPECT_EQ(decoded->views[i].specification, manifest.views[i].specification);
    }
  }
}

TEST(Manifest, EveryChangedByteIsFound) {
  std::mt19937_64 random(2);
  const std::string bytes = encode_manifest(random_manifest(random, 2));
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const int change : {1, 0x80, 0xFF}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ change);
      EXPECT_EQ(decode_manifest(as_bytes(changed)).status().code(), Code::kCorruption) << at;
    }
    EXPECT_EQ(decode_manifest(as_bytes(bytes).first(at)).status().code(), Code::kCorruption) << at;
  }
  EXPECT_FALSE(decode_manifest(as_bytes(bytes + '\0')).ok());
}

// With the checksums made good again: what a hostile hand, or a bug, would write.
std::string resealed(std::string bytes) {
  store(bytes.data() + 12, crc32c(as_bytes(bytes).first(12)));
  store(bytes.data() + bytes.size() - 4, crc32c(as_bytes(bytes).first(bytes.size() - 4)));
  return bytes;
}

TEST(Manifest, HostileBytesAreRefusedOrSound) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 6; ++round) {
    const std::string bytes = encode_manifest(random_manifest(random, 2));
    for (size_t at = 24; at + 4 < bytes.size(); ++at) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(random());
      const Result<Manifest> decoded = decode_manifest(as_bytes(resealed(changed)));
      if (!decoded.ok()) {
        EXPECT_EQ(decoded.status().code(), Code::kCorruption);
      }
    }
  }
}

TEST(Manifest, ANewerFormatIsRefused) {
  std::mt19937_64 random(4);
  std::string bytes = encode_manifest(random_manifest(random, 1));
  store(bytes.data() + 8, kFormatVersion + 1);
  const Status status = decode_manifest(as_bytes(resealed(bytes))).status();
  EXPECT_EQ(status.code(), Code::kStorage);
  EXPECT_NE(status.message().find("newer tsfeat"), std::string::npos);
}

TEST(Manifest, OtherFormatsAreRefusedByName) {
  std::mt19937_64 random(7);
  for (const uint32_t format : {kFormatVersion - 1, kFormatVersion + 1}) {
    std::string bytes = encode_manifest(random_manifest(random, 2));
    store(bytes.data() + 8, format);
    const Result<Manifest> decoded = decode_manifest(as_bytes(resealed(bytes)));
    ASSERT_EQ(decoded.status().code(), Code::kStorage);
    EXPECT_NE(decoded.status().message().find("has format " + std::to_string(format)), std::string::npos);
  }
}

RunMeta run_of(uint64_t number) {
  RunMeta run;
  run.number = number;
  return run;
}

TEST(Manifest, ContradictionsAreRefused) {
  std::mt19937_64 random(5);
  const Manifest good = random_manifest(random, 2);
  const auto refuses = [&](const auto& change) {
    Manifest bad = good;
    change(bad);
    return decode_manifest(as_bytes(encode_manifest(bad))).status().code() == Code::kCorruption;
  };
  EXPECT_FALSE(refuses([](Manifest&) {}));
  EXPECT_TRUE(refuses([](Manifest& manifest) { manifest.tables[1].name = manifest.tables[0].name; }));
  EXPECT_TRUE(refuses([](Manifest& manifest) { manifest.tables[1].id = manifest.next_table_id; }));
  EXPECT_TRUE(refuses([](Manifest& manifest) { manifest.tables[0].runs = {run_of(manifest.next_file_number)}; }));
  EXPECT_TRUE(refuses([](Manifest& manifest) {
    manifest.next_file_number = 10;
    manifest.tables[0].runs = {run_of(3)};
    manifest.tables[1].runs = {run_of(3)};
  }));
}

TEST(Manifest, ContradictoryViewsAreRefused) {
  std::mt19937_64 random(8);
  Manifest good = random_manifest(random, 2);
  good.views = {{1, "a", 1, 1, "x"}, {1, "a", 2, 2, "y"}, {3, "b", 1, 1, "x"}};
  good.next_view_id = 4;
  const auto refuses = [&](const auto& change) {
    Manifest bad = good;
    change(bad.views, bad.next_view_id);
    return decode_manifest(as_bytes(encode_manifest(bad))).status().code() == Code::kCorruption;
  };
  using Views = std::vector<NamedView>;
  EXPECT_FALSE(refuses([](Views&, uint32_t&) {}));
  EXPECT_TRUE(refuses([](Views&, uint32_t& next) { next = 3; }));
  EXPECT_TRUE(refuses([](Views& views, uint32_t&) { views[1].version = 1; }));
  EXPECT_TRUE(refuses([](Views& views, uint32_t&) { views[0].version = 0; }));
  EXPECT_TRUE(refuses([](Views& views, uint32_t&) { views[1].name = "c"; }));
  EXPECT_TRUE(refuses([](Views& views, uint32_t&) { views[2].name = "a"; }));
  EXPECT_TRUE(refuses([](Views& views, uint32_t&) { std::swap(views[0], views[2]); }));
  EXPECT_TRUE(refuses([](Views& views, uint32_t&) { views[2].table_id = 3; }));
  EXPECT_TRUE(refuses([](Views& views, uint32_t&) { views[2].name.clear(); }));
}

TEST(Manifest, IsReplacedWholeOrNotAtAll) {
  std::mt19937_64 random(6);
  const Manifest before = random_manifest(random, 1);
  const Manifest after = random_manifest(random, 2);
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const auto disk = MemoryVfs::create(seed);
    EXPECT_EQ(load_manifest(*disk, "d").status().code(), Code::kNotFound);
    ASSERT_TRUE(disk->make_directory("d").ok());
    ASSERT_TRUE(disk->sync_directory("/").ok());
    ASSERT_TRUE(save_manifest(*disk, "d", before).ok());
    ASSERT_TRUE(save_manifest(*disk, "d", after).ok());
    const Result<Manifest> found = load_manifest(*disk->power_loss(Survival::kNone), "d");
    ASSERT_TRUE(found.ok()) << found.status().message();
    EXPECT_EQ(found->generation, after.generation);
  }
}

TEST(Manifest, FileNames) {
  EXPECT_EQ(run_name(7), "000000000007.run");
  EXPECT_EQ(log_name(1'234'567'890'123), "1234567890123.log");
  for (const uint64_t number : {uint64_t{0}, uint64_t{7}, uint64_t{999'999'999'999}, uint64_t{1'234'567'890'123}}) {
    EXPECT_EQ(run_number(run_name(number)), number);
    EXPECT_EQ(log_number(log_name(number)), number);
    EXPECT_EQ(run_number(log_name(number)), std::nullopt);
  }
  for (const char* name :
       {"", "7.run", "MANIFEST", "00000000000x.run", "000000000007.run.tmp", "99999999999999999999999.run", ".run"}) {
    EXPECT_EQ(run_number(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace tsfeat
