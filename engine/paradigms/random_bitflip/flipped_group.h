// SPDX-License-Identifier: GPL-3.0-or-later
// Layers that read one input on CUDA, where flips are rare and in 16 bits: one product for all of
// them, and few corrections; or, where products are large, one by one in turns on the input itself.
// kernels/bit_flip/flip_group.h
#pragma once

#include "engine/model/linear_layer.h"
#include "engine/paradigms/random_bitflip/flipped_linear_function.h"
#include "engine/paradigms/random_bitflip/seen_weights.h"

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace kernels::cuda {
struct FlipNotes;
struct NotedGroup;
}  // namespace kernels::cuda

namespace engine::random_bitflip {

/// A weight and how its layer flips.
struct FlippedLayer {
  at::Tensor weight;  ///< [out, in], fp32
  LinearFlips flips;
};

/// Whether the layers may be a group: x is [..., in] in row-major memory. Several layers that flip
/// it have to own it.
bool makes_group(const at::Tensor& x, const std::vector<FlippedLayer>& layers, bool owns_input);

/// One forward pass of the layers, and its gradient: that of README, eq. 3.
class FlippedGroup final : public JointGradient {
 public:
  /// `owns_input`: nobody else reads x, from product() until gradients() is done; it may change.
  /// `weights`: as the layers see them.
  FlippedGroup(std::vector<FlippedLayer> layers, bool owns_input, SeenWeights weights);

  /// What the layers make of x, [rows, sum of outputs], before correct().
  at::Tensor product(const at::Tensor& x, const Extent& extent);
  /// Makes it what each layer makes of what it sees.
  void correct(const at::Tensor& x, const at::Tensor& product) const;
  /// correct() of two layers, gate and up, and silu(gate)·up of their outputs, [rows, outputs of
  /// each], whose extent it folds in where one is wanted. Undefined, and nothing done, where they
  /// do not match.
  at::Tensor correct_and_gate(const at::Tensor& x, const at::Tensor& product,
                              const Extent& extent) const;
  std::vector<at::Tensor> gradients(const at::Tensor& x, const at::Tensor& product) override;

 private:
  bool is_exact() const { return layers_[0].flips.x.is_exact; }
  /// Whether the layers can be gate and up.
  bool gates() const { return outputs_.size() == 2 && outputs_[0] == outputs_[1]; }
  void note(const at::Tensor& x, const Extent& extent);
  kernels::cuda::FlipNotes notes() const;
  kernels::cuda::NotedGroup noted(const at::Tensor& x) const;
  void turn_to(std::size_t layer, const at::Tensor& x);
  /// What the product takes, [rows, in].
  at::Tensor taken(const at::Tensor& x) const;
  at::Tensor weight_gradient(const at::Tensor& x, const at::Tensor& product);

  std::vector<FlippedLayer> layers_;
  std::vector<std::int64_t> outputs_;
  bool owns_input_;
  bool takes_turns_ = false;  ///< products one by one, on x as each layer sees it
  std::size_t turn_ = 0;      ///< whose x it is now
  SeenWeights weights_;
  at::Tensor seen_;  ///< what a layer alone sees of an input that others read too
  // kernels::cuda::FlipNotes
  at::Tensor counts_, entries_, columns_, rows_, large_counts_, large_, panel_counts_, panels_;
};

/// The product of a group that is still to be corrected.
class FlippedProduct final : public RawProduct {
 public:
  FlippedProduct(c10::intrusive_ptr<FlippedGroup> group, at::Tensor x, const Extent& extent);

  at::Tensor values() override;
  std::optional<Gated> swiglu(const Extent& extent) override;
  at::Tensor swiglu_gradient(const std::vector<at::Tensor>& kept,
                             const at::Tensor& y_gradient) const override;

 private:
  c10::intrusive_ptr<FlippedGroup> group_;
  at::Tensor x_, product_;  ///< until used
};

}  // namespace engine::random_bitflip
