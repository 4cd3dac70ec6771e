// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/lr_schedule.h"

#include <algorithm>
#include <cmath>

namespace engine {

double LrSchedule::at(std::int64_t step) const {
  if (holds_end) step = std::min(step, total_steps - 1);
  if (type == "constant") return peak;
  if (step < warmup_steps) {
    return peak * static_cast<double>(step) / static_cast<double>(warmup_steps);
  }
  if (type == "constant_with_warmup") return peak;
  const double decay_steps =
      static_cast<double>(std::max<std::int64_t>(1, total_steps - warmup_steps));
  const double progress = std::min(1.0, static_cast<double>(step - warmup_steps) / decay_steps);
  if (type == "cosine") return peak * 0.5 * (1 + std::cos(M_PI * progress));
  return peak * (1 - progress);
}

std::int64_t resolved_warmup(std::int64_t warmup_steps, double warmup_ratio,
                             std::int64_t total_steps) {
  if (warmup_steps > 0) return warmup_steps;
  return static_cast<std::int64_t>(std::ceil(warmup_ratio * static_cast<double>(total_steps)));
}

}  // namespace engine
