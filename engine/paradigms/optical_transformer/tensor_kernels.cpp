// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/tensor_kernels.h"

#include "engine/device/parallel_for.h"
#include "engine/error.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/ge.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/le.h>
#include <ATen/ops/lt.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <mutex>

namespace engine::optical_transformer {
namespace {

constexpr std::int64_t kGrain = 16384;  // elements: about 10 microseconds of work

}  // namespace

void require_cpu(const at::Tensor& tensor, const std::string& layer) {
  if (tensor.device().is_cpu()) return;
  fail("device-not-supported", {},
       "optical_transformer on " + std::string(tensor.is_cuda() ? "CUDA" : tensor.device().str()) +
           " is not built in yet: layer " + layer,
       "Run the transformed model with --device cpu; the plain model runs on CUDA");
}

at::Tensor dense_float(const at::Tensor& tensor) {
  const at::Tensor values = tensor.detach().to(at::kFloat);
  return values.is_non_overlapping_and_dense() ? values : values.contiguous();
}

at::Tensor range_tensor(const kernels::Range& range) {
  const at::Tensor tensor = at::empty({2}, at::TensorOptions().dtype(at::kFloat));
  tensor.data_ptr<float>()[0] = range.lo;
  tensor.data_ptr<float>()[1] = range.hi;
  return tensor;
}

at::Tensor observed_range(const at::Tensor& dense, const std::optional<RealPair>& quantiles) {
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

at::Tensor quantised(const at::Tensor& dense, std::int32_t levels, const at::Tensor& range,
                     float lut_min) {
  at::Tensor result = at::empty_like(dense);
  const float* x = dense.const_data_ptr<float>();
  float* y = result.data_ptr<float>();
  const float* bounds = range.const_data_ptr<float>();
  parallel_for(dense.numel(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    kernels::cpu::quantise(x + begin, end - begin, levels, bounds, lut_min, y + begin);
  });
  return result;
}

at::Tensor read_out_in_place(const at::Tensor& rows, const kernels::ReadOut& how) {
  const std::int64_t cols = rows.size(-1);
  float* values = rows.data_ptr<float>();
  kernels::Range observed;
  std::mutex mutex;
  parallel_for(rows.numel() / cols, 1 + kGrain / cols, [&](std::int64_t begin, std::int64_t end) {
    kernels::ReadOut piece = how;
    piece.noise = how.noise.at(begin * cols);
    float* start = values + begin * cols;
    const kernels::Range range =
        kernels::cpu::read_out(start, end - begin, cols, piece, start, cols);
    const std::lock_guard lock(mutex);
    observed = kernels::merge(observed, range);
  });
  return range_tensor(observed);
}

at::Tensor inside(const at::Tensor& value, const at::Tensor& range) {
  return at::ge(value, range[0]).logical_and_(at::le(value, range[1]));
}

at::Tensor clipped(const at::Tensor& gradient, const at::Tensor& value, const at::Tensor& range) {
  return at::where(inside(value, range), gradient, at::zeros_like(gradient));
}

at::Tensor share_outside(const at::Tensor& value, const at::Tensor& range) {
  return at::lt(value, range[0]).logical_or_(at::gt(value, range[1])).to(at::kFloat).mean();
}

at::Tensor signal_to_noise(const at::Tensor& exact, const at::Tensor& actual) {
  const at::Tensor signal = exact.square().sum(at::kDouble);
  const at::Tensor noise = (actual - exact).square_().sum(at::kDouble);
  return (signal / noise).log10_().mul_(10).to(at::kFloat);
}

}  // namespace engine::optical_transformer
