// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/cuda_kernels.h"

#ifdef PARADIGM_WITH_CUDA

#include "engine/paradigms/optical_transformer/cuda_scope.h"

#include <ATen/ops/empty_like.h>

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

}  // namespace engine::optical_transformer::on_cuda

#endif
