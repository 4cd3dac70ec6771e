// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runs/divergence_sentinel.h"

#include "engine/statistics/sample_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace engine {
namespace {

constexpr std::size_t kWindow = 64;
constexpr std::size_t kWarmUp = 16;
constexpr std::size_t kLevel = 8;
/// A loss or norm that stays high for so long is the new normal.
constexpr std::int64_t kPatience = 32;
constexpr double kLeastNoise = 0.02;
constexpr double kLeastProgress = 1e-3;

void push(std::deque<double>& window, double value) {
  window.push_back(value);
  if (window.size() > kWindow) window.pop_front();
}

double median_of_last(const std::deque<double>& window, std::size_t count) {
  const auto first = window.end() - std::ptrdiff_t(std::min(count, window.size()));
  return median_of(std::vector<double>(first, window.end()));
}

/// The noise of one value, from differences of neighbours, so that a falling curve is not noise.
double noise_of(const std::deque<double>& window) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < window.size(); ++i) steps.push_back(window[i] - window[i - 1]);
  const double middle = median_of(steps);
  std::vector<double> sizes;
  for (double& step : steps) {
    sizes.push_back(std::abs(step));
    step = std::abs(step - middle);
  }
  std::sort(sizes.begin(), sizes.end());
  const double tail = sizes[std::min(sizes.size() - 1, sizes.size() * 95 / 100)];
  constexpr double kOfMedian = 1.4826;  // median deviation -> standard deviation
  constexpr double kOfQuantile = 1 / 1.96;
  return std::max(kOfMedian * median_of(steps), kOfQuantile * tail) / std::sqrt(2.0);
}

DivergenceSeen seen(std::int64_t step, const char* kind, double value, double limit,
                    std::string text) {
  return {.step = step,
          .kind = kind,
          .layer = {},
          .value = value,
          .limit = limit,
          .action = {},
          .text = std::move(text)};
}

/// Reports when trouble begins; learns values that are none, and those that stay.
bool begins(std::deque<double>& window, double value, bool is_high, std::int64_t& in_a_row) {
  if (!is_high) {
    in_a_row = 0;
    push(window, value);
    return false;
  }
  if (++in_a_row > kPatience) {
    window.clear();
    in_a_row = 0;
    push(window, value);
    return false;
  }
  return in_a_row == 1;
}

}  // namespace

std::vector<DivergenceSeen> DivergenceSentinel::hear(const StepLogged& step,
                                                     std::int64_t updates_left_out) {
  std::vector<DivergenceSeen> found;
  for (auto& each : {judge_finiteness(step, updates_left_out), judge_loss(step),
                     judge_gradient(step), judge_progress(step)}) {
    if (each) found.push_back(*each);
  }
  return found;
}

std::optional<DivergenceSeen> DivergenceSentinel::judge_finiteness(const StepLogged& step,
                                                                   std::int64_t left_out) {
  const bool loss_is_bad = !std::isfinite(step.loss);
  const bool norm_is_bad = !std::isfinite(step.grad_norm);
  const bool is_bad = loss_is_bad || norm_is_bad || left_out > 0;
  const bool is_new = is_bad && !is_non_finite_;
  is_non_finite_ = is_bad;
  if (!is_new) return std::nullopt;
  std::string what = loss_is_bad   ? "the loss is not finite"
                     : norm_is_bad ? "the gradients are not finite"
                                   : fmt::format(
                                         "the gradients of {} step{} since the last log were "
                                         "not finite",
                                         left_out, left_out == 1 ? "" : "s");
  return seen(step.step, "non_finite", loss_is_bad ? step.loss : step.grad_norm, 0,
              std::move(what));
}

std::optional<DivergenceSeen> DivergenceSentinel::judge_loss(const StepLogged& step) {
  if (!std::isfinite(step.loss) || options_.spike <= 0) return std::nullopt;
  if (losses_.size() < kWarmUp) {
    push(losses_, step.loss);
    return std::nullopt;
  }
  const double level = median_of_last(losses_, kLevel);
  const double noise = std::max(noise_of(losses_), kLeastNoise * std::abs(level));
  const double limit = level + options_.spike * noise;
  if (!begins(losses_, step.loss, step.loss > limit, high_losses_)) return std::nullopt;
  return seen(step.step, "loss_spike", step.loss, limit,
              fmt::format("the loss jumped to {:.4g}; it was {:.4g} with a noise of {:.2g}",
                          step.loss, level, noise));
}

std::optional<DivergenceSeen> DivergenceSentinel::judge_gradient(const StepLogged& step) {
  if (!std::isfinite(step.grad_norm) || options_.gradient <= 0) return std::nullopt;
  if (norms_.size() < kWarmUp) {
    push(norms_, step.grad_norm);
    return std::nullopt;
  }
  const double level = median_of_last(norms_, kWindow);
  const double limit = options_.gradient * level;
  if (!begins(norms_, step.grad_norm, step.grad_norm > limit, high_norms_)) return std::nullopt;
  return seen(step.step, "gradient_blow_up", step.grad_norm, limit,
              fmt::format("the gradient norm is {:.4g}, {:.0f} times its median {:.4g}",
                          step.grad_norm, step.grad_norm / level, level));
}

std::optional<DivergenceSeen> DivergenceSentinel::judge_progress(const StepLogged& step) {
  if (options_.plateau_steps <= 0 || losses_.size() < kWarmUp) return std::nullopt;
  const double now = median_of_last(losses_, kWarmUp);
  if (!best_loss_ || now < *best_loss_ - kLeastProgress * std::abs(*best_loss_)) {
    best_loss_ = now;
    best_step_ = step.step;
    is_flat_ = false;
    return std::nullopt;
  }
  const std::int64_t steps = step.step - best_step_;
  if (is_flat_ || steps < options_.plateau_steps) return std::nullopt;
  is_flat_ = true;
  return seen(step.step, "plateau", now, *best_loss_,
              fmt::format("the loss has not fallen for {} steps: {:.4g} then, {:.4g} now", steps,
                          *best_loss_, now));
}

std::vector<DivergenceSeen> DivergenceSentinel::hear(const LayerStats& stats) {
  std::vector<DivergenceSeen> found;
  if (options_.saturation <= 0) return found;
  std::set<std::string> above;
  for (const LayerStat& stat : stats.values) {
    if (!stat.statistic.ends_with("clamp_rate") || !(stat.value > options_.saturation)) continue;
    const std::string key = stat.layer + " " + stat.statistic;
    above.insert(key);
    if (suspects_.count(key) == 0 || !saturated_.insert(key).second) continue;
    found.push_back(seen(stats.step, "saturation", stat.value, options_.saturation,
                         fmt::format("{} clamps {:.0f} % of its values ({})", stat.layer,
                                     100 * stat.value, stat.statistic)));
    found.back().layer = stat.layer;
  }
  std::erase_if(saturated_, [&above](const std::string& key) { return above.count(key) == 0; });
  suspects_ = std::move(above);
  return found;
}

}  // namespace engine
