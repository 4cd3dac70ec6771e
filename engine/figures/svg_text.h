// SPDX-License-Identifier: GPL-3.0-or-later
// What figures in SVG and pages in HTML are made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace engine {

/// `text` between tags or in quotes: < > & " escaped.
std::string markup_escaped(std::string_view text);

/// 1, 2 or 5 times a power of ten, so that at most about `count` steps span `extent` > 0.
double round_step(double extent, int count);

/// Positions for labels within [low, high], multiples of a round step.
std::vector<double> round_ticks(double low, double high, int count);

/// "7.1k", "162M": a tick of a count axis.
std::string tick_text(double value);

}  // namespace engine
