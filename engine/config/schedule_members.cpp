// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/config/schedule_members.h"

#include <fmt/format.h>

#include <limits>
#include <string>
#include <utility>

namespace engine {
namespace {

ParamSpec end_of(const char* name, const ParamSpec& spec) {
  ParamSpec end = real(name, unset).required();
  end.minimum = spec.minimum;
  end.maximum = spec.maximum;
  end.minimum_open = spec.minimum_open;
  end.maximum_open = spec.maximum_open;
  return end;
}

std::vector<std::string> shape_names() {
  return {to_string(ScheduleShape::linear), to_string(ScheduleShape::cosine),
          to_string(ScheduleShape::log)};
}

ScheduleShape shape_named(const std::string& name) {
  for (const ScheduleShape shape : {ScheduleShape::cosine, ScheduleShape::log})
    if (name == to_string(shape)) return shape;
  return ScheduleShape::linear;
}

}  // namespace

ParamSchema schedule_schema(const ParamSpec& spec) {
  return {end_of("from", spec), end_of("to", spec),
          integer("steps", unset).range(1, std::numeric_limits<double>::infinity()).required(),
          choice("shape", shape_names())};
}

std::vector<Problem> problems_in_schedule(const ParamSpec& spec, const ParamValues& members) {
  std::vector<Problem> problems = problems_in(schedule_schema(spec), members);
  if (problems.empty() && schedule_of(members).shape == ScheduleShape::log) {
    for (const char* end : {"from", "to"}) {
      if (members.get_real(end) > 0) continue;
      problems.push_back({.id = "bad-value",
                          .severity = Severity::error,
                          .place = members.find(end)->place,
                          .value = to_string(members.get(end)),
                          .message = fmt::format("{} is {}, but a log schedule needs both ends "
                                                 "above 0",
                                                 end, to_string(members.get(end))),
                          .remedy = "Give an end above 0, or shape: linear"});
    }
  }
  for (Problem& problem : problems) problem = about_schedule(spec, std::move(problem));
  return problems;
}

Problem about_schedule(const ParamSpec& spec, Problem problem) {
  problem.message = fmt::format("the schedule of {}: {}", spec.name, problem.message);
  if (problem.remedy.empty())
    problem.remedy = "Write {from: NUMBER, to: NUMBER, steps: COUNT, shape: linear, cosine or log}";
  return problem;
}

ParamSchedule schedule_of(const ParamValues& members) {
  ParamSchedule schedule;
  schedule.from = members.get_real("from");
  schedule.to = members.get_real("to");
  schedule.steps = members.get_int("steps");
  if (members.contains("shape")) schedule.shape = shape_named(members.get_text("shape"));
  return schedule;
}

ParamValues members_of(const ParamSchedule& schedule, const Place& place) {
  ParamValues members;
  members.set("from", schedule.from, place);
  members.set("to", schedule.to, place);
  members.set("steps", schedule.steps, place);
  members.set("shape", std::string(to_string(schedule.shape)), place);
  return members;
}

}  // namespace engine
