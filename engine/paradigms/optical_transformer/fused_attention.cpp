// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/fused_attention.h"

#ifdef PARADIGM_WITH_CUDA

#include "engine/paradigms/optical_transformer/cuda_attention.h"
#include "engine/paradigms/optical_transformer/cuda_scope.h"
#include "kernels/optical_attention/optical_attention.h"

#include <ATen/cuda/CUDAContextLight.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace engine::optical_transformer {
namespace {

using on_cuda::CudaScope;

kernels::AttentionExtent extent_of(const AttentionCall& call) {
  return {call.batch, call.heads, call.kv_heads, call.queries, call.keys, call.head_dim};
}

kernels::OpticalAttention description(const AttentionCall& call, const at::Tensor& value_range) {
  return {.extent = extent_of(call),
          .scale = call.scale,
          .levels = call.levels,
          .noisy = call.noisy,
          .clip = call.clip,
          .qk_noise = call.qk_noise,
          .v_range = value_range.defined() ? value_range.const_data_ptr<float>() : nullptr,
          .qk_range = call.qk_range.const_data_ptr<float>()};
}

/// Rows as the kernels read them, 16 bytes at a time; keeps alive what it had to copy.
class Rows {
 public:
  Rows() = default;
  explicit Rows(const at::Tensor& tensor)
      : tensor_(is_readable(tensor) ? tensor : tensor.contiguous()) {}

  operator kernels::HeadRows() const {  // NOLINT: a view of itself
    if (!tensor_.defined()) return {};
    return {tensor_.const_data_ptr(), tensor_.stride(0), tensor_.stride(1), tensor_.stride(2)};
  }

 private:
  static bool is_readable(const at::Tensor& tensor) {
    constexpr std::int64_t kElements = 8;
    const bool strides = tensor.stride(0) % kElements == 0 && tensor.stride(1) % kElements == 0 &&
                         tensor.stride(2) % kElements == 0 && tensor.stride(3) == 1;
    return strides && reinterpret_cast<std::uintptr_t>(tensor.const_data_ptr()) % 16 == 0;
  }

  at::Tensor tensor_;
};

kernels::OpticalAttentionRows pointers(const SoftmaxRows& rows) {
  return {rows.exponent.data_ptr<float>(), rows.exact_context.data_ptr()};
}

/// The most memory that a layer keeps for its codes until the gradient, for each query of a head:
/// all codes of 2048 keys, a byte each. What does not fit is made again.
constexpr std::int64_t kKeptCodeBytes = 1088;
/// And this part of the device's memory, which leaves room for all else of a large model.
constexpr std::int64_t kPartOfMemory = 200;

std::int64_t kept_queries_of(const AttentionCall& call) {
  const auto* const device = at::cuda::getDeviceProperties(call.qk_range.get_device());
  const std::int64_t bytes =
      std::min<std::int64_t>(kKeptCodeBytes * call.batch * call.heads * call.queries,
                             static_cast<std::int64_t>(device->totalGlobalMem) / kPartOfMemory);
  return kernels::cuda::optical_attention_kept_queries(extent_of(call), call.levels, bytes);
}

at::TensorOptions bytes_beside(const at::Tensor& tensor) {
  return tensor.options().dtype(at::kByte);
}

/// The codes' memory in two pieces: what is kept, and scratch.
struct CodeMemory {
  at::Tensor kept, rest;
  std::int64_t kept_queries;

  CodeMemory(const AttentionCall& call, const at::Tensor& beside, at::Tensor already_kept = {})
      : kept(std::move(already_kept)), kept_queries(kept_queries_of(call)) {
    const auto bytes =
        kernels::cuda::optical_attention_code_bytes(extent_of(call), call.levels, kept_queries);
    if (!kept.defined()) kept = at::empty({bytes.kept}, bytes_beside(beside));
    rest = at::empty({bytes.rest}, bytes_beside(beside));
  }

  kernels::AttentionCodes pointers() const {
    return {kept.data_ptr(), kept_queries, rest.data_ptr()};
  }
};

kernels::ResultRows result_rows(const at::Tensor& tensor) {
  return {tensor.data_ptr(), tensor.stride(0), tensor.stride(1), tensor.stride(2)};
}

}  // namespace

bool fuses(const AttentionCall& call, const AttentionOperands& exact,
           const AttentionOperands& quantised) {
  if (!exact.q.is_cuda() || exact.q.scalar_type() != at::kBFloat16) return false;
  const bool types = exact.k.scalar_type() == at::kBFloat16 &&
                     exact.v.scalar_type() == at::kBFloat16 &&
                     quantised.q.scalar_type() == at::kHalf;
  const bool options = call.causal && !call.frozen && call.dropout == 0 &&
                       call.softmax_type == at::kFloat && call.qk_noise.first_element % 4 == 0;
  return types && options && at::cuda::getDeviceProperties(exact.q.get_device())->major >= 8 &&
         kernels::cuda::optical_attention_fits(extent_of(call), call.levels);
}

namespace {

/// What a forward reads and writes beside its result.
struct Forward {
  Forward(const AttentionCall& call, const AttentionOperands& exact,
          const AttentionOperands& quantised, SoftmaxRows& rows)
      : how(description(call, quantised.value_range)),
        q(quantised.q),
        k(quantised.k),
        v(quantised.v),
        exact_v(exact.v),
        codes(call, exact.q) {
    const auto options = exact.q.options();
    rows = {at::empty({call.batch, call.heads, call.queries}, options.dtype(at::kFloat)),
            at::empty({call.batch, call.heads, call.queries, call.head_dim}, options), codes.kept};
  }

  kernels::OpticalAttention how;
  Rows q, k, v, exact_v;
  CodeMemory codes;
};

}  // namespace

at::Tensor fused_context(const AttentionCall& call, const AttentionOperands& exact,
                         const AttentionOperands& quantised, ScoreScope scope_of_scores,
                         ScoreStatistics& observed, SoftmaxRows& rows) {
  const CudaScope scope(exact.q);
  const Forward forward(call, exact, quantised, rows);
  const at::Tensor context =
      at::empty_like(rows.exact_context, exact.q.options().dtype(at::kFloat));
  const on_cuda::Observation observation(exact.q, scope);
  const bool sees_all = scope_of_scores == ScoreScope::full;
  if (sees_all) {
    kernels::cuda::optical_attention_score_range(forward.how, forward.q, forward.k, true,
                                                 observation.pointer(), scope.stream());
  }
  kernels::cuda::optical_attention_forward(
      forward.how, forward.q, forward.k, forward.v, forward.exact_v, forward.codes.pointers(),
      context.data_ptr<float>(), pointers(rows), sees_all ? nullptr : observation.pointer(),
      scope.stream());
  observed = {};
  if (call.counts_clamped) on_cuda::count_clamped(call, quantised, observed);
  observed.range = observation.range();
  return context;
}

bool reads_out_while_fused(const AttentionCall& call) {
  return kernels::cuda::optical_attention_is_one_chunk(extent_of(call)) &&
         call.output_type == at::kBFloat16 && call.av_noise.first_element % 4 == 0;
}

at::Tensor fused_output(const AttentionCall& call, const AttentionOperands& exact,
                        const AttentionOperands& quantised, const RangeUpdate& scores,
                        const RangeUpdate& context, SoftmaxRows& rows) {
  const CudaScope scope(exact.q);
  const Forward forward(call, exact, quantised, rows);
  const at::Tensor y =
      at::empty({call.batch, call.queries, call.heads, call.head_dim}, exact.q.options());
  const kernels::ReadOut how{.levels = call.levels, .noisy = call.noisy, .noise = call.av_noise};
  kernels::cuda::optical_attention_forward(
      forward.how, forward.q, forward.k, forward.v, forward.exact_v, forward.codes.pointers(),
      {how, on_cuda::running_range(context, /*uses_new=*/false), result_rows(y.transpose(1, 2))},
      pointers(rows), on_cuda::running_range(scores, /*uses_new=*/false), scope.stream());
  return y.view({call.batch, call.queries, call.heads * call.head_dim});
}

bool needs_quantised(const AttentionCall& call) {
  return call.clip || kept_queries_of(call) < call.queries;
}

AttentionGradient fused_gradient(const AttentionCall& call, const AttentionOperands& quantised,
                                 const AttentionOperands& exact, const SoftmaxRows& rows,
                                 const at::Tensor& gradient) {
  const CudaScope scope(gradient);
  // As [B, S, H, D] in memory: the projections' gradient takes it as it is.
  const auto rows_of = [&](std::int64_t heads, std::int64_t length) {
    return at::empty({call.batch, length, heads, call.head_dim}, exact.q.options()).transpose(1, 2);
  };
  AttentionGradient result{rows_of(call.heads, call.queries), rows_of(call.kv_heads, call.keys),
                           rows_of(call.kv_heads, call.keys)};
  const at::Tensor scratch = at::empty(
      {kernels::cuda::optical_attention_gradient_bytes(extent_of(call))}, bytes_beside(exact.q));
  const auto how = description(call, {});
  Rows q, k;
  if (needs_quantised(call)) {
    q = Rows(quantised.q);
    k = Rows(quantised.k);
  }
  const CodeMemory codes(call, exact.q, rows.codes);
  kernels::cuda::optical_attention_gradient(
      how, codes.pointers(), q, k, Rows(exact.q), Rows(exact.k), Rows(exact.v), Rows(gradient),
      pointers(rows), scratch.data_ptr(), result_rows(result.dq), result_rows(result.dk),
      result_rows(result.dv), scope.stream());
  return result;
}

}  // namespace engine::optical_transformer

#else

namespace engine::optical_transformer {

bool fuses(const AttentionCall&, const AttentionOperands&, const AttentionOperands&) {
  return false;
}

at::Tensor fused_context(const AttentionCall&, const AttentionOperands&, const AttentionOperands&,
                         ScoreScope, ScoreStatistics&, SoftmaxRows&) {
  return {};
}

bool reads_out_while_fused(const AttentionCall&) { return false; }

at::Tensor fused_output(const AttentionCall&, const AttentionOperands&, const AttentionOperands&,
                        const RangeUpdate&, const RangeUpdate&, SoftmaxRows&) {
  return {};
}

bool needs_quantised(const AttentionCall&) { return true; }

AttentionGradient fused_gradient(const AttentionCall&, const AttentionOperands&,
                                 const AttentionOperands&, const SoftmaxRows&, const at::Tensor&) {
  return {};
}

}  // namespace engine::optical_transformer

#endif
