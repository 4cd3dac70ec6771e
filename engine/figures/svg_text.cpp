// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/figures/svg_text.h"

#include "engine/config/number_text.h"

#include <array>
#include <cmath>
#include <utility>

namespace engine {

std::string markup_escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

double round_step(double extent, int count) {
  const double rough = extent / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

std::vector<double> round_ticks(double low, double high, int count) {
  std::vector<double> ticks;
  if (!(high > low)) return ticks;
  const double step = round_step(high - low, count);
  const double first = std::ceil(low / step - 1e-9);
  for (double i = first; i * step <= high + 1e-9 * step; ++i) ticks.push_back(i * step);
  return ticks;
}

std::string tick_text(double value) {
  constexpr std::array<std::pair<double, const char*>, 5> kUnits = {
      {{1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}};
  const auto trimmed = [](double number) {
    return short_number(std::round(number * 1e9) / 1e9);  // no 0.30000000000000004
  };
  for (const auto& [size, unit] : kUnits) {
    if (std::abs(value) >= size) return trimmed(value / size) + unit;
  }
  return trimmed(value);
}

}  // namespace engine
