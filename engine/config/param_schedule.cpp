// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/param_schedule.h"

#include "engine/config/number_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace engine {

double snapped(Snap rule, double value) {
  if (rule == Snap::none || !(value > 0 && value < 1)) return value;
  int exponent = 0;
  std::frexp(value, &exponent);  // m * 2^exponent, m in [1/2, 1): ceil(log2(1/p)) = 1 - exponent
  return std::ldexp(1.0, exponent - 1);
}

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

namespace {

double unsnapped(const ParamSchedule& schedule, std::int64_t step) {
  const auto& [from, to, steps, shape, snap] = schedule;
  if (step <= 0) return from;
  if (step >= steps) return to;
  const double t = static_cast<double>(step) / static_cast<double>(steps);
  double value = to;
  switch (shape) {
    case ScheduleShape::linear:
      value = from + (to - from) * t;
      break;
    case ScheduleShape::cosine:
      value = from + (to - from) * (1 - std::cos(std::numbers::pi * t)) / 2;
      break;
    case ScheduleShape::log:
      value = from * std::pow(to / from, t);
      break;
  }
  return std::clamp(value, std::min(from, to), std::max(from, to));
}

std::string in_effect(double value) {
  if (!(value > 0 && value < 1)) return real_text(value);
  return fmt::format("2^{}", std::ilogb(value));
}

}  // namespace

double ParamSchedule::at(std::int64_t step) const { return snapped(snap, unsnapped(*this, step)); }

std::string description(const ParamSchedule& schedule) {
  std::string text =
      fmt::format("{} → {} over {} step{}, {}", real_text(schedule.from), real_text(schedule.to),
                  schedule.steps, schedule.steps == 1 ? "" : "s", to_string(schedule.shape));
  if (schedule.snap != Snap::none)
    text += fmt::format("; takes effect as {} → {}, a power of two at every step",
                        in_effect(schedule.at(0)), in_effect(schedule.at(schedule.steps)));
  return text;
}

}  // namespace engine
