// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/model/forward_context.h"
#include "engine/model/layer_input.h"
#include "engine/model/raw_product.h"
#include "engine/model/working_weights.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace engine {

/// A buffer of a simulated layer that belongs into checkpoints: fp32, changed in place, on the
/// layer's device.
struct NamedState {
  std::string name;  ///< "x_min_max"; the checkpoint key is <layer name>.<name>
  at::Tensor tensor;
};

/// Something a simulated layer measured, for `layer_stats` events.
struct NamedStatistic {
  std::string name;  ///< "clamp_rate", "out_hi": one name means one thing in every paradigm
  at::Tensor value;  ///< 0-d, on the layer's device; read by the host only when it is logged
};

/// The gradient of a product that several layers made together.
class JointGradient : public torch::CustomClassHolder {
 public:
  /// Gradients of x, in its dtype and shape, and of each layer's weight, fp32, from that of the
  /// product [rows, sum of outputs].
  virtual std::vector<at::Tensor> gradients(const at::Tensor& x, const at::Tensor& product) = 0;
};

/// The outputs of several layers for one x, without bias: values, or the product to make them of.
struct JointOutput {
  at::Tensor values;  ///< [rows, sum of outputs], side by side, in x's dtype
  c10::intrusive_ptr<RawProduct> raw;
  c10::intrusive_ptr<JointGradient> gradient;  ///< null: that of the plain product

  bool is_made() const { return values.defined() || raw; }
  /// The values; to be asked once.
  at::Tensor take_values() const { return values.defined() ? values : raw->values(); }
};

/// y = f(x; weight, bias). The plain one is an ordinary Linear; a paradigm's takes over the
/// original's tensors, so that checkpoint keys and memory do not change.
class LinearLayer {
 public:
  LinearLayer(std::string name, at::Tensor weight, at::Tensor bias);
  virtual ~LinearLayer();
  LinearLayer(const LinearLayer&) = delete;
  LinearLayer& operator=(const LinearLayer&) = delete;

  /// x [batch, sequence, in] or any rank >= 2, in context.compute_dtype -> [..., out] in the same
  /// dtype.
  virtual at::Tensor forward(const at::Tensor& x, const ForwardContext& context) = 0;
  /// Statistics and other state; empty for a layer without any.
  virtual std::vector<NamedState> simulation_state() { return {}; }
  /// What was measured in the last forward with context.measure; empty when nothing was.
  virtual std::vector<NamedStatistic> statistics() { return {}; }
  virtual bool is_transformed() const { return true; }
  /// True when forward() is now exactly x·Wᵀ + b without side effects (a plain layer, or a
  /// replacement in bypass): the model may then use weight() and bias() in a fused product instead
  /// of calling forward().
  virtual bool computes_plainly() const { return !is_transformed(); }
  /// What `layers`, this one the first and perhaps the only one, make of the x that all of them
  /// read, with all effects of their forward(), itself without autograd. Not made, and nothing
  /// done, when they have to compute one by one.
  virtual JointOutput joint_product(std::span<LinearLayer* const> /*layers*/,
                                    const LayerInput& /*input*/,
                                    const ForwardContext& /*context*/) {
    return {};
  }
  /// Called before a pass through the model with all of its layers in module order: what they can
  /// do for the whole pass at once.
  virtual void begin_pass(std::span<LinearLayer* const> /*layers*/,
                          const ForwardContext& /*context*/) {}
  /// Where the layer wants the extent of its next input, that of joint_product() in this pass with
  /// this layer the first.
  virtual Extent extent_of_input(const ForwardContext& /*context*/) { return {}; }
  /// True when a training pass at `step` and every later one launch the same kernels with the same
  /// arguments, but for what they read through context.clock, and leave nothing to the host: the
  /// pass may then be replayed as a CUDA graph.
  virtual bool is_capturable(std::int64_t /*step*/) const { return !is_transformed(); }

  /// 16-bit copies of the weights of `layers`, this one the first, as they are now. Made in passes
  /// with gradients and kept; null in others as long as there are none.
  const WorkingWeights* working_weights(std::span<LinearLayer* const> layers,
                                        c10::ScalarType dtype);
  /// What working_weights() keeps, or null.
  WorkingWeights* kept_working_weights() const { return working_weights_.get(); }

  const std::string& name() const { return name_; }     ///< Hugging Face's layer name
  const at::Tensor& weight() const { return weight_; }  ///< [out, in], fp32 master
  const at::Tensor& bias() const { return bias_; }      ///< [out], or undefined

 private:
  std::string name_;
  at::Tensor weight_;
  at::Tensor bias_;
  std::unique_ptr<WorkingWeights> working_weights_;
};

/// The ordinary layer: x·Wᵀ + b, with the weight cast to the compute dtype.
class PlainLinear final : public LinearLayer {
 public:
  using LinearLayer::LinearLayer;
  at::Tensor forward(const at::Tensor& x, const ForwardContext& context) override;
  bool is_transformed() const override { return false; }
};

}  // namespace engine
