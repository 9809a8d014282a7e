// Law 7 for runs: a changed byte is reported by the read that meets it and by verify; it never changes an answer.
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "run/format.h"
#include "run/run_support.h"

namespace tsfeat::testing {
namespace {

class RunDamage : public ::testing::Test {
 protected:
  RunDamage() {
    std::mt19937_64 random(42);
    auto schema = std::make_shared<Schema>();
    schema->key_type = KeyType::kString;
    const Type types[] = {Type::kUint32, Type::kString, Type::kFloat32};
    for (const Type type : types) {
      schema->columns.push_back(Column{schema->next_column_id++, "c", type, 1, true, false, {}, {}});
    }
    events_ = random_events(random, schema, {12, 30, 10});
    meta_ = write_run(*disk_, events_, {16, codec::Effort::kSmall});
    content_ = disk_->files()[kRunPath];
  }

  void SetUp() override { ASSERT_GT(content_.size(), 1'000U); }
  void damage(const std::string& content) { ASSERT_TRUE(disk_->write_file(kRunPath, as_bytes(content)).ok()); }

  // What happens to a reader of the damaged file. True if it was told.
  bool is_reported(bool bypass) {
    const auto run = Run::open(*disk_, kRunPath, meta_, events_.schema, BlockCache::create(1 << 20));
    if (!run.ok()) {
      EXPECT_TRUE(run.status().code() == Code::kCorruption) << run.status().message();
      EXPECT_NE(run.status().message().find(kRunPath), std::string::npos);
      return true;
    }
    const Status read = compare_all(events_, *(*run)->source(bypass), 1);
    if (!read.ok()) {
      EXPECT_EQ(read.code(), Code::kCorruption) << read.message();
      EXPECT_NE(read.message().find(kRunPath), std::string::npos) << read.message();
      EXPECT_NE(read.message().find("offset"), std::string::npos) << read.message();
    }
    std::vector<Run::Problem> problems;
    EXPECT_TRUE((*run)->verify(&problems).ok());
    EXPECT_FALSE(problems.empty());
    return !read.ok() && !problems.empty();
  }

  std::unique_ptr<MemoryVfs> disk_ = make_disk();
  Events events_;
  RunMeta meta_;
  std::string content_;
};

TEST_F(RunDamage, EveryByteFlipped) {
  for (size_t at = 0; at < content_.size(); ++at) {
    SCOPED_TRACE(at);
    std::string changed = content_;
    changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
    damage(changed);
    ASSERT_TRUE(is_reported(at % 2 == 0));
    ASSERT_FALSE(HasFailure());
  }
}

TEST_F(RunDamage, EveryTruncation) {
  for (size_t size = 0; size < content_.size(); ++size) {
    damage(content_.substr(0, size));
    EXPECT_EQ(Run::open(*disk_, kRunPath, meta_, events_.schema, BlockCache::create(1)).status().code(),
              Code::kCorruption);
  }
  damage(content_ + '\0');
  EXPECT_EQ(Run::open(*disk_, kRunPath, meta_, events_.schema, BlockCache::create(1)).status().code(),
            Code::kCorruption);
}

// The file changes under an open run: what is read later is checked later.
TEST_F(RunDamage, WhileOpen) {
  for (size_t at = 0; at < content_.size(); at += 5) {
    damage(content_);
    const auto run = Run::open(*disk_, kRunPath, meta_, events_.schema, BlockCache::create(1 << 20));
    ASSERT_TRUE(run.ok());
    std::string changed = content_;
    changed[at] = static_cast<char>(~changed[at]);
    damage(changed);
    const Status read = compare_all(events_, *(*run)->source(at % 2 == 0), 1);  // fails the test if anything differs
    EXPECT_TRUE(read.ok() || read.code() == Code::kCorruption);
    std::vector<Run::Problem> problems;
    EXPECT_TRUE((*run)->verify(&problems).ok());
    EXPECT_FALSE(problems.empty()) << at;
  }
}

TEST_F(RunDamage, UndamagedPagesStayReadable) {
  std::string changed = content_;
  changed[0] = static_cast<char>(~changed[0]);  // the first page's header
  damage(changed);
  const auto run = Run::open(*disk_, kRunPath, meta_, events_.schema, BlockCache::create(1 << 20));
  ASSERT_TRUE(run.ok());
  const auto source = (*run)->source();
  std::vector<int64_t> times(16);
  EXPECT_EQ(source->times({0, 16}, times.data()).code(), Code::kCorruption);
  ASSERT_TRUE(source->times({16, 32}, times.data()).ok());
  EXPECT_EQ(times[3], events_.times[19]);
}

TEST_F(RunDamage, BlocksExchangedZeroedOrStale) {
  const size_t quarter = content_.size() / 4;
  std::string swapped = content_;
  std::swap_ranges(swapped.begin(), swapped.begin() + 64, swapped.begin() + static_cast<ptrdiff_t>(quarter));
  damage(swapped);
  EXPECT_TRUE(is_reported(false));
  std::string zeroed = content_;
  zeroed.replace(quarter, 64, 64, '\0');
  damage(zeroed);
  EXPECT_TRUE(is_reported(true));

  std::mt19937_64 random(43);
  const Events others = random_events(random, events_.schema, {12, 30, 10});
  write_run(*disk_, others, {16, codec::Effort::kSmall}, "/store/other.run");
  damage(disk_->files()["/store/other.run"]);
  EXPECT_TRUE(is_reported(false));
}

TEST_F(RunDamage, NewerFormatIsNotDamage) {
  std::string newer = content_;
  const size_t footer = newer.size() - run::kFooterBytes;
  store(newer.data() + newer.size() - 12, run::kRunFormatVersion + 1);
  const Bytes all = as_bytes(newer);
  const uint32_t crc =
      crc32c(all.subspan(newer.size() - 12, 4), crc32c(all.subspan(footer, run::kFooterBytes - run::kFooterTailBytes)));
  store(newer.data() + newer.size() - 16, crc);
  damage(newer);
  const Status status = Run::open(*disk_, kRunPath, meta_, events_.schema, BlockCache::create(1)).status();
  EXPECT_EQ(status.code(), Code::kStorage);
  EXPECT_NE(status.message().find("newer"), std::string::npos);
}

// A hostile file: damaged, but with checksums that fit. Anything may be answered, but nothing may break.
TEST_F(RunDamage, HostileBytesWithGoodChecksums) {
  std::mt19937_64 random(7);
  const size_t footer_at = content_.size() - run::kFooterBytes;
  const auto footer = run::decode_footer(as_bytes(content_).subspan(footer_at));
  ASSERT_TRUE(footer.ok());
  for (int round = 0; round < 3'000; ++round) {
    std::string hostile = content_;
    run::Footer mended = *footer;
    const auto index =
        run::decode_index(as_bytes(hostile).subspan(footer->index_offset(), footer->index_bytes), *footer);
    ASSERT_TRUE(index.ok());
    run::Index changed = *index;
    const size_t changes = 1 + random() % 3;
    for (size_t i = 0; i < changes; ++i) {
      hostile[random() % footer_at] = static_cast<char>(round % 3 == 0 ? 0xff : random());
    }
    const Bytes bytes = as_bytes(hostile);
    for (size_t p = 0; p + 1 < changed.pages.size(); ++p) {
      run::PageEntry& page = changed.pages[p];
      auto* header = reinterpret_cast<uint8_t*>(hostile.data()) + page.offset;
      for (uint32_t c = 0; c < changed.layout.chunks(); ++c) {
        const uint32_t begin = changed.layout.chunk_begin(header, c), end = run::Layout::chunk_end(header, c);
        if (begin < end && end <= page.bytes)
          store(header + c * 8 + 4, crc32c(bytes.subspan(page.offset + begin, end - begin)));
      }
      page.header_crc = crc32c(bytes.subspan(page.offset, changed.layout.header_bytes()));
    }
    for (run::DirectoryEntry& block : changed.directory) block.crc = crc32c(bytes.subspan(block.offset, block.bytes));
    std::string encoded;
    run::encode_index(changed, &encoded);
    ASSERT_EQ(encoded.size(), footer->index_bytes);
    if (round % 4 == 3) encoded[random() % encoded.size()] = static_cast<char>(random());
    hostile.replace(footer->index_offset(), encoded.size(), encoded);
    mended.bloom_crc = crc32c(as_bytes(hostile).subspan(footer->bloom_offset, footer->bloom_bytes));
    mended.index_crc = crc32c(as_bytes(encoded));
    std::string end;
    run::encode_footer(mended, &end);
    hostile.replace(footer_at, end.size(), end);
    damage(hostile);
    const auto run = Run::open(*disk_, kRunPath, meta_, events_.schema, BlockCache::create(1 << 20));
    if (!run.ok()) continue;
    for (const bool bypass : {false, true}) {
      const auto source = (*run)->source(bypass);
      std::vector<uint8_t> out(events_.size() * 8);
      const RowRange rows{0, events_.size()};
      codec::VarlenBuffer strings;
      static_cast<void>(source->times(rows, reinterpret_cast<int64_t*>(out.data())));
      static_cast<void>(source->versions(rows, reinterpret_cast<uint64_t*>(out.data())));
      for (const Column& column : events_.schema->columns) {
        static_cast<void>(source->validity(column, rows, out.data()));
        if (is_varlen(column.type)) {
          static_cast<void>(source->varlen(column, rows, &strings));
        } else {
          static_cast<void>(source->fixed(column, rows, out.data()));
        }
        static_cast<void>(source->bounds(&column, 3));
      }
      const auto cursor = source->walk();
      for (auto more = cursor->next(); more.ok() && *more; more = cursor->next()) {
        const Probe probe{cursor->key()};
        RowRange found;
        static_cast<void>(source->locate({&probe, 1}, {&found, 1}));
        ASSERT_LE(found.end, events_.size());
        static_cast<void>(source->seek(cursor->rows(), 0));
      }
    }
    std::vector<Run::Problem> problems;
    EXPECT_TRUE((*run)->verify(&problems).ok());
  }
}

}  // namespace
}  // namespace tsfeat::testing
