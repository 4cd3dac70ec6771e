// SPDX-License-Identifier: GPL-3.0-or-later
// Fused optical attention beside scaled_dot_product_attention, forward and backward, same shapes,
// one process: median of 20 on CUDA events, bf16. Shapes of the 60M and 400M models.
#include "kernels/optical_attention/optical_attention.h"

#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

namespace {

double median_ms(const std::function<void()>& work) {
  std::vector<double> times;
  for (int i = 0; i < 25; ++i) {
    at::cuda::CUDAEvent begin(cudaEventDefault), end(cudaEventDefault);
    begin.record();
    work();
    end.record();
    end.synchronize();
    if (i >= 5) times.push_back(begin.elapsed_time(end));
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

kernels::HeadRows rows_of(const at::Tensor& x) {
  return {x.data_ptr(), x.stride(0), x.stride(1), x.stride(2)};
}

void measure(std::int64_t batch, std::int64_t heads, std::int64_t kv_heads, std::int64_t length) {
  constexpr std::int64_t head_dim = 64;
  const kernels::Stream stream{at::cuda::getCurrentCUDAStream().stream()};
  const auto bf16 = at::TensorOptions().device(at::kCUDA).dtype(at::kBFloat16);
  const auto fp16 = bf16.dtype(at::kHalf);
  const auto fp32 = bf16.dtype(at::kFloat);
  at::Tensor q = at::randn({batch, heads, length, head_dim}, bf16).requires_grad_();
  at::Tensor k = at::randn({batch, kv_heads, length, head_dim}, bf16).requires_grad_();
  at::Tensor v = at::randn({batch, kv_heads, length, head_dim}, bf16).requires_grad_();
  const at::Tensor g = at::randn({batch, heads, length, head_dim}, bf16);

  at::Tensor y;
  const auto plain_forward = [&] {
    y = at::scaled_dot_product_attention(q, k, v, {}, 0.0, true, std::nullopt, true);
  };
  const double plain_f = median_ms(plain_forward);
  const double plain_both = median_ms([&] {
    plain_forward();
    y.backward(g);
  });

  const at::Tensor range = at::tensor({-4.0f, 4.0f}, fp32);
  const at::Tensor score_range = at::tensor({-40.0f, 40.0f}, fp32);
  const at::Tensor q16 = at::empty(q.sizes(), fp16), k16 = at::empty(k.sizes(), fp16),
                   v16 = at::empty(v.sizes(), fp16);
  const at::Tensor context = at::empty(q.sizes(), fp32), exact = at::empty(q.sizes(), bf16);
  const at::Tensor exponent = at::empty({batch, heads, length}, fp32);
  const at::Tensor observed = at::zeros({3}, bf16.dtype(at::kInt));
  const at::Tensor dq = at::empty_like(q), dk = at::empty_like(k), dv = at::empty_like(v);
  const float* unit = range.const_data_ptr<float>();
  const kernels::OpticalAttention how{.extent = {batch, heads, kv_heads, length, length, head_dim},
                                      .scale = 0.125f,
                                      .qk_noise = {.key = 42, .time = {1, 0}},
                                      .v_range = unit,
                                      .qk_range = score_range.const_data_ptr<float>()};
  const kernels::OpticalAttentionRows rows{exponent.data_ptr<float>(), exact.data_ptr()};
  using kernels::ElementType;
  const double quantise = median_ms([&] {
    const auto one = [&](const at::Tensor& x, const at::Tensor& out) {
      kernels::cuda::quantise(x.const_data_ptr(), ElementType::bf16, x.numel(), 256, unit, 0.02f,
                              out.data_ptr(), ElementType::fp16, stream, unit);
    };
    one(q, q16);
    one(k, k16);
    one(v, v16);
  });
  const auto bytes = kernels::cuda::optical_attention_code_bytes(how.extent, how.levels, 0);
  const at::Tensor memory = at::empty({bytes.rest}, bf16.dtype(at::kByte));
  const kernels::AttentionCodes no_kept{nullptr, 0, memory.data_ptr()};
  const kernels::AttentionCodes all_kept{memory.data_ptr(), length, nullptr};
  const double forward = median_ms([&] {
    kernels::cuda::optical_attention_forward(how, rows_of(q16), rows_of(k16), rows_of(v16),
                                             rows_of(v), no_kept, context.data_ptr<float>(), rows,
                                             observed.data_ptr<int>(), stream);
  });
  const at::Tensor scratch = at::empty(
      {kernels::cuda::optical_attention_gradient_bytes(how.extent)}, bf16.dtype(at::kByte));
  const auto result = [](const at::Tensor& x) {
    return kernels::ResultRows{x.data_ptr(), x.stride(0), x.stride(1), x.stride(2)};
  };
  const auto backward = [&](const kernels::AttentionCodes& codes) {
    return median_ms([&] {
      kernels::cuda::optical_attention_gradient(
          how, codes, rows_of(q16), rows_of(k16), rows_of(q), rows_of(k), rows_of(v), rows_of(g),
          rows, scratch.data_ptr(), result(dq), result(dk), result(dv), stream);
    });
  };
  const bool can_keep = kernels::cuda::optical_attention_is_one_chunk(how.extent);
  const double kept = can_keep ? backward(all_kept) : 0, again = backward(no_kept);
  std::printf(
      "%2lld x %4lld, %lld/%lld heads: plain forward %.3f ms, backward %.3f ms; optical encode "
      "%.3f, forward %.3f, backward %.3f, with codes made again %.3f\n",
      static_cast<long long>(batch), static_cast<long long>(length), static_cast<long long>(heads),
      static_cast<long long>(kv_heads), plain_f, plain_both - plain_f, quantise, forward, kept,
      again);
}

}  // namespace

int main(int argc, char** argv) {
  if (!at::cuda::is_available()) {
    std::printf("no CUDA device\n");
    return 0;
  }
  at::globalContext().setSDPPriorityOrder({3, 1, 2, 0, 4});
  if (argc == 5) {  // BATCH HEADS KV_HEADS LENGTH: for a profiler
    measure(std::atoll(argv[1]), std::atoll(argv[2]), std::atoll(argv[3]), std::atoll(argv[4]));
    return 0;
  }
  measure(12, 6, 2, 1024);
  measure(12, 6, 2, 2048);
  measure(12, 15, 5, 2048);
  measure(2, 6, 2, 8192);
  return 0;
}
