// SPDX-License-Identifier: GPL-3.0-or-later
// One curve less another, and from where on they differ by more than noise.
#pragma once

#include "engine/compare/run_metrics.h"

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// How steps become positions on an axis.
struct XScale {
  XAxis axis = XAxis::step;
  /// Training FLOPs per token of the run; NaN where its model is not known.
  double flops_per_token = std::numeric_limits<double>::quiet_NaN();
  /// x is counted from where the run stands at this step: "align at a step".
  std::optional<double> zero_step{};
};

/// One x for every value of the curve; NaN where the axis is unknown there.
std::vector<double> positions_of(const CurveView& curve, const XScale& scale);

struct DifferencePoint {
  double x = 0;
  double step = 0;  ///< of the other run
  double base = 0;
  double other = 0;

  double value() const { return other - base; }
};

enum class GapReason {
  only_base,  ///< the other run has not come here, or begins later
  only_other,
  not_finite,     ///< both logged here, and one of them NaN or an infinity
  nothing_shared  ///< both are here, but logged no step in common
};

const char* to_string(GapReason reason);

/// A stretch of the axis without a difference.
struct DifferenceGap {
  double from = 0;
  double to = 0;
  GapReason reason = GapReason::only_base;
};

struct CurveDifference {
  std::vector<DifferencePoint> points;  ///< both finite, ascending x
  std::vector<DifferenceGap> gaps;
  std::optional<double>
      first_difference;  ///< x of the first shared point with unequal values; exact
  /// Mean of the last `window` differences, one per point from the window's first full one on.
  std::vector<double> smoothed;
  int window = 0;
  /// Half-width of the noise band around 0 for `smoothed`; NaN when there are too few points.
  double band = std::numeric_limits<double>::quiet_NaN();
  std::optional<double> leaves_band_at;  ///< x of the first smoothed difference outside
};

/// Over steps, the steps that both logged; on another axis, the value of `base` at or before each x
/// of `other`, never a later one. Nothing is interpolated. The band holds a whole curve of plain
/// logging noise, as large as the robust spread of neighbouring differences, with a probability of
/// 95 % (Bonferroni over the points). It knows nothing of how seeds differ: that takes replicas.
CurveDifference curve_difference(const CurveView& base, const XScale& base_scale,
                                 const CurveView& other, const XScale& other_scale);

/// What the bands are, in one sentence for a reader.
std::string band_text();

}  // namespace engine
