// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/rotary.h"

#include "engine/device/cuda_rows.h"
#include "engine/device/current_stream.h"
#include "engine/device/element_type.h"
#include "engine/device/parallel_for.h"
#include "kernels/rotary/rotary.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

namespace engine {
namespace {

/// Llama 3's rule: long wavelengths are stretched by `factor`, short ones kept, those between are
/// blended.
float llama3_scaled(float frequency, const RopeScaling& scaling) {
  const double original = static_cast<double>(scaling.original_max_position_embeddings);
  const float wavelength = static_cast<float>(2 * M_PI) / frequency;
  const float longest_kept = static_cast<float>(original / scaling.high_freq_factor);
  const float shortest_stretched = static_cast<float>(original / scaling.low_freq_factor);
  const float factor = static_cast<float>(scaling.factor);
  if (wavelength < longest_kept) return frequency;
  if (wavelength > shortest_stretched) return frequency / factor;
  const float smooth =
      (static_cast<float>(original) / wavelength - static_cast<float>(scaling.low_freq_factor)) /
      static_cast<float>(scaling.high_freq_factor - scaling.low_freq_factor);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}

at::Tensor rotated_on_loops(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin,
                            bool inverse) {
  const std::int64_t sequence = x.size(1);
  const std::int64_t heads = x.size(2);
  const std::int64_t half = x.size(3) / 2;
  at::Tensor y = at::empty_like(x);
  const float* x_data = x.const_data_ptr<float>();
  const float* cos_data = cos.const_data_ptr<float>();
  const float* sin_data = sin.const_data_ptr<float>();
  float* y_data = y.mutable_data_ptr<float>();
  const std::int64_t grain = std::max<std::int64_t>(1, (1 << 15) / (heads * 2 * half));
  parallel_for(x.size(0) * sequence, grain, [&](std::int64_t begin, std::int64_t end) {
    // A piece may run over the end of a sequence: positions start again there.
    while (begin < end) {
      const std::int64_t position = begin % sequence;
      const std::int64_t count = std::min(end - begin, sequence - position);
      const std::int64_t offset = begin * heads * 2 * half;
      kernels::cpu::rotate_heads(x_data + offset, cos_data + position * half,
                                 sin_data + position * half, count, heads, half, inverse,
                                 y_data + offset);
      begin += count;
    }
  });
  return y;
}

#ifdef PARADIGM_WITH_CUDA
/// x [B, S, heads, 2·half], dense but for its rows, which may lie apart.
at::Tensor rotated_on_cuda(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin,
                           bool inverse) {
  const c10::DeviceGuard guard(x.device());
  at::Tensor y = at::empty(x.sizes(), x.options());
  kernels::cuda::rotate_heads(x.const_data_ptr(), element_type_of(x), x.stride(1),
                              cos.const_data_ptr<float>(), sin.const_data_ptr<float>(),
                              x.size(0) * x.size(1), x.size(1), x.size(2), x.size(3) / 2, inverse,
                              y.mutable_data_ptr(), current_stream(x));
  return y;
}
#endif

/// y1 = x1·cos - direction·x2·sin, y2 = x2·cos + direction·x1·sin. direction -1 is the inverse,
/// hence the gradient.
at::Tensor rotated(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin,
                   int direction) {
  if (x.is_cpu() && x.scalar_type() == at::kFloat) {
    return rotated_on_loops(x.contiguous(), cos.contiguous(), sin.contiguous(), direction < 0);
  }
#ifdef PARADIGM_WITH_CUDA
  if (x.is_cuda()) {
    const at::Tensor dense = x.contiguous();
    if (runs_on_cuda_rows(dense)) {
      return rotated_on_cuda(dense, cos.contiguous(), sin.contiguous(), direction < 0);
    }
  }
#endif
  const std::int64_t half = x.size(-1) / 2;
  const at::Tensor source = x.to(at::kFloat);
  at::Tensor result = at::empty(source.sizes(), source.options());
  const at::Tensor x1 = source.slice(-1, 0, half);
  const at::Tensor x2 = source.slice(-1, half);
  at::Tensor y1 = result.slice(-1, 0, half);
  at::Tensor y2 = result.slice(-1, half);
  at::mul_out(y1, x1, cos);
  y1.addcmul_(x2, sin, -direction);
  at::mul_out(y2, x2, cos);
  y2.addcmul_(x1, sin, direction);
  return result.to(x.scalar_type());
}

class RotaryFunction : public torch::autograd::Function<RotaryFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& cos, const at::Tensor& sin) {
    context->saved_data["cos"] = cos;
    context->saved_data["sin"] = sin;
    return rotated(x, cos, sin, 1);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const at::NoGradGuard no_grad;
    return {rotated(gradients[0], context->saved_data["cos"].toTensor(),
                    context->saved_data["sin"].toTensor(), -1),
            at::Tensor(), at::Tensor()};
  }
};

}  // namespace

std::vector<float> rotary_frequencies(const LlamaConfig& config) {
  const std::int64_t half = config.head_dim / 2;
  std::vector<float> frequencies(static_cast<std::size_t>(half));
  for (std::int64_t j = 0; j < half; ++j) {
    const float exponent = static_cast<float>(2 * j) / static_cast<float>(config.head_dim);
    float frequency = 1.0f / std::pow(static_cast<float>(config.rope_theta), exponent);
    if (config.rope_scaling) {
      const RopeScaling& scaling = *config.rope_scaling;
      frequency = scaling.type == "linear" ? frequency / static_cast<float>(scaling.factor)
                                           : llama3_scaled(frequency, scaling);
    }
    frequencies[static_cast<std::size_t>(j)] = frequency;
  }
  return frequencies;
}

RotaryTables rotary_tables(const std::vector<float>& frequencies, std::int64_t positions,
                           at::Device device) {
  const auto half = static_cast<std::int64_t>(frequencies.size());
  const auto options = at::TensorOptions().dtype(at::kFloat);
  at::Tensor cos = at::empty({positions, 1, half}, options);
  at::Tensor sin = at::empty({positions, 1, half}, options);
  float* cos_data = cos.data_ptr<float>();
  float* sin_data = sin.data_ptr<float>();
  for (std::int64_t position = 0; position < positions; ++position) {
    for (std::int64_t j = 0; j < half; ++j) {
      const float angle = static_cast<float>(position) * frequencies[static_cast<std::size_t>(j)];
      cos_data[position * half + j] = std::cos(angle);
      sin_data[position * half + j] = std::sin(angle);
    }
  }
  return {cos.to(device), sin.to(device)};
}

at::Tensor apply_rotary(const at::Tensor& x, const RotaryTables& tables) {
  const std::int64_t positions = x.size(1);
  return RotaryFunction::apply(x, tables.cos.slice(0, 0, positions),
                               tables.sin.slice(0, 0, positions));
}

}  // namespace engine
