// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/statistics/line_fit.h"

#include <vector>

namespace engine {

/// Mean of differences measured on several batches of text under several draws of noise:
/// `differences[draw][batch]`, every draw on the same batches. The interval is for other text and
/// other noise of the same kind: two-way analysis of variance with random effects, one value in a
/// cell. With m the grand mean, Var(m) = (MS_batch + max(0, MS_draw - MS_rest)) / (B·S), degrees of
/// freedom by Satterthwaite; with one draw it is Student's interval over the batches. A value that
/// is not finite makes all of it NaN; with one batch only the value is known. Differences that are
/// all equal have an interval of no width: of the identity it is [0, 0].
Estimate paired_difference(const std::vector<std::vector<double>>& differences,
                           double confidence = 0.95);

/// Whether the interval is known and does not hold 0.
bool is_distinguishable(const Estimate& difference);

}  // namespace engine
