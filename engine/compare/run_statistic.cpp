// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/run_statistic.h"

#include "engine/config/number_text.h"
#include "engine/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace engine {
namespace {

std::optional<Statistic> with_number(const std::string& text, const char* prefix,
                                     Statistic::Kind kind, std::int64_t least) {
  const std::string word = prefix;
  if (text.rfind(word, 0) != 0) return std::nullopt;
  const auto number = read_number(text.substr(word.size())).whole;
  if (!number || *number < least) return std::nullopt;
  return Statistic{kind, *number};
}

StatisticValue extreme(const CurveView& curve, bool is_minimum) {
  StatisticValue result;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const double value = curve.value[i];
    if (!std::isfinite(value)) continue;
    ++result.count;
    const bool is_better =
        std::isnan(result.value) || (is_minimum ? value < result.value : value > result.value);
    if (!is_better) continue;
    result.value = value;
    result.step = static_cast<std::int64_t>(curve.step[i]);
  }
  return result;
}

}  // namespace

std::string to_string(const Statistic& statistic) {
  switch (statistic.kind) {
    case Statistic::Kind::last:
      return "last";
    case Statistic::Kind::minimum:
      return "min";
    case Statistic::Kind::maximum:
      return "max";
    case Statistic::Kind::mean_of_last:
      return fmt::format("mean:{}", statistic.number);
    case Statistic::Kind::at_step:
      return fmt::format("at:{}", statistic.number);
  }
  return "";
}

Statistic parse_statistic(const std::string& text, const std::string& place) {
  if (text == "last") return {Statistic::Kind::last, 0};
  if (text == "min") return {Statistic::Kind::minimum, 0};
  if (text == "max") return {Statistic::Kind::maximum, 0};
  if (const auto mean = with_number(text, "mean:", Statistic::Kind::mean_of_last, 1)) return *mean;
  if (const auto at = with_number(text, "at:", Statistic::Kind::at_step, 0)) return *at;
  fail("bad-value", {.file = place}, fmt::format("\"{}\" is no statistic of a curve", text),
       "Allowed: last, min, max, mean:K (of the last K values), at:STEP");
}

std::optional<StatisticValue> statistic_of(const CurveView& curve, const Statistic& statistic) {
  if (curve.size() == 0) return std::nullopt;
  const auto non_finite = std::count_if(curve.value.begin(), curve.value.end(),
                                        [](double value) { return !std::isfinite(value); });
  StatisticValue result;
  const auto take = [&](std::size_t index) {
    result.value = curve.value[index];
    result.step = static_cast<std::int64_t>(curve.step[index]);
    result.count = 1;
  };
  switch (statistic.kind) {
    case Statistic::Kind::last:
      take(curve.size() - 1);
      break;
    case Statistic::Kind::minimum:
    case Statistic::Kind::maximum:
      result = extreme(curve, statistic.kind == Statistic::Kind::minimum);
      break;
    case Statistic::Kind::mean_of_last: {
      const std::size_t count = std::min(curve.size(), static_cast<std::size_t>(statistic.number));
      double sum = 0;
      for (std::size_t i = curve.size() - count; i < curve.size(); ++i) sum += curve.value[i];
      take(curve.size() - 1);
      result.value = sum / static_cast<double>(count);
      result.count = static_cast<std::int64_t>(count);
      break;
    }
    case Statistic::Kind::at_step: {
      const auto end = std::upper_bound(curve.step.begin(), curve.step.end(),
                                        static_cast<double>(statistic.number));
      if (end == curve.step.begin()) return std::nullopt;
      take(static_cast<std::size_t>(end - curve.step.begin()) - 1);
      break;
    }
  }
  result.non_finite = non_finite;
  return result;
}

}  // namespace engine
