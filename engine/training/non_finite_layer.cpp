// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/non_finite_layer.h"

#include "engine/error.h"
#include "engine/training/chunked_cross_entropy.h"
#include "engine/training/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/stack.h>

#include <memory>
#include <optional>
#include <utility>

namespace engine {
namespace {

/// What passed through the layers of one forward pass, in the order of execution; flags stay on the
/// device until all are there.
class Trail {
 public:
  void add(const std::string& layer, bool is_output, const at::Tensor& value) {
    const at::NoGradGuard no_grad;
    marks_.push_back({layer, is_output});
    flags_.push_back(at::isfinite(value.detach()).all());
  }

  void enter(const std::string& layer) { entered_ = layer; }
  /// Where the pass was when it ended early.
  const std::string& last_layer() const { return entered_; }

  struct Mark {
    std::string layer;
    bool is_output = false;
  };
  std::optional<Mark> first_bad() const {
    if (flags_.empty()) return std::nullopt;
    const at::Tensor flags = at::stack(flags_).cpu();
    const bool* is_finite = flags.const_data_ptr<bool>();
    for (std::size_t i = 0; i < marks_.size(); ++i) {
      if (!is_finite[i]) return marks_[i];
    }
    return std::nullopt;
  }

 private:
  std::string entered_;
  std::vector<Mark> marks_;
  std::vector<at::Tensor> flags_;
};

class WatchedLinear final : public LinearLayer {
 public:
  WatchedLinear(std::unique_ptr<LinearLayer> inner, Trail& trail)
      : LinearLayer(inner->name(), inner->weight(), inner->bias()),
        inner_(std::move(inner)),
        trail_(trail) {}

  at::Tensor forward(const at::Tensor& x, const ForwardContext& context) override {
    trail_.enter(name());
    trail_.add(name(), false, x);
    at::Tensor y = inner_->forward(x, context);
    trail_.add(name(), true, y);
    return y;
  }
  std::unique_ptr<LinearLayer> release() { return std::move(inner_); }

 private:
  std::unique_ptr<LinearLayer> inner_;
  Trail& trail_;
};

class WatchedAttention final : public AttentionCore {
 public:
  WatchedAttention(std::unique_ptr<AttentionCore> inner, Trail& trail)
      : AttentionCore(inner->name(), inner->shape()), inner_(std::move(inner)), trail_(trail) {}

  at::Tensor forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const ForwardContext& context) override {
    trail_.enter(name());
    at::Tensor y = inner_->forward(q, k, v, context);
    trail_.add(name(), true, y);
    return y;
  }
  std::unique_ptr<AttentionCore> release() { return std::move(inner_); }

 private:
  std::unique_ptr<AttentionCore> inner_;
  Trail& trail_;
};

/// Every layer of the model stands in a watched one while it lives.
class WatchedModel {
 public:
  WatchedModel(Llama& model, Trail& trail) : model_(model) {
    for (auto* slot : model_.linear_slots()) {
      slot->replace([&](std::unique_ptr<LinearLayer> layer) -> std::unique_ptr<LinearLayer> {
        return std::make_unique<WatchedLinear>(std::move(layer), trail);
      });
    }
    for (auto* slot : model_.attention_slots()) {
      slot->replace([&](std::unique_ptr<AttentionCore> layer) -> std::unique_ptr<AttentionCore> {
        return std::make_unique<WatchedAttention>(std::move(layer), trail);
      });
    }
  }
  ~WatchedModel() {
    for (auto* slot : model_.linear_slots()) {
      slot->replace([](std::unique_ptr<LinearLayer> layer) {
        return static_cast<WatchedLinear&>(*layer).release();
      });
    }
    for (auto* slot : model_.attention_slots()) {
      slot->replace([](std::unique_ptr<AttentionCore> layer) {
        return static_cast<WatchedAttention&>(*layer).release();
      });
    }
  }
  WatchedModel(const WatchedModel&) = delete;
  WatchedModel& operator=(const WatchedModel&) = delete;

 private:
  Llama& model_;
};

bool is_finite(const at::Tensor& tensor) { return at::isfinite(tensor).all().item<bool>(); }

/// The name of the module before a Linear whose input is bad although every layer before is fine: a
/// norm, the embedding, or the sum in between.
NonFiniteOrigin before_layer(const Llama& model, const std::string& layer) {
  const auto of_parameter = [&model](const std::string& name) -> std::optional<NonFiniteOrigin> {
    for (const Parameter& parameter : model.parameters()) {
      if (parameter.name != name + ".weight" || is_finite(parameter.tensor.detach())) continue;
      return NonFiniteOrigin{name, "the weight of " + name + " is not finite"};
    }
    return std::nullopt;
  };
  const std::size_t module = layer.find(".self_attn.") != std::string::npos
                                 ? layer.find("self_attn.")
                                 : layer.find("mlp.");
  std::string norm = "model.norm";
  if (module != std::string::npos) {
    norm = layer.substr(0, module) +
           (layer[module] == 's' ? "input_layernorm" : "post_attention_layernorm");
  }
  for (const std::string& name : {std::string("model.embed_tokens"), norm}) {
    if (auto found = of_parameter(name)) return *found;
  }
  return {norm,
          "the input of " + layer + " is not finite, while the output of every layer before it is"};
}

}  // namespace

NonFiniteOrigin first_non_finite_layer(Llama& model, const std::vector<at::Tensor>& micro_batches,
                                       std::int64_t step, c10::ScalarType compute_dtype) {
  ForwardContext context{.phase = Phase::evaluate, .compute_dtype = compute_dtype, .step = step};
  for (const at::Tensor& ids : micro_batches) {
    // Row by row: logits of all of them at once could be more than the training itself needs.
    for (std::int64_t row = 0; row < ids.size(0); ++row) {
      context.first_sequence = row;
      Trail trail;
      const WatchedModel watched(model, trail);
      const at::NoGradGuard no_grad;
      std::string refusal;
      try {
        model.logits(ids.slice(0, row, row + 1).to(model.device()), context);
      } catch (const Error& error) {
        refusal = error.problems().front().message;  // ranges that only ever saw NaN
      }
      if (const auto mark = trail.first_bad()) {
        if (!mark->is_output) return before_layer(model, mark->layer);
        return {mark->layer, "the first output that is not finite is that of " + mark->layer};
      }
      if (!refusal.empty()) {
        return {trail.last_layer(), trail.last_layer() + " gives no output: " + refusal};
      }
    }
    ++context.micro_step;
  }
  context.micro_step = 0;
  context.first_sequence = 0;
  for (const at::Tensor& ids : micro_batches) {
    zero_gradients(model.parameters());
    next_token_loss(model, ids.to(model.device()), context, 1.0).loss.backward();
    const auto& parameters = model.parameters();
    for (auto each = parameters.rbegin(); each != parameters.rend(); ++each) {
      const at::Tensor& gradient = each->tensor.grad();
      if (!gradient.defined() || is_finite(gradient)) continue;
      return {each->name.substr(0, each->name.rfind('.')),
              "the forward pass is finite; going backward, the first gradient that is not is that "
              "of " +
                  each->name};
    }
    ++context.micro_step;
  }
  return {};
}

}  // namespace engine
