// SPDX-License-Identifier: GPL-3.0-or-later
// A schedule as the map that a user writes: {from: 0.001, to: 0.00001, steps: 2000, shape: log}.
#pragma once

#include "engine/config/param_schema.h"

#include <vector>

namespace engine {

/// The members of a schedule of `spec`: from and to in its range, steps, shape.
ParamSchema schedule_schema(const ParamSpec& spec);

/// Unknown, missing and bad members, at their places; and a log schedule with an end that is not
/// above 0.
std::vector<Problem> problems_in_schedule(const ParamSpec& spec, const ParamValues& members);

/// A member's problem as one of the parameter `spec`, with a remedy.
Problem about_schedule(const ParamSpec& spec, Problem problem);

/// Of members without problems.
ParamSchedule schedule_of(const ParamValues& members);
ParamValues members_of(const ParamSchedule& schedule, const Place& place);

}  // namespace engine
