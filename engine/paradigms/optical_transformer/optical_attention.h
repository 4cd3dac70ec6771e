// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/attention_core.h"
#include "engine/paradigms/optical_transformer/forward_count.h"
#include "engine/paradigms/optical_transformer/optical_attention_function.h"
#include "engine/paradigms/optical_transformer/optical_options.h"
#include "engine/paradigms/optical_transformer/range_pass.h"
#include "engine/paradigms/optical_transformer/range_tracker.h"

#include <memory>
#include <vector>

namespace engine::optical_transformer {

/// The two matmuls of causal attention on optical hardware (README, eq. 4).
class OpticalAttention final : public AttentionCore {
 public:
  OpticalAttention(std::unique_ptr<AttentionCore> original, const OpticalOptions& options,
                   std::uint64_t run_seed, c10::Device device);

  at::Tensor forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const ForwardContext& context) override;
  std::vector<NamedState> simulation_state() override;
  std::vector<NamedStatistic> statistics() override { return statistics_; }
  bool is_capturable(std::int64_t step) const override;

 private:
  AttentionCall describe(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                         const ForwardContext& context);
  at::Tensor observe_plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                     const ForwardContext& context);
  AttentionResult compute(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const ForwardContext& context);
  AttentionOperands operands_of(AttentionResult& result, const AttentionOperands& exact,
                                RangePass& pass);
  bool runs_in_sweeps(const AttentionResult& result, const AttentionOperands& exact,
                      const AttentionOperands& operands, const RangePass& pass) const;
  bool updates_in_kernel(const RangeTracker& range, const RangePass& pass,
                         const AttentionCall& call) const;
  at::Tensor context_of(AttentionResult& result, const AttentionOperands& exact,
                        const AttentionOperands& operands, RangePass& pass,
                        ScoreStatistics& scores);
  at::Tensor read_out(AttentionCall& call, const AttentionOperands& exact,
                      const AttentionOperands& operands, const at::Tensor& accumulator,
                      RangePass& pass);
  void measure(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
               const AttentionResult& result, const ScoreStatistics& scores,
               const at::Tensor& clamp_rate);
  std::vector<const RangeTracker*> tracked_ranges() const;

  std::unique_ptr<AttentionCore> original_;
  OpticalOptions options_;
  std::uint64_t run_seed_;
  c10::Device device_;
  at::Tensor refused_;  // observations of all ranges
  RangeTracker query_range_;
  RangeTracker key_range_;
  RangeTracker qk_range_;
  RangeTracker value_range_;
  RangeTracker av_range_;
  RangeTracker probability_range_;  // (0, 1) always; state only because upstream keeps it
  ForwardCount forwards_;           // semantics: reference draws its seeds from it
  std::vector<NamedStatistic> statistics_;
};

}  // namespace engine::optical_transformer
