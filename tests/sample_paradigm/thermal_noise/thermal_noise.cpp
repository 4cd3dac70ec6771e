// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/error.h"
#include "engine/transform/paradigm.h"
#include "kernels/noise_key.h"
#include "kernels/normal_noise/normal_noise.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>

#include <utility>

namespace engine {
namespace {

constexpr std::uint64_t kRole = 112;

class ThermalLinear final : public LinearLayer {
 public:
  ThermalLinear(std::unique_ptr<LinearLayer> original, const ParamValues& values,
                std::uint64_t run_seed)
      : LinearLayer(original->name(), original->weight(), original->bias()),
        original_(std::move(original)),
        deviation_(values.get_scheduled_real("t_noise")),
        bypass_(values.get_bool("t_bypass")),
        run_seed_(run_seed),
        user_seed_(static_cast<std::uint64_t>(values.get_int("t_seed"))) {}

  at::Tensor forward(const at::Tensor& x, const ForwardContext& context) override {
    if (bypass_ || x.numel() == 0) return original_->forward(x, context);
    if (!x.is_cpu()) fail("bad-device", {}, name() + ": thermal_noise runs on the CPU only");
    const at::Tensor product = at::linear(x.to(at::kFloat), weight(), bias());
    const at::Tensor noise = noise_like(product.detach(), context);
    if (context.measure)
      snr_ = product.detach().pow(2).mean().div(noise.pow(2).mean()).log10() * 10;
    return (product + noise).to(context.compute_dtype);
  }

  std::vector<NamedStatistic> statistics() override {
    if (!snr_.defined()) return {};
    return {{"snr_db", snr_}};
  }
  bool computes_plainly() const override { return bypass_; }

 private:
  at::Tensor noise_like(const at::Tensor& product, const ForwardContext& context) const {
    const at::NoGradGuard no_gradient;
    std::uint64_t role = kRole;
    if (context.phase != Phase::train) role += kernels::noise_role::evaluation;
    const std::uint64_t key =
        kernels::noise_key(run_seed_, kernels::layer_id(name()), user_seed_, role);
    const kernels::NoiseStream stream{
        .key = key,
        .time = {static_cast<std::uint32_t>(context.step),
                 static_cast<std::uint32_t>(context.micro_step)},
        .first_element =
            static_cast<std::uint64_t>(context.first_sequence * product.numel() / product.size(0))};
    at::Tensor noise = at::empty(product.sizes(), product.options());
    kernels::cpu::normal(stream, noise.numel(), noise.mutable_data_ptr<float>());
    return noise * deviation_.at(context.step);
  }

  std::unique_ptr<LinearLayer> original_;
  ScheduledReal deviation_;
  bool bypass_;
  std::uint64_t run_seed_;
  std::uint64_t user_seed_;
  at::Tensor snr_;
};

class ThermalNoise final : public Paradigm {
 public:
  std::string id() const override { return "thermal_noise"; }
  std::unique_ptr<LinearLayer> replace(std::unique_ptr<LinearLayer> original,
                                       const ParamValues& values,
                                       const ReplaceContext& context) const override {
    return std::make_unique<ThermalLinear>(std::move(original), values, context.run_seed);
  }
};

}  // namespace

std::shared_ptr<Paradigm> make_thermal_noise() { return std::make_shared<ThermalNoise>(); }

}  // namespace engine
