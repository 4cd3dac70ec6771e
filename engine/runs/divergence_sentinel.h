// SPDX-License-Identifier: GPL-3.0-or-later
// Judges a training by what it logs: no number is measured for it alone.
#pragma once

#include "engine/runs/run_event.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace engine {

/// 0 turns a judgement off. The help of the flags --sentinel_... says what each means.
struct SentinelOptions {
  double spike = 10;
  double gradient = 100;
  std::int64_t plateau_steps = 1000;
  double saturation = 0.5;
};

/// Each kind of trouble is reported once when it begins, and again only after it was over.
///
/// loss_spike: a logged loss above the median of the last 8 by more than `spike` times the noise of
/// the last 64: the larger of their differences' median deviation and 95 % quantile, both scaled to
/// a standard deviation of a normal distribution, and 2 % of that median. gradient_blow_up: a norm
/// of `gradient` times the median of the last 64. Both wait for 16 values. plateau: the median of
/// the last 16 losses has not gone 0.1 % below its best for plateau_steps. saturation: a clamp rate
/// above its limit in two samples in a row. non_finite: loss or gradient norm, or updates that were
/// left out since the last log.
class DivergenceSentinel {
 public:
  explicit DivergenceSentinel(const SentinelOptions& options) : options_(options) {}

  /// `updates_left_out`: since the last call. `action` of what is returned is empty.
  std::vector<DivergenceSeen> hear(const StepLogged& step, std::int64_t updates_left_out = 0);
  std::vector<DivergenceSeen> hear(const LayerStats& stats);

 private:
  std::optional<DivergenceSeen> judge_finiteness(const StepLogged& step, std::int64_t left_out);
  std::optional<DivergenceSeen> judge_loss(const StepLogged& step);
  std::optional<DivergenceSeen> judge_gradient(const StepLogged& step);
  std::optional<DivergenceSeen> judge_progress(const StepLogged& step);

  SentinelOptions options_;
  std::deque<double> losses_;
  std::deque<double> norms_;
  bool is_non_finite_ = false;
  std::int64_t high_losses_ = 0;  ///< logged in a row since a spike began
  std::int64_t high_norms_ = 0;
  std::optional<double> best_loss_;
  std::int64_t best_step_ = 0;
  bool is_flat_ = false;
  std::set<std::string> suspects_;  ///< layers above the limit in the last sample
  std::set<std::string> saturated_;
};

}  // namespace engine
