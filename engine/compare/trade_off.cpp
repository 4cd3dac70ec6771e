// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/trade_off.h"

#include "engine/compare/expression.h"

#include <algorithm>
#include <cmath>

namespace engine {
namespace {

std::optional<double> number_of(const ParamValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return std::nullopt;
}

/// The one value that all transformed layers with this parameter have.
std::optional<double> rule_value(const ComparableRun& run, const std::string& name) {
  std::optional<double> shared;
  for (const Assignment& assignment : run.effect.plan.assignments) {
    const PlacedValue* entry =
        assignment.outcome == Outcome::transformed ? assignment.values.find(name) : nullptr;
    if (entry == nullptr) continue;
    const auto number = number_of(entry->value);
    if (!number || (shared && *shared != *number)) return std::nullopt;
    shared = number;
  }
  return shared;
}

std::optional<double> raw_quantity(const ComparableRun& run, const std::string& name,
                                   const Statistic& statistic) {
  if (const auto curve = run.metrics.find(name)) {
    const auto value = statistic_of(*curve, statistic);
    return value ? std::optional(value->value) : std::nullopt;
  }
  if (name == "macs") return run.work.macs;
  if (name == "input_conversions") return run.work.input_conversions;
  if (name == "output_conversions") return run.work.output_conversions;
  if (name == "duration") return run.duration();
  if (name == "step") return run.last_step();
  if (name == "parameters" && run.started) return static_cast<double>(run.started->parameters);
  if (const auto number = number_of(run.parameters.get(name))) return number;
  return rule_value(run, name);
}

}  // namespace

std::optional<double> quantity_of(const ComparableRun& run, const std::string& name,
                                  const Statistic& statistic) {
  const auto value = raw_quantity(run, name, statistic);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::vector<std::string> quantity_names(const std::vector<const ComparableRun*>& runs) {
  std::vector<std::string> names;
  const auto add = [&names](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const ComparableRun* run : runs) {
    for (const std::string& name : run->metrics.names()) add(name);
  }
  for (const ComparableRun* run : runs) {
    for (const Assignment& assignment : run->effect.plan.assignments) {
      if (assignment.outcome != Outcome::transformed) continue;
      for (const PlacedValue& entry : assignment.values.entries()) {
        if (number_of(entry.value)) add(entry.name);
      }
    }
  }
  for (const char* name :
       {"macs", "input_conversions", "output_conversions", "parameters", "duration", "step"})
    add(name);
  for (const ComparableRun* run : runs) {
    for (const PlacedValue& entry : run->parameters.entries()) {
      if (number_of(entry.value)) add(entry.name);
    }
  }
  return names;
}

std::vector<TradeOffPoint> trade_off_points(const std::vector<const ComparableRun*>& runs,
                                            const std::string& cost, const std::string& metric,
                                            const Statistic& statistic) {
  const Expression expression = Expression::parse(cost, "cost");
  std::vector<TradeOffPoint> points;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto x = expression.value(
        [&](const std::string& name) { return quantity_of(*runs[i], name, statistic); });
    const auto y = quantity_of(*runs[i], metric, statistic);
    if (x && std::isfinite(*x) && y) points.push_back({i, *x, *y});
  }
  return points;
}

std::vector<TradeOffPoint> pareto_front(std::vector<TradeOffPoint> points) {
  std::stable_sort(points.begin(), points.end(), [](const auto& a, const auto& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.result < b.result;
  });
  std::vector<TradeOffPoint> front;
  for (const TradeOffPoint& point : points) {
    if (front.empty() || point.result < front.back().result) front.push_back(point);
  }
  return front;
}

}  // namespace engine
