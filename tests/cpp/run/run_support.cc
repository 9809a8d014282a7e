#include "run/run_support.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace tsfeat::testing {

std::unique_ptr<MemoryVfs> make_disk() {
  auto disk = MemoryVfs::create(1);
  EXPECT_TRUE(disk->make_directory("/store").ok());
  return disk;
}

RunMeta copy_run(Vfs& vfs, Source& from, std::shared_ptr<const Schema> schema, const RunOptions& options,
                 const std::string& path, uint64_t number) {
  auto writer = RunWriter::create(vfs, path, number, std::move(schema), options);
  EXPECT_TRUE(writer.ok()) << writer.status().message();
  if (!writer.ok()) return {};
  const auto cursor = from.walk();
  for (;;) {
    const Result<bool> more = cursor->next();
    EXPECT_TRUE(more.ok()) << more.status().message();
    if (!more.ok() || !*more) break;
    const RowRange rows = cursor->rows();
    const uint64_t middle = rows.begin + rows.size() / 3;  // as two slices
    const Slice slices[] = {{&from, {rows.begin, middle}}, {&from, {middle, rows.end}}};
    const Status status = (*writer)->append(cursor->key(), slices);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  const Result<RunMeta> meta = (*writer)->finish();
  EXPECT_TRUE(meta.ok()) << meta.status().message();
  return meta.ok() ? *meta : RunMeta{};
}

RunMeta write_run(Vfs& vfs, const Events& events, const RunOptions& options, const std::string& path, uint64_t number) {
  VectorSource source(events);
  return copy_run(vfs, source, events.schema, options, path, number);
}

namespace {

RowRange random_piece(std::mt19937_64& random, RowRange rows) {
  const uint64_t a = rows.begin + random() % (rows.size() + 1);
  const uint64_t b = rows.begin + random() % (rows.size() + 1);
  return {std::min(a, b), std::max(a, b)};
}

Status compare_columns(const Events& expected, Source& source, RowRange rows) {
  VectorSource oracle(expected);
  for (const Column& column : expected.schema->columns) {
    EXPECT_TRUE(source.has_column(column.id));
    std::vector<uint8_t> valid(rows.size(), 7), valid_expected(rows.size());
    TSFEAT_TRY(source.validity(column, rows, valid.data()));
    EXPECT_TRUE(oracle.validity(column, rows, valid_expected.data()).ok());
    EXPECT_EQ(valid, valid_expected);
    if (is_varlen(column.type)) {
      codec::VarlenBuffer found, wanted;
      TSFEAT_TRY(source.varlen(column, rows, &found));
      EXPECT_TRUE(oracle.varlen(column, rows, &wanted).ok());
      EXPECT_EQ(found.offsets, wanted.offsets);
      EXPECT_EQ(found.data, wanted.data);
    } else {
      std::vector<uint8_t> found(rows.size() * column.width()), wanted(found.size());
      TSFEAT_TRY(source.fixed(column, rows, found.data()));
      EXPECT_TRUE(oracle.fixed(column, rows, wanted.data()).ok());
      EXPECT_EQ(found, wanted) << type_name(column.type);
    }
  }
  return {};
}

Status compare_rows(const Events& expected, Source& source, RowRange rows) {
  std::vector<int64_t> times(rows.size());
  std::vector<uint64_t> versions(rows.size());
  TSFEAT_TRY(source.times(rows, times.data()));
  TSFEAT_TRY(source.versions(rows, versions.data()));
  for (uint64_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(times[i], expected.times[rows.begin + i]);
    EXPECT_EQ(versions[i], expected.versions[rows.begin + i]);
  }
  return compare_columns(expected, source, rows);
}

// Places for the slices, in any order, without gaps.
std::vector<uint64_t> shuffled_places(std::span<const Slice> slices, std::mt19937_64& random) {
  std::vector<size_t> order(slices.size());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  std::vector<uint64_t> places(slices.size());
  uint64_t at = 0;
  for (const size_t i : order) {
    places[i] = at;
    at += slices[i].rows.size();
  }
  return places;
}

// Many ranges at once, of all lengths and in any order, some of them overlapping, to places in order or not, through a
// decoder that alternates between the source and its oracle: all ways give what single ranges give.
Status compare_aimed(const Events& expected, Source& source, std::mt19937_64& random) {
  VectorSource oracle(expected);
  for (const bool alternates : {false, true}) {
    std::vector<Slice> slices, wanted;
    uint64_t next = random() % expected.size();
    for (size_t i = 0; i < 40; ++i) {
      if (random() % 4 == 0 || next >= expected.size()) next = random() % expected.size();  // else a little further on
      const uint64_t most = random() % 3 == 0 ? 300 : 3;
      const RowRange rows{next, std::min(expected.size(), next + random() % (most + 1))};
      next = random() % 3 == 0 ? rows.begin + random() % (rows.size() + 1) : rows.end + random() % 4;
      slices.push_back({alternates && random() % 2 == 0 ? &oracle : &source, rows});
      wanted.push_back({&oracle, rows});
    }
    const std::vector<uint64_t> places = random() % 2 == 0 ? shuffled_places(slices, random) : std::vector<uint64_t>();
    SliceDecoder found_by, wanted_by;
    wanted_by.start(wanted, 0, places);
    const uint64_t events = wanted_by.events();
    std::vector<int64_t> wanted_times(events), times(events);
    std::vector<uint64_t> wanted_versions(events), versions(events);
    TSFEAT_TRY(wanted_by.times(wanted_times.data()));
    TSFEAT_TRY(wanted_by.versions(wanted_versions.data()));
    std::vector<std::string> wanted_values;
    const auto values = [&](SliceDecoder& decoder, const Column& column) -> Result<std::string> {
      std::string fixed(events * column.width(), '\0');
      std::string validity(events, '\0');
      codec::VarlenBuffer varlen;
      TSFEAT_TRY(decoder.column(
          column, {reinterpret_cast<uint8_t*>(fixed.data()), &varlen, reinterpret_cast<uint8_t*>(validity.data())}));
      for (const int64_t end : varlen.offsets) varlen.data += " " + std::to_string(end);
      return fixed + validity + varlen.data;
    };
    for (const Column& column : expected.schema->columns) {
      TSFEAT_ASSIGN(wanted_values.emplace_back(), values(wanted_by, column));
    }
    found_by.start(slices, 0, places);
    EXPECT_EQ(found_by.events(), events);
    TSFEAT_TRY(found_by.times(times.data()));
    TSFEAT_TRY(found_by.versions(versions.data()));
    EXPECT_EQ(times, wanted_times);
    EXPECT_EQ(versions, wanted_versions);
    for (size_t c = 0; c < wanted_values.size(); ++c) {
      TSFEAT_ASSIGN(const std::string found, values(found_by, expected.schema->columns[c]));
      EXPECT_TRUE(found == wanted_values[c]) << type_name(expected.schema->columns[c].type);
    }
  }
  return {};
}

Status compare_bounds(const Events& expected, Source& source, uint64_t row) {
  for (size_t c = 0; c < expected.columns.size(); ++c) {
    const Column& column = expected.schema->columns[c];
    const BlockBounds block = source.bounds(&column, row);
    EXPECT_TRUE(block.rows.begin <= row && row < block.rows.end);
    for (uint64_t at = block.rows.begin; at < block.rows.end; ++at) {
      const Value& value = expected.columns[c][at];
      EXPECT_TRUE(value.valid || block.may_have_null);
      if (!value.valid || !block.bounded) continue;
      const auto* bytes = reinterpret_cast<const uint8_t*>(value.bytes.data());
      if (is_nan(column.type, bytes)) {
        EXPECT_TRUE(block.may_have_nan);
      } else {
        EXPECT_LE(block.min, order_bits(column.type, bytes));
        EXPECT_GE(block.max, order_bits(column.type, bytes));
      }
    }
  }
  const BlockBounds block = source.bounds(nullptr, row);
  for (uint64_t at = block.rows.begin; at < block.rows.end; ++at) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&expected.times[at]);
    EXPECT_TRUE(block.bounded && block.min <= order_bits(Type::kInt64, bytes) &&
                order_bits(Type::kInt64, bytes) <= block.max);
  }
  return {};
}

Status compare_lookups(const Events& expected, Source& source, std::mt19937_64& random) {
  std::vector<std::string> unknown;
  for (size_t i = 0; i < 40; ++i) {
    std::string key = expected.keys[random() % expected.keys.size()];
    if (is_varlen(expected.schema->key_type)) {
      key += static_cast<char>(random());
    } else {
      key[random() % 8] = static_cast<char>(random());
    }
    unknown.push_back(key);
  }
  std::vector<Probe> probes;
  for (size_t i = 0; i < expected.keys.size(); ++i) probes.push_back({expected.key(i)});
  for (const std::string& key : unknown) {
    KeyView view = KeyView::from_bytes(as_bytes(key));
    if (!is_varlen(expected.schema->key_type)) view = {view.prefix, nullptr, 8};
    probes.push_back({view});
  }
  std::shuffle(probes.begin(), probes.end(), random);
  std::vector<RowRange> found(probes.size(), {9, 9}), wanted(probes.size());
  TSFEAT_TRY(source.locate(probes, found));
  VectorSource oracle(expected);
  EXPECT_TRUE(oracle.locate(probes, wanted).ok());
  for (size_t i = 0; i < probes.size(); ++i) {
    EXPECT_EQ(found[i].size(), wanted[i].size());
    EXPECT_TRUE(wanted[i].size() == 0 || found[i].begin == wanted[i].begin);
  }
  return {};
}

}  // namespace

Status compare_all(const Events& expected, Source& source, uint64_t seed) {
  std::mt19937_64 random(seed);
  VectorSource oracle(expected);
  EXPECT_EQ(source.stats().events, oracle.stats().events);
  EXPECT_EQ(source.stats().min_time, oracle.stats().min_time);
  EXPECT_EQ(source.stats().max_version, oracle.stats().max_version);
  const auto cursor = source.walk();
  for (size_t i = 0;; ++i) {
    TSFEAT_ASSIGN(const bool more, cursor->next());
    EXPECT_EQ(more, i < expected.keys.size());
    if (!more || i >= expected.keys.size()) break;
    EXPECT_TRUE(cursor->key() == expected.key(i));
    EXPECT_EQ(cursor->rows().begin, expected.rows(i).begin);
    EXPECT_EQ(cursor->rows().end, expected.rows(i).end);
  }
  TSFEAT_TRY(compare_lookups(expected, source, random));
  TSFEAT_TRY(compare_rows(expected, source, {0, expected.size()}));
  for (int i = 0; i < 4; ++i) TSFEAT_TRY(compare_aimed(expected, source, random));
  for (int i = 0; i < 8; ++i) TSFEAT_TRY(compare_rows(expected, source, random_piece(random, {0, expected.size()})));
  for (int i = 0; i < 30; ++i) {
    const RowRange rows = expected.rows(random() % expected.keys.size());
    const RowRange piece = random_piece(random, rows);
    const int64_t time = static_cast<int64_t>(random() % 1'010) - 505;
    TSFEAT_ASSIGN(const uint64_t found, source.seek(piece, time));
    TSFEAT_ASSIGN(const uint64_t wanted, oracle.seek(piece, time));
    EXPECT_EQ(found, wanted);
    TSFEAT_TRY(compare_rows(expected, source, piece));
    TSFEAT_TRY(compare_bounds(expected, source, random() % expected.size()));
  }
  return {};
}

}  // namespace tsfeat::testing
