// What a call finds when it has waited for another one: a store that was poisoned, or a table that was dropped. It is
// refused as if it had come later, and nothing of it stays.
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <thread>

#include "engine/events_table.h"
#include "vfs/hooked.h"
#include "vfs/memory.h"

namespace tsfeat {
namespace {

using namespace engine_testing;

constexpr std::chrono::milliseconds kUntilItWaits{40};

// A call on the store that has the table; the load was begun, and added to, before.
struct WaitingCall {
  const char* name;
  std::function<Status(Store&, Table&, Load&)> make;
};
const WaitingCall kOfTheTable[] = {
    {"add_column", [](Store&, Table& t, Load&) { return t.add_column(a_column()); }},
    {"set_retention", [](Store&, Table& t, Load&) { return t.set_retention(Retention{}); }},
    {"create_view", [](Store& s, Table& t, Load&) { return s.create_view("view", t, "new").status(); }},
    {"commit of a load", [](Store&, Table&, Load& load) { return load.commit().status(); }},
};
const WaitingCall kOthers[] = {
    {"append", [](Store&, Table& t, Load&) { return append(t, {{1, 2, 3}}).status(); }},
    {"erase", [](Store&, Table& t, Load&) { return t.erase({KeyView::from_uint64(1)}, {}).status(); }},
    {"create_table", [](Store& s, Table&, Load&) { return s.create_table("u", events_schema(), {}).status(); }},
    {"drop_table", [](Store& s, Table&, Load&) { return s.drop_table("t"); }},
    {"drop_view", [](Store& s, Table&, Load&) { return s.drop_view("view"); }},
    {"flush", [](Store& s, Table&, Load&) { return s.flush(); }},
    {"compact", [](Store& s, Table&, Load&) { return s.compact(true, {}); }},
};

class WaitingCalls : public testing::Test {
 protected:
  void SetUp() override {
    disk_ = MemoryVfs::create(1);
    hooks_ = std::make_unique<HookedVfs>(disk_.get());
    store_ = *Store::open(*hooks_, clock_, kStorePath, true, quiet_options());
    table_ = *store_->create_table("t", events_schema(), {});
    ASSERT_TRUE(append(*table_, {{1, 1, 1}, {2, 1, 1}}, true).ok());
  }
  void TearDown() override {
    hooks_->before_open = hooks_->before_write = {};
    table_.reset();
    store_.reset();
  }
  // Makes the call on another thread while acts() holds what it waits for; returns what became of it.
  Status while_it_waits(const WaitingCall& call, const std::function<void(const std::function<void()>& start)>& acts) {
    Result<std::unique_ptr<Load>> load = table_->start_load();
    EXPECT_TRUE(load.ok() && (*load)->add(RowArrays({{5, 5, 5}}, events_schema()).request).ok());
    Status status;
    std::thread caller;
    const std::function<void()> start = [&] {
      if (caller.joinable()) return;
      caller = std::thread([&] { status = call.make(*store_, *table_, **load); });
      std::this_thread::sleep_for(kUntilItWaits);
    };
    acts(start);
    EXPECT_TRUE(caller.joinable()) << "nothing was waited for";
    caller.join();
    return status;
  }
  size_t runs() const {
    size_t count = 0;
    for (const auto& [name, bytes] : disk_->files()) count += name.ends_with(".run") ? 1 : 0;
    return count;
  }

  const ManualClock clock_{1'000'000'000};
  std::unique_ptr<MemoryVfs> disk_;
  std::unique_ptr<HookedVfs> hooks_;
  std::shared_ptr<Store> store_;
  std::shared_ptr<Table> table_;
};

TEST_F(WaitingCalls, ForAWriteThatFailed) {
  for (const std::span<const WaitingCall> calls :
       std::initializer_list<std::span<const WaitingCall>>{kOfTheTable, kOthers}) {
    for (const WaitingCall& call : calls) {
      TearDown();
      SetUp();
      const Status status = while_it_waits(call, [&](const std::function<void()>& start) {
        hooks_->before_write = [&](const std::string& path) {
          if (!path.ends_with(".log")) return Status();
          start();
          return Status::storage(EIO, "cannot write to " + path);
        };
        EXPECT_EQ(append(*table_, {{1, 2, 2}}).status().error_number(), EIO);
      });
      EXPECT_EQ(status.code(), Code::kPoisoned) << call.name << ": " << status.message();
      EXPECT_EQ(*read_all(*table_), (Rows{{1, 1, 1}, {2, 1, 1}})) << call.name;
    }
  }
}

TEST_F(WaitingCalls, ForTheTableToBeDropped) {
  for (const WaitingCall& call : kOfTheTable) {
    TearDown();
    SetUp();
    const Status status = while_it_waits(call, [&](const std::function<void()>& start) {
      hooks_->before_write = [&](const std::string& path) {
        if (path.ends_with("MANIFEST.tmp")) start();
        return Status();
      };
      EXPECT_TRUE(store_->drop_table("t").ok());
    });
    EXPECT_EQ(status.code(), Code::kNotFound) << call.name << ": " << status.message();
    EXPECT_TRUE(store_->tables()->empty() && store_->views()->empty()) << call.name;
    EXPECT_EQ(runs(), 0U) << call.name;
  }
}

// A table that goes while its events are merged or flushed, and one that goes before its turn.
TEST_F(WaitingCalls, TablesThatAreDroppedUnderAMerge) {
  for (const bool flushes : {false, true}) {
    TearDown();
    SetUp();
    const auto other = *store_->create_table("u", events_schema(), {});
    ASSERT_TRUE(append(*other, {{1, 1, 1}}).ok());
    if (!flushes) {
      ASSERT_TRUE(store_->flush().ok());
      ASSERT_TRUE(append(*table_, {{1, 2, 2}}).ok());
      ASSERT_TRUE(store_->flush().ok());
    }
    uint64_t dropped = 0;
    hooks_->before_write = [&](const std::string& path) {
      if (path.ends_with(".run") && dropped++ == 0) {
        EXPECT_TRUE(store_->drop_table("t").ok());
        EXPECT_TRUE(store_->drop_table("u").ok());
      }
      return Status();
    };
    const Status status = flushes ? store_->flush() : store_->compact(false, {});
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_GT(dropped, 0U);
    TearDown();
    store_ = *Store::open(*disk_, clock_, kStorePath, true, quiet_options());
    EXPECT_TRUE(store_->tables()->empty());
    EXPECT_EQ(runs(), 0U) << "what nobody names any more is gone";
  }
}

}  // namespace
}  // namespace tsfeat
