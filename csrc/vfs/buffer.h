// Uninitialized memory for results, which is handed on (to numpy) and comes back, and is then kept for the next answer.
// A fresh large buffer costs a page fault every 4 KiB, which is more than decoding into it does; and above 1 KiB malloc
// tidies up before it gives, which is as much as a small read's decoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tsfeat {

struct BufferRelease {
  void operator()(uint8_t* data) const noexcept;
};
// Aligned to 16 bytes. May be released in any thread.
using Buffer = std::unique_ptr<uint8_t[], BufferRelease>;

// Throws std::bad_alloc.
Buffer allocate_buffer(size_t bytes);

// Buffers that are made together and mostly released together, as the columns of an answer are. While they are small
// they are pieces of one block, which goes with the last of them.
class BufferGroup {
 public:
  // For `count` buffers of `bytes` in all. Throws std::bad_alloc.
  BufferGroup(size_t bytes, size_t count);
  ~BufferGroup();
  BufferGroup(const BufferGroup&) = delete;
  BufferGroup& operator=(const BufferGroup&) = delete;
  // One of them. Throws std::bad_alloc.
  Buffer take(size_t bytes);

 private:
  uint8_t* block_ = nullptr;  // null: each is on its own
  size_t used_ = 0;
  uint32_t left_;
};

// What is kept of released buffers never exceeds this.
inline constexpr size_t kKeptBufferBytes = size_t{16} << 20;

}  // namespace tsfeat
