// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

namespace engine {

/// Learning rate as a pure function of the step, so that a checkpoint holds nothing of it.
struct LrSchedule {
  std::string type = "linear";  ///< linear, cosine, constant, constant_with_warmup
  double peak = 5e-5;
  std::int64_t warmup_steps = 0;
  std::int64_t total_steps = 1;
  /// Beyond total_steps the rate of its last step stays, instead of what the course gives there
  /// (0).
  bool holds_end = false;

  /// The rate of 0-based `step`: peak·i/w while i < w; then linear peak·(T-i)/(T-w), cosine peak·(1
  /// + cos π(i-w)/(T-w))/2, or peak. "constant" knows no warm-up.
  double at(std::int64_t step) const;
};

/// Warm-up in steps: `warmup_steps` when positive, else `warmup_ratio` of the whole, rounded up.
std::int64_t resolved_warmup(std::int64_t warmup_steps, double warmup_ratio,
                             std::int64_t total_steps);

}  // namespace engine
