// SPDX-License-Identifier: GPL-3.0-or-later
// Optical Linears that read the same input and see the same codes of it: one encoding of x, one
// product with their weights one below the other, read out side by side.
#include "engine/paradigms/optical_transformer/optical_linear.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <algorithm>

namespace engine::optical_transformer {

/// Whether this pass does nothing but use and observe running ranges in kernels.
bool OpticalLinear::computes_jointly(const at::Tensor& x, const RangePass& pass,
                                     const ForwardContext& context) const {
  // A repeated pass has no ranges to update, and must sum in the order of the first.
  return !context.is_recomputed && !options_.bypass && !options_.reference && x.numel() > 0 &&
         x.device() == weight().device() && x.size(-1) == weight().size(1) &&
         context.phase == Phase::train && operand_type(x, options_.levels) == at::kHalf &&
         pass.encodes_in_kernel(x_range_) && pass.encodes_in_kernel(w_range_) &&
         updates_in_read_out(pass, context);
}

JointOutput OpticalLinear::joint_product(std::span<LinearLayer* const> layers, const at::Tensor& x,
                                         const ForwardContext& context) {
  if (layers.size() == 1) return {};  // forward() does the same
  const at::NoGradGuard no_gradient;
  const RangePass pass(options_, context);
  std::vector<OpticalLinear*> all;
  std::vector<const RangeTracker*> x_ranges;
  std::int64_t outputs = 0;
  for (LinearLayer* layer : layers) {
    auto* const optical = dynamic_cast<OpticalLinear*>(layer);
    if (optical == nullptr || optical->options_ != options_) return {};
    all.push_back(optical);
    x_ranges.push_back(&optical->x_range_);
    outputs += optical->weight().size(0);
  }
  // Asked in the first pass already, when nothing jointly computes yet: later ones may not wait.
  if (!x_agreement_.holds(x_ranges)) return {};
  for (const OpticalLinear* layer : all) {
    if (!layer->computes_jointly(x, pass, context)) return {};
  }

  const std::int64_t rows = x.numel() / x.size(-1);
  std::vector<ReadOutColumns> columns;
  for (OpticalLinear* layer : all) {
    const std::int64_t cols = layer->weight().size(0);
    columns.push_back(
        {.cols = cols, .how = layer->read_out_of(context, rows / x.size(0) * cols), .range = {}});
  }
  if (!reads_out_side_by_side(columns)) return {};

  // Both operands of the first layer are balanced against each other, the other weights like the
  // first: x has one factor.
  const float lut_min = options_.floor_at(context.step);
  const at::Tensor stacked = at::empty({outputs, x.size(-1)}, x.options().dtype(at::kHalf));
  std::vector<OperandEncoding> operands(1);
  std::int64_t row = 0;
  for (OpticalLinear* layer : all) {
    const std::int64_t cols = layer->weight().size(0);
    operands.push_back({.dense = dense_values(layer->weight()),
                        .range = pass.update_in_kernel(layer->w_range_),
                        .lut_min = lut_min,
                        .into = stacked.narrow(0, row, cols)});
    row += cols;
  }
  operands[0].dense = dense_values(x);
  operands[0].range = pass.update_in_kernel(x_range_);
  operands[0].partner = operands[1].range.used;
  for (std::size_t i = 1; i < all.size(); ++i) {
    operands[0].followers.push_back(pass.update_in_kernel(all[i]->x_range_));
  }
  for (std::size_t i = 1; i < operands.size(); ++i) {
    operands[i].partner = operands[0].range.used;
    operands[i].balanced_as = operands[1].range.used;
  }
  const auto codes = encoded(operands, options_.levels, at::kHalf);

  const at::Tensor accumulator = product(codes[0].reshape({rows, x.size(-1)}), stacked.t());
  for (std::size_t i = 0; i < all.size(); ++i) {
    columns[i].range = pass.update_in_kernel(all[i]->out_range_);
  }
  return {.values = read_out_side_by_side(accumulator, columns, context.compute_dtype),
          .gradient = {}};
}

}  // namespace engine::optical_transformer
