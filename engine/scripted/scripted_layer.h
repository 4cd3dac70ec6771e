// SPDX-License-Identifier: GPL-3.0-or-later
// Layers that a scripted module computes.
#pragma once

#include "engine/model/attention_core.h"
#include "engine/model/linear_layer.h"
#include "engine/scripted/script_module.h"
#include "engine/scripted/scripted_noise.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace engine::scripted {

/// What Linear and attention share: one method of one module, called for one layer.
class ScriptedCall {
 public:
  ScriptedCall(ScriptModule module, const ScriptedMethod& method, const ParamValues& values,
               std::uint64_t run_seed, const std::string& layer);

  bool is_bypassed() const { return is_bypassed_; }
  std::vector<NamedState> state() const;
  const ScriptedMethod& method() const { return method_; }
  at::Tensor noise(std::size_t index, const std::vector<std::int64_t>& shape, bool is_activation,
                   const ForwardContext& context, at::Device device) const;

  /// Training and calibration only; nothing where the module does not observe.
  void observe(const std::vector<at::Tensor>& operands, const ForwardContext& context) const;

  /// Sets the attributes that follow a schedule. Before anything is computed for a step.
  void move_to_step(std::int64_t step);

  /// The method's result, checked against `shape`.
  at::Tensor result(const std::vector<at::Tensor>& arguments,
                    const std::vector<std::int64_t>& shape) const;

  /// Before the first result: refuses state that was never observed.
  void check_state() const;
  /// The first time: refuses a result that is not finite although `operands` are.
  void check_first_result(const std::vector<at::Tensor>& operands, const at::Tensor& y);
  bool wants_gradient_check() const { return wants_gradient_check_; }
  /// `y` was computed from `operands`, small copies that require gradients: refuses a module that
  /// gives one of them no gradient, or one that is not finite.
  void check_gradients(const std::vector<std::pair<std::string, at::Tensor>>& operands,
                       const at::Tensor& y);

 private:
  [[noreturn]] void refuse(const std::string& what, const std::string& remedy = "") const;

  ScriptModule module_;
  ScriptedMethod method_;
  NoiseOwner owner_;
  std::vector<std::pair<std::string, ScheduledReal>> schedules_;
  bool is_bypassed_ = false;
  bool wants_first_check_ = true;
  bool wants_gradient_check_ = true;
};

/// y = forward(x, weight, bias, noise …), all in fp32; the result is rounded to the compute dtype.
class ScriptedLinear final : public LinearLayer {
 public:
  ScriptedLinear(std::unique_ptr<LinearLayer> original, ScriptedCall call);

  at::Tensor forward(const at::Tensor& x, const ForwardContext& context) override;
  std::vector<NamedState> simulation_state() override { return call_.state(); }
  bool computes_plainly() const override { return call_.is_bypassed(); }

 private:
  at::Tensor computed(const at::Tensor& x, const at::Tensor& weight,
                      const ForwardContext& context) const;
  void check_gradients(const at::Tensor& x, const ForwardContext& context);

  std::unique_ptr<LinearLayer> original_;
  ScriptedCall call_;
};

/// y = attention(q, k, v, mask, noise …), q, k, v and y [B, H, S, D] in fp32, key/value heads
/// repeated.
class ScriptedAttention final : public AttentionCore {
 public:
  ScriptedAttention(std::unique_ptr<AttentionCore> original, ScriptedCall call);

  at::Tensor forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const ForwardContext& context) override;
  std::vector<NamedState> simulation_state() override { return call_.state(); }

 private:
  at::Tensor computed(const std::vector<at::Tensor>& qkv, const ForwardContext& context) const;
  void check_gradients(const std::vector<at::Tensor>& qkv, const ForwardContext& context);

  std::unique_ptr<AttentionCore> original_;
  ScriptedCall call_;
};

}  // namespace engine::scripted
