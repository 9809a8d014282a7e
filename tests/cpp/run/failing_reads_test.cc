// Each call of a run's file fails once in all that reads it. What comes back is that error, and the next try answers:
// nothing half read is taken for an answer.
#include "run/failing.h"
#include "run/salvage.h"

namespace tsfeat::testing {
namespace {

template <typename T>
void add(const std::vector<T>& values, std::string* out) {
  out->append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// A question to a source, about these events.
using Ask = std::function<Result<std::string>(Source&, const Events&)>;

Result<std::string> column_of(Source& source, const Column& column, RowRange rows) {
  std::string out(rows.size() * column.width() + rows.size(), '\0');
  auto* const bytes = reinterpret_cast<uint8_t*>(out.data());
  TSFEAT_TRY(source.validity(column, rows, bytes));
  if (!is_varlen(column.type)) {
    TSFEAT_TRY(source.fixed(column, rows, bytes + rows.size()));
    return out;
  }
  codec::VarlenBuffer values;
  TSFEAT_TRY(source.varlen(column, rows, &values));
  add(values.offsets, &out);
  return out + values.data;
}

Result<std::string> columns_of(Source& source, const Events& events) {
  std::string out;
  for (const Column& column : events.schema->columns) {
    TSFEAT_ASSIGN(const std::string values, column_of(source, column, {0, events.size()}));
    out += values;
  }
  return out;
}

Result<std::string> located(Source& source, const Events& events) {
  std::vector<Probe> probes;
  for (size_t i = 0; i < events.keys.size(); ++i) probes.push_back({events.key(i)});
  std::vector<RowRange> answers(probes.size());
  TSFEAT_TRY(source.locate(probes, answers));
  std::string out;
  for (const RowRange& rows : answers) out += std::to_string(rows.begin) + '-' + std::to_string(rows.end) + ' ';
  return out;
}

Result<std::string> walked(Source& source, const Events&) {
  std::string out;
  for (const auto cursor = source.walk();;) {
    TSFEAT_ASSIGN(const bool more, cursor->next());
    if (!more) return out;
    uint8_t room[8];
    const Bytes key = cursor->key().bytes(room);
    out.append(key.begin(), key.end());
    out += std::to_string(cursor->rows().end) + ' ';
  }
}

Result<std::string> sought(Source& source, const Events& events) {
  std::string out;
  for (size_t i = 0; i < events.keys.size(); ++i) {
    TSFEAT_ASSIGN(const uint64_t row, source.seek(events.rows(i), 100));
    out += std::to_string(row) + ' ';
  }
  return out;
}

Result<std::string> rows_of(Source& source, const Events& events) {
  std::vector<int64_t> times(events.size());
  std::vector<uint64_t> versions(events.size());
  TSFEAT_TRY(source.versions({0, events.size()}, versions.data()));
  TSFEAT_TRY(source.times({0, events.size()}, times.data()));
  std::string out;
  add(times, &out);
  add(versions, &out);
  return out;
}

// Pieces of one source and another by turns, so that strings are dealt out too.
Result<std::string> decoded(Source& source, const Events& events) {
  VectorSource other(events);
  std::vector<Slice> slices;
  for (uint64_t row = 0; row + 5 <= events.size(); row += 5) {
    slices.push_back({&source, {row, row + 5}});
    slices.push_back({&other, {row, row + 2}});
  }
  SliceDecoder decoder;
  decoder.start(slices);
  std::vector<int64_t> times(decoder.events());
  std::vector<uint64_t> versions(decoder.events());
  TSFEAT_TRY(decoder.versions(versions.data()));
  TSFEAT_TRY(decoder.times(times.data()));
  std::string out;
  add(times, &out);
  add(versions, &out);
  for (const Column& column : events.schema->columns) {
    std::vector<uint8_t> fixed(decoder.events() * column.width()), validity(decoder.events());
    codec::VarlenBuffer values;
    TSFEAT_TRY(decoder.column(column, {fixed.data(), &values, validity.data()}));
    add(fixed, &out);
    add(validity, &out);
    add(values.offsets, &out);
    out += values.data;
  }
  return out;
}

const std::pair<const char*, Ask> kQuestions[] = {{"locate", located},     {"walk", walked},  {"seek", sought},
                                                  {"columns", columns_of}, {"rows", rows_of}, {"decode", decoded}};

class FailingReads : public RunThatFails {};

TEST_P(FailingReads, ASourceGivesTheErrorThenTheAnswer) {
  for (const auto& [name, ask] : kQuestions) {
    SCOPED_TRACE(name);
    VectorSource oracle(events_);
    const std::string expected = *ask(oracle, events_);
    for (const bool bypass : {false, true}) {
      for (const uint64_t cache_bytes : {1, 8 << 20}) {
        if (cache_bytes != 1 && std::string_view(name) == "locate") continue;  // the directory was read at the open
        std::shared_ptr<tsfeat::Run> run;
        std::unique_ptr<Source> source;
        const auto prepare = [&]() -> Status {
          source.reset();
          TSFEAT_ASSIGN(run, open(cache_bytes));
          source = run->source(bypass);
          return {};
        };
        const auto attempt = [&]() -> Status {
          const Result<std::string> answer = ask(*source, events_);
          if (answer.ok()) {
            EXPECT_EQ(*answer, expected);
          }
          return answer.status();
        };
        fail_each_call(prepare, attempt, [&] {
          const Result<std::string> again = ask(*source, events_);
          EXPECT_TRUE(again.ok()) << again.status().message();
          EXPECT_EQ(*again, expected);
        });
        source.reset();
        if (HasFailure()) return;
      }
    }
  }
}

TEST_P(FailingReads, Open) {
  // The directory is brought into the cache then, if it is small: whether that fails is no matter.
  const Result<std::shared_ptr<tsfeat::Run>> run = open(1);
  ASSERT_TRUE(run.ok());
  fail_each_call([] { return Status(); }, [&] { return open(1).status(); });
}

TEST_P(FailingReads, WhatCannotBePreloadedIsReadLater) {
  for (uint64_t call = 1; call < 8; ++call) {
    const auto run = *open(64 << 20);
    faulty_->fail_after(call, EIO, true);
    run->preload();
    faulty_->fail_after(0, 0, true);
    ASSERT_TRUE(compare_all(events_, *run->source(), 1).ok()) << call;
  }
}

// Damage is reported and passed over; what the system refuses ends the check.
TEST_P(FailingReads, Verify) {
  std::shared_ptr<tsfeat::Run> run;
  const auto prepare = [&]() -> Status {
    TSFEAT_ASSIGN(run, open(1));
    return {};
  };
  fail_each_call(prepare, [&] {
    std::vector<Run::Problem> problems;
    const Status status = run->verify(&problems);
    EXPECT_TRUE(problems.empty());
    return status;
  });
}

TEST_P(FailingReads, Salvage) {
  const auto salvage = [&] { return salvage_run(*faulty_, kRunPath, meta_, *events_.schema, BlockCache::create(1)); };
  const auto nothing = [] { return Status(); };
  fail_each_call(nothing, [&]() -> Status {
    TSFEAT_ASSIGN(const SalvagedRun salvaged, salvage());
    EXPECT_TRUE(salvaged.lost.empty());
    EXPECT_EQ(salvaged.events, events_.size());
    return {};
  });
  std::optional<SalvagedRun> salvaged;
  for (const auto& [name, ask] : kQuestions) {
    if (std::string_view(name) == "locate") {  // it is for merging
      EXPECT_EQ(ask(*salvage()->source, events_).status().code(), Code::kStorage);
      continue;
    }
    SCOPED_TRACE(name);
    VectorSource oracle(events_);
    const std::string expected = *ask(oracle, events_);
    const auto prepare = [&]() -> Status {
      TSFEAT_ASSIGN(salvaged, salvage());
      return {};
    };
    fail_each_call(prepare, [&]() -> Status {
      TSFEAT_ASSIGN(const std::string answer, ask(*salvaged->source, events_));
      EXPECT_EQ(answer, expected);
      return {};
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Looks, FailingReads, ::testing::ValuesIn(kLooks),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace tsfeat::testing
