// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/foreign_curves.h"

#include "engine/error.h"

#include <algorithm>
#include <cmath>

namespace engine {

std::string own_metric_name(const std::string& name) {
  if (name.rfind("train/", 0) == 0) return name.substr(6);
  if (name.rfind("eval/", 0) == 0) return "eval_" + name.substr(5);
  return name;
}

void ForeignCurves::add(const std::string& name, const ForeignPoint& point) {
  const std::string own = own_metric_name(name);
  auto& points = points_[own];
  if (points.empty()) names_.push_back(own);
  points.push_back(point);
}

void ForeignCurves::move_into(ComparableRun& run) {
  if (names_.empty())
    fail("no-curves", {.file = run.path.string()}, "there is no number with a step in this file");
  double began = std::numeric_limits<double>::infinity();
  for (const auto& [name, points] : points_) {
    for (const ForeignPoint& point : points) {
      if (std::isfinite(point.clock)) began = std::min(began, point.clock);
    }
  }
  if (std::isfinite(began)) run.started_at = began;
  for (const std::string& name : names_) {
    auto& points = points_.at(name);
    std::stable_sort(points.begin(), points.end(),
                     [](const auto& a, const auto& b) { return a.step < b.step; });
    std::vector<double> step, value, tokens, seconds;
    for (const ForeignPoint& point : points) {
      if (!step.empty() && step.back() == point.step) {
        for (auto* column : {&step, &value, &tokens, &seconds}) column->pop_back();
      }
      step.push_back(point.step);
      value.push_back(point.value);
      tokens.push_back(point.tokens);
      seconds.push_back(std::isfinite(point.seconds) ? point.seconds : point.clock - began);
    }
    run.metrics.add(name, std::move(step), std::move(value), std::move(tokens), std::move(seconds));
  }
}

}  // namespace engine
