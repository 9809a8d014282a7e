#include "sample.h"

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "read/merge.h"

namespace bench {
namespace {

constexpr uint64_t kBatch = 1000;
constexpr uint64_t kAllVersions = uint64_t{1} << 40;

template <typename T>
T take(tsfeat::Result<T> result) {
  if (!result.ok()) std::abort();
  return std::move(*result);
}
void check(const tsfeat::Status& status) {
  if (!status.ok()) std::abort();
}

}  // namespace

std::shared_ptr<const tsfeat::Schema> sample_schema() {
  auto schema = std::make_shared<tsfeat::Schema>();
  schema->key_name = "user";
  schema->time_name = "ts";
  const std::pair<const char*, tsfeat::Type> columns[] = {{"item", tsfeat::Type::kUint64},
                                                          {"type", tsfeat::Type::kUint8},
                                                          {"dwell", tsfeat::Type::kUint32},
                                                          {"score", tsfeat::Type::kFloat32}};
  for (const auto& [name, type] : columns) {
    tsfeat::Column& column = schema->columns.emplace_back();
    column.id = schema->next_column_id++;
    column.name = name;
    column.type = type;
  }
  return schema;
}

std::shared_ptr<tsfeat::Memtable> sample_memtable(uint64_t users, uint64_t events, uint64_t part) {
  std::mt19937_64 random(part + 1);
  std::lognormal_distribution<double> dwell(std::log(8000.0), 1.2);
  std::discrete_distribution<int> type({.55, .2, .1, .06, .04, .03, .015, .005});
  std::normal_distribution<float> normal;
  auto memtable = tsfeat::Memtable::create(sample_schema());
  std::vector<uint64_t> keys(kBatch), items(kBatch);
  std::vector<int64_t> times(kBatch);
  std::vector<uint8_t> types(kBatch);
  std::vector<uint32_t> dwells(kBatch);
  std::vector<float> scores(kBatch);
  for (uint64_t begin = 0; begin < events; begin += kBatch) {
    for (uint64_t i = 0; i < kBatch; ++i) {
      keys[i] = random() % users * 2;
      times[i] = static_cast<int64_t>(1'700'000'000'000 + (begin + i) * 400 + part);
      items[i] = (random() % 1'000'000 + 1) * 0x9e3779b97f4a7c15;
      types[i] = static_cast<uint8_t>(type(random));
      dwells[i] = static_cast<uint32_t>(dwell(random));
      scores[i] = 1 / (1 + std::exp(-normal(random)));
    }
    tsfeat::Batch batch;
    batch.rows = kBatch;
    batch.keys.fixed = reinterpret_cast<const uint8_t*>(keys.data());
    batch.times = times.data();
    batch.columns.resize(4);
    batch.columns[0].fixed = reinterpret_cast<const uint8_t*>(items.data());
    batch.columns[1].fixed = types.data();
    batch.columns[2].fixed = reinterpret_cast<const uint8_t*>(dwells.data());
    batch.columns[3].fixed = reinterpret_cast<const uint8_t*>(scores.data());
    memtable->insert(batch, part * events + begin + 1);
  }
  return memtable;
}

std::shared_ptr<tsfeat::Run> sample_run(tsfeat::Vfs& vfs, std::shared_ptr<tsfeat::BlockCache> cache, uint64_t users,
                                        uint64_t events, uint64_t part) {
  const auto memtable = sample_memtable(users, events, part);
  const std::string path = "/sample/" + std::to_string(part) + ".run";
  check(vfs.make_directory("/sample"));
  tsfeat::RunOptions options;
  options.effort = tsfeat::codec::Effort::kSmall;
  const auto writer = take(tsfeat::RunWriter::create(vfs, path, part, sample_schema(), options));
  const auto source = memtable->source(kAllVersions);
  const auto merge = take(tsfeat::KeyMerge::create({source.get()}));
  while (take(merge->next())) check(writer->append(merge->key(), merge->parts()));
  const tsfeat::RunMeta meta = take(writer->finish());
  return take(tsfeat::Run::open(vfs, path, meta, sample_schema(), std::move(cache)));
}

}  // namespace bench
