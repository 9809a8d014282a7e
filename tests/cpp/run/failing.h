// Runs of two looks on a file system whose calls fail on order.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "run/run_support.h"
#include "vfs/fault.h"

namespace tsfeat::testing {

inline bool is_injected(const Status& status) {
  return status.error_number() == EIO && status.message().find("(injected)") != std::string::npos;
}

// What a run looks like: pages that are read whole, and such as are read a chunk at a time; keys of both kinds.
struct Look {
  const char* name;
  KeyType key_type;
  size_t largest_value;
  uint32_t page_rows;
};
inline const Look kLooks[] = {{"SmallPages", KeyType::kString, 20, 16}, {"LargePages", KeyType::kUint64, 20'000, 32}};

class RunThatFails : public ::testing::TestWithParam<Look> {
 protected:
  void SetUp() override {
    const Look& look = GetParam();
    std::mt19937_64 random(7);
    auto schema = std::make_shared<Schema>();
    schema->key_type = look.key_type;
    for (const Type type : {Type::kUint32, Type::kString, Type::kFloat32})
      schema->columns.push_back(Column{schema->next_column_id++, "c", type, 1, true, false, {}, {}});
    events_ = random_events(random, schema, {16, 60, look.largest_value});
    options_ = {look.page_rows, codec::Effort::kFast};
    meta_ = write_run(*disk_, events_, options_);
  }
  Result<std::shared_ptr<tsfeat::Run>> open(uint64_t cache_bytes) {
    return Run::open(*faulty_, kRunPath, meta_, events_.schema, BlockCache::create(cache_bytes));
  }
  // Calls attempt() with the first call failing, then with the second, later with every seventh, until it makes fewer;
  // the last one must succeed.
  // After each, when nothing fails any more, afterwards() is called.
  void fail_each_call(
      const std::function<Status()>& prepare, const std::function<Status()>& attempt,
      const std::function<void()>& afterwards = [] {}) {
    for (uint64_t call = 1;; call += call < 16 ? 1 : 7) {
      SCOPED_TRACE("call " + std::to_string(call));
      ASSERT_TRUE(prepare().ok());
      const uint64_t calls = faulty_->calls();
      faulty_->fail_after(call, EIO, true);
      const Status status = attempt();
      const bool came = faulty_->calls() >= calls + call;
      faulty_->fail_after(0, 0, true);
      afterwards();
      if (!came) {
        EXPECT_TRUE(status.ok()) << status.message();
        EXPECT_GT(call, 1U) << "no call at all";
        return;
      }
      EXPECT_TRUE(is_injected(status)) << status.message();
      if (HasFailure()) return;
    }
  }

  const std::unique_ptr<MemoryVfs> disk_ = make_disk();
  const std::unique_ptr<FaultVfs> faulty_ = FaultVfs::create(disk_.get());
  Events events_;
  RunOptions options_;
  RunMeta meta_;
};

}  // namespace tsfeat::testing
