// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/matmul_limit.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/rand.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace engine {
namespace {

/// Of a chunk of the head's, about as the loss takes them: all logits at once would not fit.
std::int64_t head_rows(c10::Device device) { return device.is_cpu() ? 256 : 4096; }

/// Reading one number waits for the device.
void wait_for(const at::Tensor& tensor) { static_cast<void>(tensor[0][0].item<float>()); }

/// Seconds of one training step's three products with a weight [out, in]: the least of a few, since
/// whatever disturbs one makes it longer.
double seconds_of(std::int64_t rows, std::int64_t in, std::int64_t out, c10::ScalarType dtype,
                  c10::Device device) {
  const auto options = at::TensorOptions().dtype(dtype).device(device);
  const at::Tensor x = at::rand({rows, in}, options) - 0.5;
  const at::Tensor weight = at::rand({out, in}, options) - 0.5;
  const at::Tensor g = at::rand({rows, out}, options) - 0.5;
  at::Tensor y = at::empty_like(g), dx = at::empty_like(x), dw = at::empty_like(weight);
  const int in_a_row = device.is_cpu() ? 1 : 20;  // small ones are over before the host looks
  double least = std::numeric_limits<double>::infinity();
  for (int repeat = 0; repeat < 4; ++repeat) {
    wait_for(x);
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < in_a_row; ++i) {
      at::mm_out(y, x, weight.t());
      at::mm_out(dx, g, weight);
      at::mm_out(dw, g.t(), x);
    }
    wait_for(dw);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    // The first one chooses algorithms.
    if (repeat > 0) least = std::min(least, taken.count() / in_a_row);
  }
  return least;
}

}  // namespace

MatmulLimit measure_matmul_limit(const LlamaConfig& config, std::int64_t rows,
                                 c10::ScalarType dtype, c10::Device device) {
  const at::NoGradGuard no_grad;
  MatmulLimit limit;
  const auto add = [&](std::int64_t count, std::int64_t rows_of_one, std::int64_t in,
                       std::int64_t out) {
    const double parts =
        static_cast<double>(count) * static_cast<double>(rows) / static_cast<double>(rows_of_one);
    limit.seconds += parts * seconds_of(rows_of_one, in, out, dtype, device);
    limit.flops += 6.0 * static_cast<double>(count * in * out) * static_cast<double>(rows);
  };
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t heads = config.num_attention_heads * config.head_dim;
  const std::int64_t kv_heads = config.num_key_value_heads * config.head_dim;
  add(config.num_hidden_layers, rows, hidden, heads + 2 * kv_heads);
  add(config.num_hidden_layers, rows, heads, hidden);
  add(config.num_hidden_layers, rows, hidden, 2 * config.intermediate_size);
  add(config.num_hidden_layers, rows, config.intermediate_size, hidden);
  add(1, std::min(rows, head_rows(device)), hidden, config.vocab_size);
  return limit;
}

}  // namespace engine
