// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/probe/probe_subject.h"

#include "engine/device/shape_text.h"
#include "engine/error.h"
#include "engine/probe/layer_subject.h"
#include "engine/probe/matmul_subject.h"
#include "engine/transform/paradigm_probe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace engine {
namespace {

class LinearSubject final : public LayerSubject<LinearLayer> {
 public:
  LinearSubject(const Paradigm& paradigm, const ParamValues& values, const ProbeConfig& config,
                const ProbeInputs& inputs)
      : LayerSubject(paradigm, LayerKind::linear, config), x_(inputs.find("x")) {
    const at::Tensor weight = inputs.find("weight");
    at::Tensor bias = inputs.find("bias");
    if (weight.dim() != 2 || x_.dim() < 1 || x_.size(-1) != weight.size(1)) {
      bad_shapes(config,
                 fmt::format("x {} and weight {} do not make a Linear", shape_text(x_),
                             shape_text(weight)),
                 "Give x […, in] and weight [out, in]");
    }
    if (bias.defined() && (bias.dim() != 1 || bias.size(0) != weight.size(0))) {
      bad_shapes(
          config,
          fmt::format("bias {} does not fit weight {}", shape_text(bias), shape_text(weight)),
          "Give bias [out]");
    }
    if (bias.defined()) bias = bias.to(at::kFloat);
    add(paradigm.replace(std::make_unique<PlainLinear>(config.layer, weight.to(at::kFloat), bias),
                         paradigm.probe()->steady(values), probe_replace_context(config, x_)));
  }

  at::Tensor draw(std::int64_t step) override {
    const bool is_row = x_.dim() == 1;
    const at::Tensor x = is_row ? x_.unsqueeze(0) : x_;
    const at::Tensor y = layers_.front()->forward(x, probe_context(step, x_.scalar_type()));
    return is_row ? y.squeeze(0) : y;
  }

 private:
  at::Tensor x_;
};

void require_attention_shapes(const ProbeConfig& config, const at::Tensor& q, const at::Tensor& k,
                              const at::Tensor& v) {
  if (!is_attention(q, k, v)) {
    bad_shapes(config,
               fmt::format("q {}, k {} and v {} do not make an attention", shape_text(q),
                           shape_text(k), shape_text(v)),
               "Give q [B, H, S_q, D] and k, v [B, H_kv, S_k, D] with H a multiple of H_kv");
  }
  if (k.scalar_type() != q.scalar_type() || v.scalar_type() != q.scalar_type()) {
    fail("unsupported-dtype", {config.input}, "q, k and v differ in their dtype",
         "Store all three as F32, BF16 or F16");
  }
}

class AttentionSubject final : public LayerSubject<AttentionCore> {
 public:
  AttentionSubject(const Paradigm& paradigm, const ParamValues& values, const ProbeConfig& config,
                   const ProbeInputs& inputs)
      : LayerSubject(paradigm, LayerKind::attention, config),
        q_(inputs.find("q")),
        k_(inputs.find("k")),
        v_(inputs.find("v")) {
    require_attention_shapes(config, q_, k_, v_);
    if (!config.causal && !paradigm.probe()->offers_full_attention()) {
      fail("not-offered", {"--no-causal"},
           fmt::format("the attention of {} is causal always", paradigm.id()),
           "Leave --no-causal out");
    }
    const AttentionShape shape{q_.size(1), k_.size(1), q_.size(3), 0, config.causal};
    add(paradigm.replace(std::make_unique<PlainAttention>(config.layer, shape),
                         paradigm.probe()->steady(values), probe_replace_context(config, q_)));
  }

  at::Tensor draw(std::int64_t step) override {
    const at::Tensor y =
        layers_.front()->forward(q_, k_, v_, probe_context(step, q_.scalar_type()));
    return y.reshape({q_.size(0), q_.size(2), q_.size(1), q_.size(3)}).transpose(1, 2);
  }

 private:
  at::Tensor q_, k_, v_;
};

class TensorSubject final : public ProbeSubject {
 public:
  TensorSubject(const Paradigm& paradigm, const ParamValues& values, const ProbeConfig& config,
                const ProbeInputs& inputs)
      : config_(config), probe_(paradigm.probe()), values_(values), x_(inputs.find("x")) {
    const std::vector<std::string> roles = probe_->roles();
    if (!roles.empty() && std::find(roles.begin(), roles.end(), config.role) == roles.end()) {
      const std::string near = nearest_name(config.role, roles);
      fail("bad-value", {"--role"}, fmt::format("{} has no operand {}", paradigm.id(), config.role),
           near.empty() ? fmt::format("Known: {}", fmt::join(roles, ", "))
                        : fmt::format("Did you mean {}?", near));
    }
    for (const FixedRange& fixed : config.ranges) {
      if (fixed.site == config.role || fixed.site == "x") {
        range_ = fixed.range;
        continue;
      }
      fail("bad-value", {"--range"},
           fmt::format("the one operand here is {}, not {}", config.role, fixed.site),
           fmt::format("Give --range {}=LOW,HIGH", config.role));
    }
  }

  at::Tensor draw(std::int64_t step) override {
    EncodeCall call{.role = config_.role,
                    .layer = config_.layer,
                    .run_seed = static_cast<std::uint64_t>(config_.seed),
                    .context = probe_context(step, x_.scalar_type()),
                    .range = range_};
    const at::Tensor y = probe_->encode(x_, values_, call);
    used_ = call.range;
    return y;
  }
  std::vector<ProbeRange> ranges() override {
    if (!used_) return {};
    return {{config_.role, used_->first, used_->second, range_.has_value()}};
  }

 private:
  const ProbeConfig& config_;
  std::unique_ptr<ParadigmProbe> probe_;
  ParamValues values_;
  at::Tensor x_;
  std::optional<RealPair> range_;
  std::optional<RealPair> used_;
};

}  // namespace

ProbeSubject::~ProbeSubject() = default;

std::unique_ptr<ProbeSubject> make_probe_subject(const Paradigm& paradigm,
                                                 const ParamValues& values,
                                                 const ProbeConfig& config,
                                                 const ProbeInputs& inputs) {
  switch (config.operation) {
    case ProbeOperation::linear:
      return std::make_unique<LinearSubject>(paradigm, values, config, inputs);
    case ProbeOperation::matmul:
      return make_matmul_subject(paradigm, values, config, inputs);
    case ProbeOperation::attention:
      return std::make_unique<AttentionSubject>(paradigm, values, config, inputs);
    case ProbeOperation::tensor:
      return std::make_unique<TensorSubject>(paradigm, values, config, inputs);
  }
  return nullptr;
}

}  // namespace engine
