// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/range_pass.h"

#include "engine/paradigms/optical_transformer/tensor_kernels.h"

namespace engine::optical_transformer {

RangePass::RangePass(const OpticalOptions& options, const ForwardContext& context)
    : observes_(options.observes(context)),
      recomputes_(context.recompute),
      delayed_(options.delayed_statistics),
      smooth_(static_cast<float>(options.smooth_factor.at(context.step))),
      quantiles_(options.quantiles) {}

void RangePass::require(const RangeTracker& range, const std::string& layer) const {
  const bool repeats = recomputes_ && range.last_used().defined();
  if (!observes_ && !repeats) range.require_set(layer);
}

at::Tensor RangePass::operand(RangeTracker& range, const at::Tensor& dense) {
  const bool is_delayed = delayed_ && range.is_set();
  if (observes_ && !is_delayed && !quantiles_) return range.observe_values(dense, smooth_);
  if (observes_) {
    const at::Tensor observed = observed_range(dense, quantiles_);
    if (is_delayed) {
      observe_later(range, observed);
    } else {
      observe(range, observed);
    }
  }
  return use(range);
}

bool RangePass::encodes_in_kernel(const RangeTracker& range) const {
  return observes_ && !quantiles_ && range.updates_in_kernel() && !(delayed_ && range.is_set());
}

at::Tensor RangePass::use(RangeTracker& range) const {
  const bool repeats = recomputes_ && range.last_used().defined();
  return repeats ? range.last_used() : range.use();
}

void RangePass::observe(RangeTracker& range, const at::Tensor& observed) const {
  range.observe(observed, smooth_);
}

void RangePass::observe_later(RangeTracker& range, const at::Tensor& observed) {
  pending_.emplace_back(&range, observed);
}

void RangePass::finish() {
  for (auto& [range, observed] : pending_) observe(*range, observed);
  pending_.clear();
}

}  // namespace engine::optical_transformer
