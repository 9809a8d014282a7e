#include "application_log.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace bench {
namespace {

// Four multiply-and-rotate lanes over 32 bytes at a time: about as fast as a hardware CRC.
uint64_t checksum(const uint8_t* at, size_t bytes, uint64_t seed) {
  constexpr uint64_t kPrime = 0x9E3779B97F4A7C15;
  uint64_t lanes[4] = {seed, seed + 1, seed + 2, seed + 3};
  const auto mix = [](uint64_t lane, uint64_t word) {
    lane = (lane ^ word) * kPrime;
    return lane << 29 | lane >> 35;
  };
  for (; bytes >= 32; at += 32, bytes -= 32) {
    uint64_t words[4];
    std::memcpy(words, at, 32);
    for (int lane = 0; lane < 4; ++lane) lanes[lane] = mix(lanes[lane], words[lane]);
  }
  uint8_t rest[32] = {};
  std::memcpy(rest, at, bytes);
  uint64_t words[4];
  std::memcpy(words, rest, 32);
  uint64_t sum = bytes;
  for (int lane = 0; lane < 4; ++lane) sum = mix(sum, mix(lanes[lane], words[lane]));
  return sum;
}

}  // namespace

void ApplicationLog::open(const std::string& path) {
  path_ = path;
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file_ < 0) throw std::runtime_error(path + ": cannot open it");
}

void ApplicationLog::close() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

void ApplicationLog::append(const Events& events, const std::vector<uint32_t>& widths, bool sync) {
  struct {
    uint64_t checksum, rows;
  } header{0, events.rows};
  std::vector<iovec> parts{{&header, sizeof header}};
  const auto add = [&](const void* data, size_t bytes) {
    header.checksum = checksum(static_cast<const uint8_t*>(data), bytes, header.checksum);
    parts.push_back({const_cast<void*>(data), bytes});
  };
  add(events.users, events.rows * 8);
  add(events.times, events.rows * 8);
  for (size_t i = 0; i < widths.size(); ++i) add(events.columns[i], events.rows * widths[i]);

  // Up to IOV_MAX parts at a time; a short write is a full disk.
  for (size_t done = 0; done < parts.size();) {
    const size_t count = std::min<size_t>(parts.size() - done, 1024);
    ssize_t bytes = 0;
    for (size_t i = 0; i < count; ++i) bytes += static_cast<ssize_t>(parts[done + i].iov_len);
    if (::writev(file_, parts.data() + done, static_cast<int>(count)) != bytes) {
      throw std::runtime_error(path_ + ": cannot write");
    }
    done += count;
  }
  if (sync && ::fdatasync(file_) != 0) throw std::runtime_error(path_ + ": cannot sync");
}

void ApplicationLog::clear() {
  if (::ftruncate(file_, 0) != 0) throw std::runtime_error(path_ + ": cannot truncate it");
}

}  // namespace bench
