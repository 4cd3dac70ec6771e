// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/time_left.h"

#include "app/paradigm/output.h"

namespace paradigm {
namespace {

constexpr double kShortestSample = 1.0;  // seconds

}  // namespace

std::string TimeLeft::text(double done, double total, Clock::time_point now) {
  if (total != total_) {
    total_ = total;
    first_done_ = done;
    started_ = now;
  }
  const double seconds = std::chrono::duration<double>(now - started_).count();
  if (done <= first_done_ || done >= total || seconds < kShortestSample) return "";
  return ", " + duration_text(seconds / (done - first_done_) * (total - done)) + " left";
}

}  // namespace paradigm
