// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/layer_watch.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace engine {

struct LayerWatch::Sums {
  std::string layer;
  at::Tensor squares{};  ///< [2] fp64: of the plain output, of the error; undefined: no error

  void add(const at::Tensor& plain, const at::Tensor& simulated) {
    const at::NoGradGuard no_grad;
    const at::Tensor exact = plain.to(at::kDouble);
    const at::Tensor error = simulated.to(at::kDouble).sub_(exact);
    const at::Tensor both = at::stack({exact.square().sum(), error.square().sum()});
    squares = squares.defined() ? squares + both : both;
  }
};

namespace {

using Ask = std::function<void()>;
using SumsPtr = std::shared_ptr<LayerWatch::Sums>;

class WatchedLinear final : public LinearLayer {
 public:
  WatchedLinear(std::unique_ptr<LinearLayer> layer, Ask ask, SumsPtr sums)
      : LinearLayer(layer->name(), layer->weight(), layer->bias()),
        layer_(std::move(layer)),
        plain_(name(), weight(), bias()),
        ask_(std::move(ask)),
        sums_(std::move(sums)) {}

  at::Tensor forward(const at::Tensor& x, const ForwardContext& context) override {
    if (ask_) ask_();
    at::Tensor y = layer_->forward(x, context);
    if (sums_ && context.phase == Phase::evaluate) sums_->add(plain_.forward(x, context), y);
    return y;
  }
  std::vector<NamedState> simulation_state() override { return layer_->simulation_state(); }
  std::vector<NamedStatistic> statistics() override { return layer_->statistics(); }
  bool is_transformed() const override { return layer_->is_transformed(); }
  bool computes_plainly() const override { return layer_->computes_plainly(); }

 private:
  std::unique_ptr<LinearLayer> layer_;
  PlainLinear plain_;
  Ask ask_;
  SumsPtr sums_;  ///< null: no error is measured
};

class WatchedAttention final : public AttentionCore {
 public:
  WatchedAttention(std::unique_ptr<AttentionCore> layer, Ask ask, SumsPtr sums)
      : AttentionCore(layer->name(), layer->shape()),
        layer_(std::move(layer)),
        plain_(name(), shape()),
        ask_(std::move(ask)),
        sums_(std::move(sums)) {}

  at::Tensor forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const ForwardContext& context) override {
    if (ask_) ask_();
    at::Tensor y = layer_->forward(q, k, v, context);
    if (sums_ && context.phase == Phase::evaluate) sums_->add(plain_.forward(q, k, v, context), y);
    return y;
  }
  std::vector<NamedState> simulation_state() override { return layer_->simulation_state(); }
  std::vector<NamedStatistic> statistics() override { return layer_->statistics(); }
  bool is_transformed() const override { return layer_->is_transformed(); }

 private:
  std::unique_ptr<AttentionCore> layer_;
  PlainAttention plain_;
  Ask ask_;
  SumsPtr sums_;  ///< null: no error is measured
};

double decibels(double signal, double error) {
  if (error == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / error);
}

}  // namespace

LayerWatch::LayerWatch(Llama& model, const Ask& ask, bool measures_errors) {
  const auto sums_for = [&](const auto& layer) {
    if (!measures_errors || !layer.is_transformed()) return SumsPtr();
    sums_.push_back(std::make_shared<Sums>(Sums{layer.name()}));
    return sums_.back();
  };
  const auto watch_linear = [&](LayerSlot<LinearLayer>& slot) {
    SumsPtr sums = sums_for(*slot);
    slot.replace([&](std::unique_ptr<LinearLayer> layer) -> std::unique_ptr<LinearLayer> {
      return std::make_unique<WatchedLinear>(std::move(layer), ask, std::move(sums));
    });
  };
  // In module order: an attention before the projections of its block.
  const auto attentions = model.attention_slots();
  const auto linears = model.linear_slots();
  const std::size_t in_block = attentions.empty() ? 0 : (linears.size() - 1) / attentions.size();
  for (std::size_t block = 0; block < attentions.size(); ++block) {
    LayerSlot<AttentionCore>& slot = *attentions[block];
    SumsPtr sums = sums_for(*slot);
    slot.replace([&](std::unique_ptr<AttentionCore> layer) -> std::unique_ptr<AttentionCore> {
      return std::make_unique<WatchedAttention>(std::move(layer), ask, std::move(sums));
    });
    for (std::size_t i = 0; i < in_block; ++i) watch_linear(*linears[block * in_block + i]);
  }
  watch_linear(*linears.back());
}

LayerWatch::~LayerWatch() = default;

std::vector<LayerError> LayerWatch::errors() const {
  std::vector<at::Tensor> measured;
  for (const auto& sums : sums_) {
    if (sums->squares.defined()) measured.push_back(sums->squares);
  }
  at::Tensor on_host;
  if (!measured.empty()) on_host = at::stack(measured).cpu();
  const double* numbers = measured.empty() ? nullptr : on_host.const_data_ptr<double>();
  std::vector<LayerError> errors;
  for (const auto& sums : sums_) {
    double sqnr = std::numeric_limits<double>::infinity();
    if (sums->squares.defined()) {
      sqnr = decibels(numbers[0], numbers[1]);
      numbers += 2;
    }
    errors.push_back({sums->layer, sqnr});
  }
  return errors;
}

}  // namespace engine
