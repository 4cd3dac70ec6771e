// SPDX-License-Identifier: GPL-3.0-or-later
// The wall clock of one test program, which can be set: for exactly one source of a program, for it
// defines clock_gettime(), which every library of the program then calls.
#pragma once

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace tests {

/// Seconds that the wall clock is off. Clocks that are never set are left alone.
inline std::atomic<long> clock_offset = 0;

}  // namespace tests

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long result = syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += tests::clock_offset;
  return static_cast<int>(result);
}
