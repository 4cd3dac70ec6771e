// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/linear_layer.h"
#include "engine/paradigms/optical_transformer/optical_options.h"
#include "engine/paradigms/optical_transformer/range_agreement.h"
#include "engine/paradigms/optical_transformer/range_pass.h"
#include "engine/paradigms/optical_transformer/range_tracker.h"

#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace engine::optical_transformer {

struct LinearResult;
struct RawReadOut;
struct WeightEncoding;

/// A = Q(x; r_x)   B = Q(W; r_w, floor)   C = A·Bᵀ in fp32   y = Q(C; r_out, noisy) + b (README,
/// eq. 3)
class OpticalLinear final : public LinearLayer {
 public:
  OpticalLinear(std::unique_ptr<LinearLayer> original, const OpticalOptions& options,
                std::uint64_t run_seed);

  at::Tensor forward(const at::Tensor& x, const ForwardContext& context) override;
  std::vector<NamedState> simulation_state() override;
  std::vector<NamedStatistic> statistics() override { return statistics_; }
  bool is_capturable(std::int64_t step) const override;
  JointOutput joint_product(std::span<LinearLayer* const> layers, const LayerInput& input,
                            const ForwardContext& context) override;
  void begin_pass(std::span<LinearLayer* const> layers, const ForwardContext& context) override;
  Extent extent_of_input(const ForwardContext& context) override;

 private:
  kernels::ReadOut read_out_of(const ForwardContext& context, std::int64_t per_sequence) const;
  bool can_compute_raw() const;
  bool computes_raw(const RangePass& pass, const ForwardContext& context) const;
  void make_room_for_codes(const std::vector<OpticalLinear*>& all);
  WeightEncoding weight_encoding(const RangePass& pass, const ForwardContext& context,
                                 const at::Tensor& into);
  static at::Tensor weight_codes(const std::vector<OpticalLinear*>& layers, const RangePass& pass,
                                 const ForwardContext& context);
  at::Tensor observe_plain_product(const at::Tensor& x, const ForwardContext& context);
  LinearResult compute(const at::Tensor& x, const ForwardContext& context);
  std::pair<at::Tensor, at::Tensor> operands_of(const at::Tensor& x, const at::Tensor& w,
                                                const ForwardContext& context, RangePass& pass,
                                                LinearResult& result);
  bool updates_in_read_out(const RangePass& pass) const;
  at::Tensor read_out_and_observe(const at::Tensor& x, const at::Tensor& accumulator,
                                  std::int64_t per_sequence, const ForwardContext& context,
                                  RangePass& pass, LinearResult& result);
  at::Tensor read_out_range(const at::Tensor& x, const at::Tensor& accumulator,
                            const RangePass& pass);
  at::Tensor read_out_with(const at::Tensor& range, const at::Tensor& accumulator,
                           std::int64_t per_sequence, const ForwardContext& context,
                           const RangePass& pass, at::Tensor* extent = nullptr);
  void measure(const at::Tensor& x, RawReadOut& read_out);
  at::Tensor exact_outputs(const at::Tensor& x) const;
  void keep_statistics(const at::Tensor& x_range, const at::Tensor& w_range,
                       const at::Tensor& out_range, const at::Tensor& clamp_rate,
                       const at::Tensor& sqnr_db);

  std::unique_ptr<LinearLayer> original_;
  OpticalOptions options_;
  std::uint64_t run_seed_;
  at::Tensor refused_;  // observations of all ranges
  RangeTracker x_range_;
  RangeTracker w_range_;
  RangeTracker out_range_;
  std::vector<NamedStatistic> statistics_;
  RangeAgreement x_agreement_;  // of the layers that this one computes together with
  at::Tensor weight_codes_;     // halves [out, in]
  at::Tensor coded_range_;      // theirs {lo, hi}, from the begin of a pass until they are used
  std::vector<OpticalLinear*> coded_layers_;  // all whose codes this one made room for
};

}  // namespace engine::optical_transformer
