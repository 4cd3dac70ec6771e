// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/curve_difference.h"

#include "engine/statistics/quantiles.h"
#include "engine/statistics/sample_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace engine {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr double kDoubt = 0.05;
constexpr int kWindow = 10;
constexpr std::size_t kFewestPoints = 8;
/// Standard deviations in a median absolute deviation of the normal distribution.
constexpr double kMadScale = 1.482602218505602;

double raw_position(const CurveView& curve, const XScale& scale, std::size_t index) {
  switch (scale.axis) {
    case XAxis::step:
      return curve.step[index];
    case XAxis::tokens:
      return curve.tokens[index];
    case XAxis::time:
      return curve.seconds[index];
    case XAxis::flops:
      return curve.tokens[index] * scale.flops_per_token;
  }
  return kUnknown;
}

/// A value of both runs at one x.
struct Shared {
  double x, step, base, other;
};

/// The positions that a value stands at, the unknown ones left out; ascending.
struct Placed {
  std::vector<double> x;
  std::vector<std::size_t> index;
};

Placed placed(const CurveView& curve, const XScale& scale) {
  Placed result;
  const std::vector<double> x = positions_of(curve, scale);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i]) || (!result.x.empty() && x[i] < result.x.back())) continue;
    result.x.push_back(x[i]);
    result.index.push_back(i);
  }
  return result;
}

std::vector<Shared> shared_points(const CurveView& base, const Placed& base_at,
                                  const CurveView& other, const Placed& other_at, bool is_exact) {
  std::vector<Shared> shared;
  std::size_t j = 0;  // the last base point at or before x
  for (std::size_t i = 0; i < other_at.x.size(); ++i) {
    const double x = other_at.x[i];
    if (base_at.x.empty() || x < base_at.x.front() || x > base_at.x.back()) continue;
    while (j + 1 < base_at.x.size() && base_at.x[j + 1] <= x) ++j;
    if (is_exact && base_at.x[j] != x) continue;
    shared.push_back({x, other.step[other_at.index[i]], base.value[base_at.index[j]],
                      other.value[other_at.index[i]]});
  }
  return shared;
}

void add_outer_gaps(const Placed& base, const Placed& other, std::vector<DifferenceGap>& gaps) {
  if (base.x.empty() || other.x.empty()) return;
  const double from = std::max(base.x.front(), other.x.front());
  const double to = std::min(base.x.back(), other.x.back());
  if (from > to) {  // one ends before the other begins
    gaps.push_back({base.x.front(), base.x.back(), GapReason::only_base});
    gaps.push_back({other.x.front(), other.x.back(), GapReason::only_other});
    return;
  }
  if (base.x.front() < from) gaps.push_back({base.x.front(), from, GapReason::only_base});
  if (other.x.front() < from) gaps.push_back({other.x.front(), from, GapReason::only_other});
  if (base.x.back() > to) gaps.push_back({to, base.x.back(), GapReason::only_base});
  if (other.x.back() > to) gaps.push_back({to, other.x.back(), GapReason::only_other});
}

double noise_of(const std::vector<DifferencePoint>& points) {
  std::vector<double> jumps;
  for (std::size_t i = 1; i < points.size(); ++i)
    jumps.push_back(std::abs(points[i].value() - points[i - 1].value()));
  return kMadScale * median_of(std::move(jumps)) / std::sqrt(2.0);
}

void find_divergence(CurveDifference& result) {
  const std::size_t count = result.points.size();
  if (count < kFewestPoints) return;
  result.window = static_cast<int>(std::clamp<std::size_t>(count / 10, 1, kWindow));
  const auto window = static_cast<std::size_t>(result.window);
  const double compared = static_cast<double>(count - window + 1);
  const double z = normal_quantile(1 - kDoubt / 2 / compared);
  result.band = z * noise_of(result.points) / std::sqrt(static_cast<double>(window));
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += result.points[i].value();
    if (i >= window) sum -= result.points[i - window].value();
    if (i + 1 < window) continue;
    const double mean = sum / static_cast<double>(window);
    result.smoothed.push_back(mean);
    if (!result.leaves_band_at && std::abs(mean) > result.band)
      result.leaves_band_at = result.points[i].x;
  }
}

}  // namespace

const char* to_string(GapReason reason) {
  switch (reason) {
    case GapReason::only_base:
      return "only the baseline";
    case GapReason::only_other:
      return "only this run";
    case GapReason::not_finite:
      return "not finite";
    case GapReason::nothing_shared:
      return "no step in common";
  }
  return "";
}

std::vector<double> positions_of(const CurveView& curve, const XScale& scale) {
  double zero = 0;
  if (scale.zero_step && scale.axis == XAxis::step) {
    zero = *scale.zero_step;
  } else if (scale.zero_step) {
    const auto end = std::upper_bound(curve.step.begin(), curve.step.end(), *scale.zero_step);
    zero = end == curve.step.begin()
               ? kUnknown
               : raw_position(curve, scale, static_cast<std::size_t>(end - curve.step.begin()) - 1);
  }
  std::vector<double> x(curve.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = raw_position(curve, scale, i) - zero;
  return x;
}

CurveDifference curve_difference(const CurveView& base, const XScale& base_scale,
                                 const CurveView& other, const XScale& other_scale) {
  CurveDifference result;
  const Placed base_at = placed(base, base_scale);
  const Placed other_at = placed(other, other_scale);
  add_outer_gaps(base_at, other_at, result.gaps);
  const auto shared = shared_points(base, base_at, other, other_at, base_scale.axis == XAxis::step);
  const bool overlaps = !base_at.x.empty() && !other_at.x.empty() &&
                        base_at.x.front() <= other_at.x.back() &&
                        other_at.x.front() <= base_at.x.back();
  if (shared.empty() && overlaps)
    result.gaps.push_back({std::max(base_at.x.front(), other_at.x.front()),
                           std::min(base_at.x.back(), other_at.x.back()),
                           GapReason::nothing_shared});
  bool was_finite = true;
  for (const Shared& point : shared) {
    const bool is_equal =
        point.base == point.other || (std::isnan(point.base) && std::isnan(point.other));
    if (!is_equal && !result.first_difference) result.first_difference = point.x;
    const bool is_finite = std::isfinite(point.base) && std::isfinite(point.other);
    if (is_finite) {
      result.points.push_back({point.x, point.step, point.base, point.other});
    } else if (was_finite) {
      result.gaps.push_back({point.x, point.x, GapReason::not_finite});
    } else {
      result.gaps.back().to = point.x;
    }
    was_finite = is_finite;
  }
  std::stable_sort(result.gaps.begin(), result.gaps.end(),
                   [](const auto& a, const auto& b) { return a.from < b.from; });
  find_divergence(result);
  return result;
}

std::string band_text() {
  return fmt::format(
      "noise band: ± for means of up to {} neighbouring logged differences; logging noise alone "
      "stays inside with {:.0f} %; how seeds differ is not in it",
      kWindow, 100 * (1 - kDoubt));
}

}  // namespace engine
