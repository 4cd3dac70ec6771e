// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include "engine/device/parallel_for.h"
#include "engine/error.h"
#include "engine/paradigms/optical_transformer/cuda_kernels.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/ge.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/le.h>
#include <ATen/ops/lt.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <mutex>

namespace engine::optical_transformer {
namespace {

constexpr std::int64_t kGrain = 16384;  // elements: about 10 microseconds of work

}  // namespace

void require_kernels(c10::Device device, const std::string& layer) {
  if (device.is_cpu() || (device.is_cuda() && kHasCudaKernels)) return;
  fail("device-not-supported", {},
       "optical_transformer cannot run on " + device.str() +
           " in this build, which has no kernels for it: layer " + layer,
       "Run the transformed model with --device cpu; a build with nvcc 13 has kernels for CUDA");
}

void require_same_device(const at::Tensor& input, c10::Device device, const std::string& layer) {
  if (input.device() == device) return;
  fail("device-mismatch", {},
       layer + ": the layer is on " + device.str() + ", its input on " + input.device().str(),
       "Load the model on the device that its input is on");
}

at::Tensor dense_values(const at::Tensor& tensor) {
  const at::Tensor values = tensor.is_cuda() ? tensor.detach() : tensor.detach().to(at::kFloat);
  return values.is_non_overlapping_and_dense() ? values : values.contiguous();
}

at::Tensor range_tensor(const kernels::Range& range) {
  const at::Tensor tensor = at::empty({2}, at::TensorOptions().dtype(at::kFloat));
  tensor.data_ptr<float>()[0] = range.lo;
  tensor.data_ptr<float>()[1] = range.hi;
  return tensor;
}

at::Tensor observed_range(const at::Tensor& dense, const std::optional<RealPair>& quantiles) {
  if constexpr (kHasCudaKernels) {
    if (dense.is_cuda()) return on_cuda::observed_range(dense, quantiles);
  }
  const float* x = dense.const_data_ptr<float>();
  if (quantiles) {
    return range_tensor(
        kernels::cpu::quantiles(x, dense.numel(), quantiles->first, quantiles->second));
  }
  kernels::Range observed;
  std::mutex mutex;
  parallel_for(dense.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    const kernels::Range piece = kernels::cpu::min_max(x + begin, end - begin);
    const std::lock_guard lock(mutex);
    observed = kernels::merge(observed, piece);
  });
  return range_tensor(observed);
}

void update_range(const at::Tensor& state, const at::Tensor& observed, float smooth,
                  const at::Tensor& refused) {
  if constexpr (kHasCudaKernels) {
    if (state.is_cuda()) return on_cuda::update_range(state, observed, smooth, refused);
  }
  const float* bounds = observed.const_data_ptr<float>();
  if (!kernels::update_range(state.data_ptr<float>(), {bounds[0], bounds[1]}, smooth)) {
    ++*refused.data_ptr<int>();
  }
}

at::Tensor range_scratch([[maybe_unused]] const at::Tensor& state) {
  if constexpr (kHasCudaKernels) return on_cuda::range_scratch(state);
  return {};
}

void observe_into([[maybe_unused]] const RangeUpdate& range,
                  [[maybe_unused]] const at::Tensor& dense) {
  if constexpr (kHasCudaKernels) on_cuda::observe_into(range, dense);
}

std::vector<at::Tensor> encoded([[maybe_unused]] const std::vector<OperandEncoding>& operands,
                                [[maybe_unused]] std::int32_t levels,
                                [[maybe_unused]] c10::ScalarType type) {
  if constexpr (kHasCudaKernels) return on_cuda::encoded(operands, levels, type);
  return {};
}

c10::ScalarType operand_type(const at::Tensor& dense, std::int32_t levels) {
  const bool is_half = dense.is_cuda() && dense.scalar_type() != at::kFloat;
  return is_half && levels <= kMostHalfLevels ? at::kHalf : at::kFloat;
}

at::Tensor quantised(const at::Tensor& dense, const OperandQuantiser& how) {
  if constexpr (kHasCudaKernels) {
    if (dense.is_cuda()) {
      return on_cuda::quantised(dense, how.levels, how.range, how.lut_min, how.type, how.partner);
    }
  }
  at::Tensor result = at::empty_like(dense);
  const float* x = dense.const_data_ptr<float>();
  float* y = result.data_ptr<float>();
  const float* bounds = how.range.const_data_ptr<float>();
  parallel_for(dense.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    kernels::cpu::quantise(x + begin, end - begin, how.levels, bounds, how.lut_min, y + begin);
  });
  return result;
}

at::Tensor product(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == at::kFloat ? at::mm(a, b) : at::mm(a, b, at::kFloat);
}

c10::ScalarType gradient_type(const at::Tensor& input) {
  return input.is_cuda() ? input.scalar_type() : at::kFloat;
}

at::Tensor gradient_product(const at::Tensor& a, const at::Tensor& b, c10::ScalarType type) {
  return a.scalar_type() == type ? at::mm(a, b) : product(a, b).to(type);
}

at::Tensor read_out(const at::Tensor& rows, const kernels::ReadOut& how, c10::ScalarType type,
                    at::Tensor& observed) {
  if constexpr (kHasCudaKernels) {
    if (rows.is_cuda()) return on_cuda::read_out(rows, how, type, observed);
  }
  const std::int64_t cols = rows.size(-1);
  float* values = rows.data_ptr<float>();
  kernels::Range extent;
  std::mutex mutex;
  parallel_for(rows.numel() / cols, 1 + kGrain / cols, [&](std::int64_t begin, std::int64_t end) {
    kernels::ReadOut piece = how;
    piece.noise = how.noise.at(begin * cols);
    float* start = values + begin * cols;
    const kernels::Range range =
        kernels::cpu::read_out(start, end - begin, cols, piece, start, cols);
    const std::lock_guard lock(mutex);
    extent = kernels::merge(extent, range);
  });
  observed = range_tensor(extent);
  return rows;
}

at::Tensor read_out([[maybe_unused]] const at::Tensor& rows,
                    [[maybe_unused]] const kernels::ReadOut& how,
                    [[maybe_unused]] c10::ScalarType type,
                    [[maybe_unused]] const RangeUpdate& range) {
  if constexpr (kHasCudaKernels) return on_cuda::read_out(rows, how, type, range);
  return {};
}

at::Tensor inside(const at::Tensor& value, const at::Tensor& range) {
  const at::Tensor wide =
      value.to(at::kFloat);  // a bound would else be rounded to the value's type
  return at::ge(wide, range[0]).logical_and_(at::le(wide, range[1]));
}

at::Tensor clipped(const at::Tensor& gradient, const at::Tensor& value, const at::Tensor& range) {
  return at::where(inside(value, range), gradient, at::zeros_like(gradient));
}

at::Tensor share_outside(const at::Tensor& value, const at::Tensor& range) {
  if constexpr (kHasCudaKernels) {
    if (value.is_cuda() && value.scalar_type() == at::kFloat && value.is_contiguous()) {
      return on_cuda::count_outside(value, range)
          .to(at::kDouble)
          .div_(value.numel())
          .to(at::kFloat);
    }
  }
  return at::lt(value, range[0]).logical_or_(at::gt(value, range[1])).to(at::kFloat).mean();
}

at::Tensor signal_to_noise(const at::Tensor& exact, const at::Tensor& actual) {
  const at::Tensor signal = exact.square().sum(at::kDouble);
  const at::Tensor noise = (actual - exact).square_().sum(at::kDouble);
  return (signal / noise).log10_().mul_(10).to(at::kFloat);
}

}  // namespace engine::optical_transformer
