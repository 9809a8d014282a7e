#include "base/clock.h"

#include <ctime>
#include <random>

namespace tsfeat {
namespace {

class SystemClock final : public Clock {
 public:
  int64_t now_ns() const override {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);  // cannot fail with these arguments
    return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
  }
  uint64_t random() const override {
    std::random_device device;
    return (static_cast<uint64_t>(device()) << 32) | device();
  }
};

}  // namespace

const Clock* Clock::system() {
  static const SystemClock* const clock = new SystemClock;  // never destroyed: threads may outlive main
  return clock;
}

}  // namespace tsfeat
