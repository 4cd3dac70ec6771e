// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/scripted/scripted_noise.h"

#include "engine/device/current_stream.h"
#include "engine/device/parallel_for.h"
#include "kernels/noise/noise.h"
#include "kernels/noise_key.h"
#include "kernels/normal_noise/normal_noise.h"

#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>

namespace engine::scripted {
namespace {

constexpr std::int64_t kGrain = 16384;  // elements

at::Tensor drawn_on_cpu(const kernels::NoiseStream& stream, NoiseKind kind,
                        const std::vector<std::int64_t>& shape) {
  at::Tensor values = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
  float* out = values.data_ptr<float>();
  parallel_for(values.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (kind == NoiseKind::normal) {
      kernels::cpu::normal(stream.at(begin), end - begin, out + begin);
    } else {
      kernels::cpu::uniform(stream.at(begin), end - begin, out + begin);
    }
  });
  return values;
}

at::Tensor drawn(const kernels::NoiseStream& stream, NoiseKind kind,
                 const std::vector<std::int64_t>& shape, at::Device device) {
#ifdef PARADIGM_WITH_CUDA
  if (device.is_cuda()) {
    const c10::DeviceGuard guard(device);
    at::Tensor values = at::empty(shape, at::TensorOptions().dtype(at::kFloat).device(device));
    const auto draw = kind == NoiseKind::normal ? kernels::cuda::normal : kernels::cuda::uniform;
    draw(stream, values.numel(), values.data_ptr<float>(), current_stream(values));
    return values;
  }
#endif
  return drawn_on_cpu(stream, kind, shape).to(device);
}

}  // namespace

at::Tensor noise_tensor(const NoiseOwner& owner, const ScriptedNoise& noise, std::size_t index,
                        const std::vector<std::int64_t>& shape, bool is_activation,
                        const ForwardContext& context, at::Device device) {
  std::uint64_t role = kernels::noise_role::scripted + index;
  const bool is_drawn_once = noise.period == NoisePeriod::run;
  if (!is_drawn_once && context.phase != Phase::train) role += kernels::noise_role::evaluation;
  kernels::NoiseStream stream{
      kernels::noise_key(owner.run_seed, kernels::layer_id(owner.layer), owner.user_seed, role),
      {static_cast<std::uint32_t>(context.step), static_cast<std::uint32_t>(context.micro_step)},
      0};
  if (is_drawn_once) stream.time = {};
  if (is_activation) {
    std::int64_t per_sequence = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) per_sequence *= shape[i];
    stream.first_element = static_cast<std::uint64_t>(context.first_sequence * per_sequence);
  }
  return drawn(stream, noise.kind, shape, device);
}

}  // namespace engine::scripted
