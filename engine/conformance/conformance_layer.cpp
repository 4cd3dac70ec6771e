// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/conformance/conformance_layer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>

#include <utility>

namespace engine {
namespace {

constexpr AttentionShape kHeads{4, 2, 8, 0};

at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed, at::Device device) {
  return at::randn(shape, at::detail::createCPUGenerator(seed)).to(device);
}

class LinearOnly final : public ConformanceLayer {
 public:
  LinearOnly(std::unique_ptr<LinearLayer> layer, at::Device device)
      : layer_(std::move(layer)), device_(device) {}
  at::Tensor forward(const ForwardContext& context, const std::vector<at::Tensor>& x) override {
    return layer_->forward(x[0], context);
  }
  std::vector<NamedState> state() override { return layer_->simulation_state(); }
  std::vector<NamedStatistic> statistics() override { return layer_->statistics(); }
  std::vector<at::Tensor> parameters() override { return {layer_->weight(), layer_->bias()}; }
  std::vector<at::Tensor> inputs(std::int64_t batch, std::uint64_t seed) const override {
    return {normal({batch, 11, 33}, seed, device_)};
  }
  std::vector<std::int64_t> output_shape(std::int64_t batch) const override {
    return {batch, 11, 17};
  }
  bool is_transformed() const override { return layer_->is_transformed(); }
  std::string name() const override { return layer_->name(); }

 private:
  std::unique_ptr<LinearLayer> layer_;
  at::Device device_;
};

class AttentionOnly final : public ConformanceLayer {
 public:
  AttentionOnly(std::unique_ptr<AttentionCore> layer, at::Device device)
      : layer_(std::move(layer)), device_(device) {}
  at::Tensor forward(const ForwardContext& context, const std::vector<at::Tensor>& x) override {
    return layer_->forward(x[0], x[1], x[2], context);
  }
  std::vector<NamedState> state() override { return layer_->simulation_state(); }
  std::vector<NamedStatistic> statistics() override { return layer_->statistics(); }
  std::vector<at::Tensor> inputs(std::int64_t batch, std::uint64_t seed) const override {
    return {normal({batch, 4, 19, 8}, seed, device_), normal({batch, 2, 19, 8}, seed + 1, device_),
            normal({batch, 2, 19, 8}, seed + 2, device_)};
  }
  std::vector<std::int64_t> output_shape(std::int64_t batch) const override {
    return {batch, 19, 32};
  }
  bool is_transformed() const override { return layer_->is_transformed(); }
  std::string name() const override { return layer_->name(); }

 private:
  std::unique_ptr<AttentionCore> layer_;
  at::Device device_;
};

std::unique_ptr<LinearLayer> plain_linear(at::Device device) {
  return std::make_unique<PlainLinear>("model.layers.0.mlp.up_proj",
                                       normal({17, 33}, 1, device).set_requires_grad(true),
                                       normal({17}, 2, device).set_requires_grad(true));
}

std::unique_ptr<AttentionCore> plain_attention() {
  return std::make_unique<PlainAttention>("model.layers.0.self_attn", kHeads);
}

}  // namespace

ConformanceLayer::~ConformanceLayer() = default;

std::unique_ptr<ConformanceLayer> plain_layer(const ConformanceCase& subject) {
  if (subject.kind == LayerKind::attention)
    return std::make_unique<AttentionOnly>(plain_attention(), subject.device);
  return std::make_unique<LinearOnly>(plain_linear(subject.device), subject.device);
}

std::unique_ptr<ConformanceLayer> simulated_layer(const ConformanceCase& subject,
                                                  const ParamValues& values,
                                                  std::uint64_t run_seed) {
  const ReplaceContext context{.run_seed = run_seed, .device = subject.device};
  if (subject.kind == LayerKind::attention)
    return std::make_unique<AttentionOnly>(
        subject.paradigm->replace(plain_attention(), values, context), subject.device);
  return std::make_unique<LinearOnly>(
      subject.paradigm->replace(plain_linear(subject.device), values, context), subject.device);
}

}  // namespace engine
