// The types of time. `Time` is the wall clock (UTC); `Steady` never goes back and means nothing outside the process.
#pragma once

#include <chrono>
#include <cstdint>

namespace ph {

using namespace std::chrono_literals;

using Duration = std::chrono::nanoseconds;
using Time = std::chrono::sys_time<Duration>;

struct SteadyTag {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  static constexpr bool is_steady = true;
};
using Steady = std::chrono::time_point<SteadyTag, Duration>;

// The only source of time. Threads: any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  virtual Steady steady() const = 0;
};

// The clock of the operating system.
class SystemClock final : public Clock {
 public:
  Time now() const override;
  Steady steady() const override;
};

}  // namespace ph
