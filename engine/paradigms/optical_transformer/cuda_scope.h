// SPDX-License-Identifier: GPL-3.0-or-later
// Included only where kernels for CUDA are built.
#pragma once

#include "engine/device/current_stream.h"
#include "engine/device/element_type.h"
#include "engine/paradigms/optical_transformer/tensor_kernels.h"
#include "kernels/device.h"
#include "kernels/range_statistics/range_statistics.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>

namespace engine::optical_transformer::on_cuda {

/// Makes the tensor's device the current one; kernels go to its current stream.
class CudaScope {
 public:
  explicit CudaScope(const at::Tensor& tensor)
      : guard_(tensor.device()), stream_(current_stream(tensor)) {}

  kernels::Stream stream() const { return stream_; }

 private:
  c10::cuda::CUDAGuard guard_;
  kernels::Stream stream_;
};

inline kernels::cuda::RunningRange running_range(const RangeUpdate& range, bool uses_new) {
  return {.state = range.state.data_ptr<float>(),
          .scratch = range.scratch.data_ptr<int>(),
          .rejected = range.refused.data_ptr<int>(),
          .used = range.used.data_ptr<float>(),
          .uses_new = uses_new,
          .smooth = range.smooth};
}

/// A range in the making.
class Observation {
 public:
  Observation(const at::Tensor& on_device_of, const CudaScope& scope)
      : stream_(scope.stream()), memory_(at::empty({3}, on_device_of.options().dtype(at::kInt))) {
    kernels::cuda::clear(pointer(), stream_);
  }

  kernels::cuda::ObservedRange pointer() const { return memory_.data_ptr<int>(); }
  void add(const at::Tensor& dense) const {
    kernels::cuda::observe(dense.const_data_ptr(), element_type_of(dense), dense.numel(), pointer(),
                           stream_);
  }
  /// {lo, hi} of everything so far.
  at::Tensor range() const {
    const at::Tensor range = at::empty({2}, memory_.options().dtype(at::kFloat));
    kernels::cuda::store_range(pointer(), range.data_ptr<float>(), stream_);
    return range;
  }

 private:
  kernels::Stream stream_;
  at::Tensor memory_;
};

/// A kernels::Histogram on the device over `extent`.
class DeviceHistogram {
 public:
  DeviceHistogram(const at::Tensor& extent, const CudaScope& scope)
      : stream_(scope.stream()),
        extent_(extent),
        memory_(at::empty({kernels::Histogram::kBins}, extent.options().dtype(at::kLong))) {
    kernels::cuda::clear_histogram(counts(), stream_);
  }

  kernels::cuda::HistogramCounts counts() const {
    return reinterpret_cast<kernels::cuda::HistogramCounts>(memory_.data_ptr<std::int64_t>());
  }
  const float* extent() const { return extent_.const_data_ptr<float>(); }
  void add(const at::Tensor& dense) const {
    kernels::cuda::count_values(dense.const_data_ptr(), element_type_of(dense), dense.numel(),
                                extent(), counts(), stream_);
  }
  at::Tensor quantiles(double low, double high) const {
    const at::Tensor range = at::empty({2}, extent_.options());
    kernels::cuda::store_quantiles(counts(), extent(), low, high, range.data_ptr<float>(), stream_);
    return range;
  }

 private:
  kernels::Stream stream_;
  at::Tensor extent_;
  at::Tensor memory_;
};

}  // namespace engine::optical_transformer::on_cuda
