// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/compare/group_divergence.h"

#include "engine/statistics/quantiles.h"
#include "engine/statistics/sample_statistics.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace engine {
namespace {

/// Quantiles for whole degrees of freedom, found once each: a curve asks for thousands.
class StudentTable {
 public:
  explicit StudentTable(double confidence) : p_((1 + confidence) / 2) {}
  double at(double freedom) {
    const int whole = std::max(1, static_cast<int>(freedom));
    auto [found, is_new] = known_.emplace(whole, 0.0);
    if (is_new) found->second = student_quantile(p_, whole);
    return found->second;
  }

 private:
  double p_;
  std::map<int, double> known_;
};

/// One run's curve, walked backwards.
struct Walk {
  CurveView curve;
  std::int64_t seed;
  std::size_t next;  ///< one behind the point looked at

  /// Goes back to `step`; false when it was not logged.
  bool reach(double step) {
    while (next > 0 && curve.step[next - 1] > step) --next;
    return next > 0 && curve.step[next - 1] == step;
  }
  double value() const { return curve.value[next - 1]; }
};

std::vector<Walk> walks_of(const SeedGroup& group, const std::vector<const ComparableRun*>& runs,
                           const std::string& metric) {
  std::vector<Walk> walks;
  for (const std::size_t run : group.runs) {
    const auto curve = runs[run]->metrics.find(metric);
    if (curve) walks.push_back({*curve, runs[run]->training_seed(), curve->size()});
  }
  return walks;
}

/// Means over the draws of each seed.
std::map<std::int64_t, double> by_seed(const std::vector<Walk>& walks) {
  std::map<std::int64_t, std::pair<double, int>> sums;
  for (const Walk& walk : walks) {
    auto& [sum, count] = sums[walk.seed];
    sum += walk.value();
    ++count;
  }
  std::map<std::int64_t, double> means;
  for (const auto& [seed, sum] : sums) means[seed] = sum.first / sum.second;
  return means;
}

bool is_outside(const std::vector<Walk>& base, const std::vector<Walk>& other,
                ComparisonMethod method, StudentTable& student) {
  const auto a = by_seed(base);
  const auto b = by_seed(other);
  if (method == ComparisonMethod::paired_t) {
    std::vector<double> differences;
    for (const auto& [seed, value] : a) {
      const auto match = b.find(seed);
      if (match != b.end()) differences.push_back(match->second - value);
    }
    const SampleStatistics sample = statistics_of(differences);
    const double count = static_cast<double>(sample.count);
    return std::abs(sample.mean) > student.at(count - 1) * sample.deviation / std::sqrt(count);
  }
  std::vector<double> one, two;
  for (const auto& [seed, value] : a) one.push_back(value);
  for (const auto& [seed, value] : b) two.push_back(value);
  const SampleStatistics s = statistics_of(one);
  const SampleStatistics t = statistics_of(two);
  const double v = s.deviation * s.deviation / static_cast<double>(s.count);
  const double w = t.deviation * t.deviation / static_cast<double>(t.count);
  const double below =
      v * v / static_cast<double>(s.count - 1) + w * w / static_cast<double>(t.count - 1);
  const double freedom = below > 0 ? (v + w) * (v + w) / below : 1;
  return std::abs(t.mean - s.mean) > student.at(freedom) * std::sqrt(v + w);
}

}  // namespace

std::optional<double> apart_from_step(const SeedGroup& base, const SeedGroup& other,
                                      const std::vector<const ComparableRun*>& runs,
                                      const std::string& metric, ComparisonMethod method,
                                      double confidence) {
  if (method != ComparisonMethod::paired_t && method != ComparisonMethod::welch_t)
    return std::nullopt;
  std::vector<Walk> a = walks_of(base, runs, metric);
  std::vector<Walk> b = walks_of(other, runs, metric);
  if (a.empty() || b.empty()) return std::nullopt;
  StudentTable student(confidence);
  std::optional<double> apart;
  const CurveView steps = a.front().curve;
  for (std::size_t i = steps.size(); i-- > 0;) {
    const auto reaches = [step = steps.step[i]](Walk& walk) { return walk.reach(step); };
    bool is_shared = true;
    for (auto* walks : {&a, &b}) {
      for (Walk& walk : *walks) is_shared = reaches(walk) && is_shared;
    }
    if (!is_shared) continue;
    if (!is_outside(a, b, method, student)) break;
    apart = steps.step[i];
  }
  return apart;
}

}  // namespace engine
