// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/operand_codes.h"

#ifdef PARADIGM_WITH_CUDA

#include "engine/device/cuda_rows.h"
#include "engine/paradigms/optical_transformer/cuda_scope.h"
#include "kernels/optical_linear/operand_codes.h"

#include <ATen/ops/empty.h>

namespace engine::optical_transformer {

bool has_operand_codes(const at::Tensor& weight) {
  return runs_on_cuda_rows(weight) && weight.scalar_type() == at::kFloat &&
         weight.size(0) % 8 == 0 && weight.size(1) % 8 == 0 &&
         weight.size(1) <= kernels::cuda::kMostTerms;
}

at::Tensor input_codes(const InputEncoding& input) {
  const at::Tensor& x = input.x;
  const on_cuda::CudaScope scope(x);
  if (!input.is_observed) {
    kernels::cuda::observe(x.const_data_ptr(), element_type_of(x), x.numel(),
                           input.range.scratch.data_ptr<int>(), scope.stream());
  }
  const at::Tensor codes = at::empty(x.sizes(), x.options().dtype(at::kHalf));
  kernels::cuda::InputToEncode job;
  job.x = x.const_data_ptr();
  job.type = element_type_of(x);
  job.count = x.numel();
  job.range = on_cuda::running_range(input.range, /*uses_new=*/true);
  for (std::size_t i = 0; i < input.followers.size(); ++i) {
    job.followers[i] = on_cuda::running_range(input.followers[i], /*uses_new=*/true);
  }
  job.levels = input.levels;
  job.codes = codes.data_ptr();
  kernels::cuda::encode_input(job, scope.stream());
  return codes;
}

void encode_weights(const std::vector<WeightEncoding>& weights) {
  if (weights.empty()) return;
  const on_cuda::CudaScope scope(weights.front().weight);
  std::vector<kernels::cuda::WeightToEncode> jobs;
  for (const WeightEncoding& one : weights) {
    kernels::cuda::WeightToEncode& job = jobs.emplace_back();
    job.w = one.weight.const_data_ptr<float>();
    job.count = one.weight.numel();
    job.range = on_cuda::running_range(one.range, /*uses_new=*/true);
    job.lut_min = one.lut_min;
    job.levels = one.levels;
    job.codes = one.into.data_ptr();
    job.forgets = one.forgets.data_ptr<int>();
  }
  kernels::cuda::encode_weights(jobs, scope.stream());
}

}  // namespace engine::optical_transformer

#else

namespace engine::optical_transformer {

bool has_operand_codes(const at::Tensor&) { return false; }
at::Tensor input_codes(const InputEncoding&) { return {}; }
void encode_weights(const std::vector<WeightEncoding>&) {}

}  // namespace engine::optical_transformer

#endif
