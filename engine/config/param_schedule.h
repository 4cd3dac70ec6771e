// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>

namespace engine {

/// How a value as requested becomes the value in effect. `power_of_two_probability`:
/// 2^-ceil(log2(1/p)), rounds down.
enum class Snap { none, power_of_two_probability };

/// Values outside (0, 1) stay as they are.
double snapped(Snap rule, double value);

enum class ScheduleShape { linear, cosine, log };

const char* to_string(ScheduleShape shape);

/// A real parameter that moves over optimizer steps, then stays. A pure function of the step, so a
/// resume needs nothing saved.
struct ParamSchedule {
  double from = 0;
  double to = 0;
  std::int64_t steps = 1;  ///< >= 1; from `steps` on the value is `to`
  ScheduleShape shape = ScheduleShape::linear;
  Snap snap = Snap::none;  ///< at every step; set by ParamSchema::effective

  /// The value at 0-based optimizer step `step`, with t = min(1, step / steps):
  ///   linear  from + (to - from)·t
  ///   cosine  from + (to - from)·(1 - cos πt) / 2
  ///   log     from·(to / from)^t, both ends > 0
  /// Exactly `from` at 0 and `to` at the end, never outside the two; then snapped.
  double at(std::int64_t step) const;

  bool operator==(const ParamSchedule&) const = default;
};

/// "0.001 → 1.0e-05 over 2000 steps, log", and where values snap what takes effect at both ends.
std::string description(const ParamSchedule& schedule);

/// A real parameter as a layer reads it: one number, or a schedule.
class ScheduledReal {
 public:
  ScheduledReal(double value)
      : schedule_{value, value, 1, ScheduleShape::linear} {}  // NOLINT: a number is one
  explicit ScheduledReal(const ParamSchedule& schedule) : schedule_(schedule) {}

  double at(std::int64_t step) const { return schedule_.at(step); }
  /// Whether at() is the same at `step` and every later one.
  bool is_settled(std::int64_t step) const {
    return schedule_.from == schedule_.to || step >= schedule_.steps;
  }

  bool operator==(const ScheduledReal&) const = default;

 private:
  ParamSchedule schedule_;
};

}  // namespace engine
