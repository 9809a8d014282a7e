// Each call of a run's file, and of the source of its events, fails once while the run is written: the writer gives
// that error, and says of no run that it is finished.
#include "run/failing.h"
#include "vfs/hooked.h"

namespace tsfeat::testing {
namespace {

// Fails in its turn, and otherwise answers as what it wraps.
class FailingSource final : public Source {
 public:
  explicit FailingSource(Source& wrapped) : wrapped_(wrapped) {}
  void fail_after(uint64_t calls) { left_ = calls; }
  const SourceStats& stats() const override { return wrapped_.stats(); }
  Status locate(std::span<const Probe> probes, std::span<RowRange> answers) override {
    TSFEAT_TRY(count());
    return wrapped_.locate(probes, answers);
  }
  std::unique_ptr<KeyCursor> walk() override { return wrapped_.walk(); }
  Result<uint64_t> seek(RowRange rows, int64_t time) override {
    TSFEAT_TRY(count());
    return wrapped_.seek(rows, time);
  }
  Status times(RowRange rows, int64_t* out) override {
    TSFEAT_TRY(count());
    return wrapped_.times(rows, out);
  }
  Status versions(RowRange rows, uint64_t* out) override {
    TSFEAT_TRY(count());
    return wrapped_.versions(rows, out);
  }
  bool has_column(uint32_t column_id) const override { return wrapped_.has_column(column_id); }
  Status fixed(const Column& column, RowRange rows, uint8_t* out) override {
    TSFEAT_TRY(count());
    return wrapped_.fixed(column, rows, out);
  }
  Status varlen(const Column& column, RowRange rows, codec::VarlenBuffer* out) override {
    TSFEAT_TRY(count());
    return wrapped_.varlen(column, rows, out);
  }
  Status validity(const Column& column, RowRange rows, uint8_t* out) override {
    TSFEAT_TRY(count());
    return wrapped_.validity(column, rows, out);
  }
  BlockBounds bounds(const Column* column, uint64_t row) override { return wrapped_.bounds(column, row); }

 private:
  Status count() {
    return left_ != 0 && --left_ == 0 ? Status::storage(EIO, "cannot ask a source (injected)") : Status();
  }
  Source& wrapped_;
  uint64_t left_ = 0;
};

class FailingWrites : public RunThatFails {};

Status write(Vfs& vfs, Source& from, const Events& events, const RunOptions& options, bool ends_rows) {
  static_cast<void>(vfs.remove(kRunPath));
  TSFEAT_ASSIGN(const auto writer, RunWriter::create(vfs, kRunPath, 7, events.schema, options));
  for (size_t i = 0; i < events.keys.size(); ++i) {
    const Slice slice{&from, events.rows(i)};
    TSFEAT_TRY(writer->append(events.key(i), {&slice, 1}));
    if (i % 8 == 7) TSFEAT_TRY(writer->end_page());
  }
  if (ends_rows) TSFEAT_TRY(writer->end_rows());
  return writer->finish().status();
}

TEST_P(FailingWrites, AWriterGivesTheErrorOfItsFile) {
  VectorSource source(events_);
  for (const bool ends_rows : {false, true}) {
    for (uint64_t call = 2;; ++call) {  // the first removes what was there
      const uint64_t calls = faulty_->calls();
      faulty_->fail_after(call, EIO, true);
      const Status status = write(*faulty_, source, events_, options_, ends_rows);
      if (faulty_->calls() < calls + call) {
        EXPECT_TRUE(status.ok()) << status.message();
        break;
      }
      ASSERT_TRUE(is_injected(status)) << call << ": " << status.message();
    }
    faulty_->fail_after(0, 0, true);
  }
}

TEST_P(FailingWrites, AWriterGivesTheErrorOfItsSource) {
  VectorSource source(events_);
  FailingSource failing(source);
  for (uint64_t call = 1; call < 10'000; ++call) {
    failing.fail_after(call);
    const Status status = write(*disk_, failing, events_, options_, false);
    if (status.ok()) {
      EXPECT_GT(call, 10U);
      return;
    }
    ASSERT_TRUE(is_injected(status)) << status.message();
  }
  FAIL() << "it always fails";
}

// What was written is read once more, for the bloom filter: a disk that returns something else is found out.
TEST_P(FailingWrites, ADirectoryThatReadsBackDifferently) {
  VectorSource source(events_);
  HookedVfs hooked(disk_.get());
  hooked.after_read = [](const std::string&, uint64_t, std::span<uint8_t> bytes) { bytes[bytes.size() / 2] ^= 1; };
  const Status status = write(hooked, source, events_, options_, false);
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find("reads back differently"), std::string::npos) << status.message();
}

TEST_P(FailingWrites, KeysThatDoNotAscend) {
  VectorSource source(events_);
  ASSERT_TRUE(disk_->remove(kRunPath).ok());
  const auto created = RunWriter::create(*disk_, kRunPath, 7, events_.schema, options_);
  ASSERT_TRUE(created.ok());
  RunWriter& writer = **created;
  const Slice first{&source, events_.rows(0)}, second{&source, events_.rows(1)};
  ASSERT_TRUE(writer.append(events_.key(1), {&second, 1}).ok());
  EXPECT_TRUE(writer.append(events_.key(0), {}).ok()) << "of a key without events, nothing is written";
  EXPECT_EQ(writer.append(events_.key(0), {&first, 1}).code(), Code::kCorruption);
}

INSTANTIATE_TEST_SUITE_P(Looks, FailingWrites, ::testing::ValuesIn(kLooks),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace tsfeat::testing
