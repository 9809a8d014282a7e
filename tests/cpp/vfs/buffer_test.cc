#include "vfs/buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace tsfeat {
namespace {

TEST(Buffer, IsWritableAndAlignedAtEverySize) {
  for (size_t bytes = 0; bytes < size_t{40} << 20; bytes = bytes * 2 + 7) {
    const Buffer buffer = allocate_buffer(bytes);
    ASSERT_NE(buffer, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.get()) % 16, 0U);
    std::memset(buffer.get(), 0xab, bytes);
  }
}

TEST(Buffer, LargeOnesAreUsedAgain) {
#if !defined(__SANITIZE_ADDRESS__)
  const uint8_t* first = nullptr;
  {
    const Buffer buffer = allocate_buffer(1'000'000);
    first = buffer.get();
  }
  EXPECT_EQ(allocate_buffer(900'000).get(), first);
#endif
}

TEST(Buffer, TwoAtOnceAreApart) {
  const Buffer first = allocate_buffer(100'000);
  const Buffer second = allocate_buffer(100'000);
  std::memset(first.get(), 1, 100'000);
  std::memset(second.get(), 2, 100'000);
  EXPECT_EQ(first[99'999], 1);
}

TEST(Buffer, AnImpossibleSizeIsBadAlloc) { EXPECT_THROW(allocate_buffer(~size_t{0}), std::bad_alloc); }

TEST(BufferGroup, GivesBuffersThatAreApartAndAlignedAndOutliveIt) {
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{100}, size_t{50'000}}) {
    std::vector<Buffer> held;
    {
      BufferGroup group(5 * bytes, 8);
      for (int i = 0; i < 5; ++i) held.push_back(group.take(bytes));
    }
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(held[i].get()) % 16, 0U);
      std::memset(held[i].get(), i, bytes);
    }
    held.erase(held.begin() + 1);
    for (const int mark : {0, 2, 3, 4}) {
      const Buffer& buffer = held[mark == 0 ? 0 : mark - 1];
      for (size_t i = 0; i < bytes; ++i) ASSERT_EQ(buffer[i], mark);
    }
  }
}

TEST(BufferGroup, MayGiveNoneAtAll) {
  BufferGroup none(0, 0);
  BufferGroup untaken(100, 4);
  EXPECT_NE(BufferGroup(7, 2).take(7), nullptr);
}

TEST(Buffer, ThreadsShareThePool) {
  const auto work = [](uint8_t mark) {
    for (int i = 0; i < 200; ++i) {
      std::vector<Buffer> held;
      for (size_t bytes = 20'000; bytes < 2'000'000; bytes *= 3) {
        held.push_back(allocate_buffer(bytes));
        held.back()[0] = mark;
        held.back()[bytes - 1] = mark;
      }
      for (const Buffer& buffer : held) ASSERT_EQ(buffer[0], mark);
    }
  };
  std::thread first(work, uint8_t{1});
  std::thread second(work, uint8_t{2});
  first.join();
  second.join();
}

}  // namespace
}  // namespace tsfeat
