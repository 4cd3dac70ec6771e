// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/statistics/rule_fit.h"

#include "engine/statistics/output_error.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace engine {
namespace {

constexpr int kMostRounds = 3;
constexpr int kRefinements = 4;    // each halves the distance to the neighbours, in octaves
constexpr double kDecisive = 2;    // standard errors
constexpr int kOctavesAround = 6;  // of a parameter whose range has no end
constexpr double kMatched = 1.02;  // levels whose errors are the measurement's, to this ratio
constexpr double kAround = 1.15;   // whole numbers are tried within this ratio of them
constexpr double kMostAround = 48;

/// Mean and standard deviation of the differences of two lists of scores.
struct Difference {
  double mean = 0;
  double spread = 0;
  std::int64_t count = 0;

  double error() const { return spread / std::sqrt(static_cast<double>(count)); }
};

Difference difference_of(const std::vector<double>& a, const std::vector<double>& b) {
  Difference difference;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) continue;
    ++difference.count;
    difference.mean += a[i] - b[i];
  }
  difference.mean /= static_cast<double>(difference.count);
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) continue;
    squares += std::pow(a[i] - b[i] - difference.mean, 2);
  }
  difference.spread = std::sqrt(squares / static_cast<double>(difference.count - 1));
  return difference;
}

double mean_of(const std::vector<double>& scores) {
  double sum = 0;
  std::int64_t count = 0;
  for (const double score : scores) {
    if (!std::isfinite(score)) continue;
    sum += score;
    ++count;
  }
  return sum / static_cast<double>(count);
}

bool is_number(const ParamSpec& spec) {
  return spec.kind == ParamKind::integer || spec.kind == ParamKind::real ||
         spec.kind == ParamKind::probability;
}

double number_in(const ParamValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  const auto* number = std::get_if<double>(&value);
  return number != nullptr ? *number : std::nan("");
}

ParamValue number_for(const ParamSpec& spec, double number) {
  if (spec.kind == ParamKind::integer) return static_cast<std::int64_t>(std::llround(number));
  return effective_value(spec, number);
}

bool is_allowed(const ParamSpec& spec, const ParamValue& value) {
  ParamValues one;
  one.set(spec.name, value);
  return !has_errors(problems_in(ParamSchema{spec}, one));
}

/// Root mean square of values less the exact ones, tensor by tensor.
double error_of(std::span<const double> values, std::span<const double> exact) {
  double squares = 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = values[i] - exact[i % exact.size()];
    if (!std::isfinite(error)) continue;
    squares += error * error;
    ++count;
  }
  return std::sqrt(squares / static_cast<double>(count));
}

class Search {
 public:
  Search(std::span<const double> exact, std::span<const double> measured,
         const SimulateRule& simulate)
      : exact_(exact),
        measured_(measured),
        measured_error_(error_of(measured, exact)),
        simulate_(simulate) {}

  void start(const ParamValues& values) {
    values_ = values;
    scores_ = scores_of(simulated(values));
  }

  /// Whether the value of `spec` changed.
  bool improve(const ParamSpec& spec) {
    const ParamValue before = values_.get(spec.name);
    tried_ = {before};
    Try best = current(spec);
    for (const ParamValue& candidate : fit_candidates(spec, before)) {
      try_value(spec, candidate, best);
    }
    if (spec.kind == ParamKind::integer) try_levels_like_the_measurements(spec, best);
    adopt(spec, best);
    const bool may_lie_between =
        is_number(spec) && spec.snap_rule == Snap::none && number_in(values_.get(spec.name)) > 0;
    double octaves = 0.5;
    for (int i = 0; may_lie_between && i < kRefinements; ++i, octaves /= 2) {
      const double centre = number_in(values_.get(spec.name));
      Try finer = current(spec);
      for (const double side : {-octaves, octaves}) {
        try_value(spec, number_for(spec, centre * std::exp2(side)), finer);
      }
      adopt(spec, finer);
    }
    return values_.get(spec.name) != before;
  }

  const ParamValues& values() const { return values_; }
  const std::vector<double>& scores() const { return scores_; }
  std::int64_t simulations() const { return simulations_; }

 private:
  struct Try {
    ParamValue value;
    std::vector<double> scores;
    double mean = 0;
  };

  Try current(const ParamSpec& spec) const {
    return {values_.get(spec.name), scores_, mean_of(scores_)};
  }

  std::vector<double> simulated(const ParamValues& values) {
    ++simulations_;
    return simulate_(values);
  }
  std::vector<double> scores_of(const std::vector<double>& draws) const {
    return ranked_scores(measured_, draws, static_cast<std::int64_t>(exact_.size()));
  }

  /// The error of the draws; NaN for a value that was tried before or is not allowed.
  double try_value(const ParamSpec& spec, const ParamValue& value, Try& best) {
    if (std::find(tried_.begin(), tried_.end(), value) != tried_.end()) return std::nan("");
    if (!is_allowed(spec, value)) return std::nan("");
    tried_.push_back(value);
    ParamValues changed = values_;
    changed.set(spec.name, value);
    const std::vector<double> draws = simulated(changed);
    std::vector<double> scores = scores_of(draws);
    const double mean = mean_of(scores);
    if (mean < best.mean) best = {value, std::move(scores), mean};
    return error_of(draws, exact_);
  }

  /// Halves the range until the errors are the measurement's (they fall as levels grow), then tries
  /// the whole numbers around that place.
  void try_levels_like_the_measurements(const ParamSpec& spec, Try& best) {
    if (!(spec.minimum >= 1) || !std::isfinite(spec.maximum)) return;
    double low = spec.minimum;
    double high = spec.maximum;
    while (high > low * kMatched) {
      const double middle = std::sqrt(low * high);
      const double error = try_value(spec, number_for(spec, middle), best);
      if (std::isnan(error)) break;
      (error > measured_error_ ? low : high) = middle;
    }
    const double centre = std::sqrt(low * high);
    const double step = std::max(1.0, centre * (kAround - 1 / kAround) / kMostAround);
    for (double x = std::floor(centre / kAround); x <= centre * kAround; x += step) {
      try_value(spec, number_for(spec, x), best);
    }
  }

  void adopt(const ParamSpec& spec, Try& best) {
    const Difference gained = difference_of(scores_, best.scores);
    if (!(gained.mean > kDecisive * gained.error())) return;
    values_.set(spec.name, best.value);
    scores_ = std::move(best.scores);
  }

  std::span<const double> exact_;
  std::span<const double> measured_;
  double measured_error_;
  const SimulateRule& simulate_;
  ParamValues values_;
  std::vector<double> scores_;
  std::vector<ParamValue> tried_;  // of the parameter at hand
  std::int64_t simulations_ = 0;
};

}  // namespace

std::vector<ParamValue> fit_candidates(const ParamSpec& spec, const ParamValue& current) {
  std::vector<ParamValue> candidates;
  if (spec.is_nullable) candidates.emplace_back(unset);
  if (spec.kind == ParamKind::boolean) candidates.insert(candidates.end(), {false, true});
  for (const std::string& word : spec.choices) candidates.emplace_back(word);
  if (!is_number(spec)) return candidates;

  const double centre = number_in(current) > 0 ? number_in(current) : 1.0;
  const bool ends = std::isfinite(spec.maximum);
  double number = ends ? spec.maximum : centre * std::exp2(kOctavesAround);
  const double least = spec.minimum > 0 ? spec.minimum
                       : ends           ? spec.maximum * 0x1p-12
                                        : centre * std::exp2(-kOctavesAround);
  for (; number >= least; number /= 2) candidates.push_back(number_for(spec, number));
  if (spec.minimum == 0 && !spec.minimum_open) candidates.push_back(number_for(spec, 0));
  return candidates;
}

RuleFit fit_rule(const ParamSchema& schema, const std::vector<std::string>& names,
                 const ParamValues& given, std::span<const double> exact,
                 std::span<const double> measured, const SimulateRule& simulate,
                 double confidence) {
  Search search(exact, measured, simulate);
  search.start(given);
  const std::vector<double> scores_given = search.scores();
  bool changed = true;
  for (int round = 0; changed && round < kMostRounds; ++round) {
    changed = false;
    for (const std::string& name : names) {
      if (const ParamSpec* spec = schema.find(name)) changed = search.improve(*spec) || changed;
    }
  }

  RuleFit fit;
  for (const std::string& name : names) {
    fit.parameters.push_back(
        {name, to_string(given.get(name)), to_string(search.values().get(name))});
  }
  fit.values = search.values();
  fit.score_given = mean_of(scores_given);
  fit.score_fitted = mean_of(search.scores());
  const Difference gained = difference_of(scores_given, search.scores());
  fit.improvement = estimated_mean(gained.mean, gained.spread, gained.count, confidence);
  fit.simulations = search.simulations();
  return fit;
}

}  // namespace engine
