// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/api.h"

#include <string>
#include <vector>

namespace paradigm {

/// A figure shows one axis and is SVG. Throws Error naming --figure for none or several, and for a
/// `file` of another ending.
void check_figure(const std::string& file, const std::vector<engine::SweepAxis>& axes);

/// Loss against the values of the one axis, each at the same distance from the next: the mean with
/// its standard deviation as a bar, the plain model as a line across, `semantics: reference`
/// beside.
std::string svg_of(const engine::SweepResult& result);

}  // namespace paradigm
