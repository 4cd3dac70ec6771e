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
    const auto [found, is_new] = known_.emplace(whole, 0.0);
    if (is_new) found->second = student_quantile(p_, whole);
    return found->second;
  }

 private:
  double p_;
  std::map<int, double> known_;
};

/// The curves of a group, walked together; draws of one seed share an index.
class Walk {
 public:
  Walk(const SeedGroup& group, const std::vector<const ComparableRun*>& runs,
       const std::string& metric) {
    for (const std::size_t run : group.runs) {
      const auto curve = runs[run]->metrics.find(metric);
      if (!curve) continue;
      const std::int64_t seed = runs[run]->training_seed();
      const auto known = std::find(seeds_.begin(), seeds_.end(), seed);
      members_.push_back({*curve, static_cast<std::size_t>(known - seeds_.begin()), 0});
      if (known == seeds_.end()) seeds_.push_back(seed);
    }
  }

  bool is_empty() const { return members_.empty(); }
  const CurveView& first() const { return members_.front().curve; }
  const std::vector<std::int64_t>& seeds() const { return seeds_; }

  /// Steps ascend from call to call. False where a member has not logged this step.
  bool go_to(double step) {
    bool is_shared = true;
    for (Member& member : members_) {
      const auto& steps = member.curve.step;
      while (member.at < steps.size() && steps[member.at] < step) ++member.at;
      is_shared = is_shared && member.at < steps.size() && steps[member.at] == step;
    }
    return is_shared;
  }

  /// One value per seed, its draws averaged.
  const std::vector<double>& values() {
    values_.assign(seeds_.size(), 0);
    counts_.assign(seeds_.size(), 0);
    for (const Member& member : members_) {
      values_[member.seed] += member.curve.value[member.at];
      counts_[member.seed] += 1;
    }
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] /= counts_[i];
    return values_;
  }

 private:
  struct Member {
    CurveView curve;
    std::size_t seed;
    std::size_t at;
  };
  std::vector<Member> members_;
  std::vector<std::int64_t> seeds_;
  std::vector<double> values_, counts_;
};

struct Moments {
  double count = 0, mean = 0, variance = 0;
};

Moments moments_of(const std::vector<double>& values) {
  Moments result;
  result.count = static_cast<double>(values.size());
  for (const double value : values) result.mean += value / result.count;
  for (const double value : values)
    result.variance += (value - result.mean) * (value - result.mean) / (result.count - 1);
  return result;
}

struct Step {
  double difference, half;
};

Step paired(const std::vector<double>& differences, StudentTable& student) {
  const Moments moments = moments_of(differences);
  return {moments.mean,
          student.at(moments.count - 1) * std::sqrt(moments.variance / moments.count)};
}

Step welch(const std::vector<double>& base, const std::vector<double>& other,
           StudentTable& student) {
  const Moments a = moments_of(base);
  const Moments b = moments_of(other);
  const double v = a.variance / a.count;
  const double w = b.variance / b.count;
  const double below = v * v / (a.count - 1) + w * w / (b.count - 1);
  const double freedom = below > 0 ? (v + w) * (v + w) / below : 1;
  return {b.mean - a.mean, student.at(freedom) * std::sqrt(v + w)};
}

}  // namespace

GroupDelta group_delta(const SeedGroup& base, const SeedGroup& other,
                       const std::vector<const ComparableRun*>& runs, const std::string& metric,
                       ComparisonMethod method, double confidence) {
  GroupDelta delta;
  const bool is_paired = method == ComparisonMethod::paired_t;
  if (!is_paired && method != ComparisonMethod::welch_t) return delta;
  Walk a(base, runs, metric);
  Walk b(other, runs, metric);
  if (a.is_empty() || b.is_empty()) return delta;
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < a.seeds().size(); ++i) {
    const auto match = std::find(b.seeds().begin(), b.seeds().end(), a.seeds()[i]);
    if (match != b.seeds().end())
      pairs.emplace_back(i, static_cast<std::size_t>(match - b.seeds().begin()));
  }
  StudentTable student(confidence);
  std::vector<double> differences(pairs.size());
  for (const double step : a.first().step) {
    const bool is_shared = a.go_to(step);
    if (!b.go_to(step) || !is_shared) continue;
    const auto& one = a.values();
    const auto& two = b.values();
    for (std::size_t i = 0; i < pairs.size(); ++i)
      differences[i] = two[pairs[i].second] - one[pairs[i].first];
    const Step found = is_paired ? paired(differences, student) : welch(one, two, student);
    if (!std::isfinite(found.difference) || !std::isfinite(found.half)) continue;
    delta.step.push_back(step);
    delta.difference.push_back(found.difference);
    delta.half.push_back(found.half);
  }
  for (std::size_t i = delta.step.size(); i-- > 0;) {
    if (std::abs(delta.difference[i]) <= delta.half[i]) break;
    delta.apart_from = delta.step[i];
  }
  return delta;
}

}  // namespace engine
