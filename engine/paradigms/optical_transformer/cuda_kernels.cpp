// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/cuda_kernels.h"

#ifdef PARADIGM_WITH_CUDA

#include "engine/paradigms/optical_transformer/cuda_scope.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"
#include "kernels/encode_operands/encode_operands.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

namespace engine::optical_transformer::on_cuda {

at::Tensor observed_range(const at::Tensor& dense, const std::optional<RealPair>& quantiles) {
  const CudaScope scope(dense);
  const Observation observation(dense, scope);
  observation.add(dense);
  const at::Tensor extent = observation.range();
  if (!quantiles) return extent;
  const DeviceHistogram histogram(extent, scope);
  histogram.add(dense);
  return histogram.quantiles(quantiles->first, quantiles->second);
}

void update_range(const at::Tensor& state, const at::Tensor& observed, float smooth,
                  const at::Tensor& refused) {
  const CudaScope scope(state);
  kernels::cuda::update_range(state.data_ptr<float>(), observed.const_data_ptr<float>(), smooth,
                              refused.data_ptr<int>(), scope.stream());
}

at::Tensor count_outside(const at::Tensor& dense, const at::Tensor& range) {
  const CudaScope scope(dense);
  const at::Tensor outside = at::zeros({}, dense.options().dtype(at::kLong));
  kernels::cuda::count_outside(
      dense.const_data_ptr<float>(), dense.numel(), range.const_data_ptr<float>(),
      reinterpret_cast<unsigned long long*>(outside.data_ptr<std::int64_t>()), scope.stream());
  return outside;
}

at::Tensor range_scratch(const at::Tensor& state) {
  const CudaScope scope(state);
  const at::Tensor scratch =
      at::empty({kernels::cuda::RunningRange::kScratch}, state.options().dtype(at::kInt));
  kernels::cuda::clear_scratch(scratch.data_ptr<int>(), scope.stream());
  return scratch;
}

void observe_into(const RangeUpdate& range, const at::Tensor& dense) {
  const CudaScope scope(dense);
  kernels::cuda::observe_into(dense.const_data_ptr(), element_type_of(dense), dense.numel(),
                              running_range(range, /*uses_new=*/true), scope.stream());
}

std::vector<at::Tensor> encoded(const std::vector<OperandEncoding>& operands, std::int32_t levels,
                                c10::ScalarType type) {
  const CudaScope scope(operands.front().dense);
  std::vector<at::Tensor> codes;
  std::vector<kernels::cuda::OperandToEncode> jobs;
  for (const OperandEncoding& operand : operands) {
    const at::Tensor& x = operand.dense;
    const at::Tensor& y = codes.emplace_back(at::empty_like(x, x.options().dtype(type)));
    const bool balances = type != at::kFloat;
    kernels::cuda::OperandToEncode& job = jobs.emplace_back();
    job.x = x.const_data_ptr();
    job.type = element_type_of(x);
    job.count = x.numel();
    job.range = running_range(operand.range, /*uses_new=*/true);
    job.lut_min = operand.lut_min;
    job.partner = balances ? operand.partner.const_data_ptr<float>() : nullptr;
    job.y = y.data_ptr();
  }
  kernels::cuda::encode_operands(jobs, levels, element_type_of(codes.front()), scope.stream());
  return codes;
}

at::Tensor quantised(const at::Tensor& dense, std::int32_t levels, const at::Tensor& range,
                     float lut_min, c10::ScalarType type, const at::Tensor& partner) {
  const CudaScope scope(dense);
  const bool balances = type != at::kFloat;
  const at::Tensor result = at::empty_like(dense, dense.options().dtype(type));
  kernels::cuda::quantise(dense.const_data_ptr(), element_type_of(dense), dense.numel(), levels,
                          range.const_data_ptr<float>(), lut_min, result.data_ptr(),
                          element_type_of(result), scope.stream(),
                          balances ? partner.const_data_ptr<float>() : nullptr);
  return result;
}

at::Tensor read_out(const at::Tensor& rows, const kernels::ReadOut& how, c10::ScalarType type,
                    at::Tensor& observed) {
  const CudaScope scope(rows);
  const at::Tensor y =
      type == at::kFloat ? rows : at::empty(rows.sizes(), rows.options().dtype(type));
  const Observation observation(rows, scope);
  const std::int64_t cols = rows.size(-1);
  kernels::cuda::read_out(rows.const_data_ptr<float>(), rows.numel() / cols, cols, how,
                          y.data_ptr(), element_type_of(y), observation.pointer(), scope.stream());
  observed = observation.range();
  return y;
}

at::Tensor read_out(const at::Tensor& rows, const kernels::ReadOut& how, c10::ScalarType type,
                    const RangeUpdate& range) {
  const CudaScope scope(rows);
  const at::Tensor y =
      type == at::kFloat ? rows : at::empty(rows.sizes(), rows.options().dtype(type));
  const std::int64_t cols = rows.size(-1);
  kernels::cuda::read_out(rows.const_data_ptr<float>(), rows.numel() / cols, cols, how,
                          y.data_ptr(), element_type_of(y),
                          running_range(range, /*uses_new=*/false), scope.stream());
  return y;
}

}  // namespace engine::optical_transformer::on_cuda

#endif
