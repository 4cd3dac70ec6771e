// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/param_schedule.h"

#include <cmath>
#include <numbers>

namespace engine {

const char* to_string(ScheduleShape shape) {
  switch (shape) {
    case ScheduleShape::linear:
      return "linear";
    case ScheduleShape::cosine:
      return "cosine";
    case ScheduleShape::log:
      return "log";
  }
  return "";
}

double ParamSchedule::at(std::int64_t step) const {
  if (step <= 0) return from;
  if (step >= steps) return to;
  const double t = static_cast<double>(step) / static_cast<double>(steps);
  switch (shape) {
    case ScheduleShape::linear:
      return from + (to - from) * t;
    case ScheduleShape::cosine:
      return from + (to - from) * (1 - std::cos(std::numbers::pi * t)) / 2;
    case ScheduleShape::log:
      return from * std::pow(to / from, t);
  }
  return to;
}

}  // namespace engine
