// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/device/weight_gradient.h"

#include <ATen/ops/add.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/mm.h>

#ifdef PARADIGM_TORCH_CUDA
#include <ATen/cuda/CUDAContextLight.h>
#endif

namespace engine {
namespace {

std::int64_t multiprocessors_of([[maybe_unused]] const at::Tensor& tensor) {
#ifdef PARADIGM_TORCH_CUDA
  if (tensor.is_cuda()) {
    return at::cuda::getDeviceProperties(tensor.device().index())->multiProcessorCount;
  }
#endif
  return 0;
}

}  // namespace

// Where the tiles in which products are fastest are 0.4 to 0.5 times the multiprocessors, cuBLAS
// takes smaller ones to have more, and no parts of the sums: q, k and v of 400M, [1600, 960] of
// 24,576 rows, took an H100 145 us whole and 102 us in two halves. It parts those with fewer tiles
// itself, and from half a wave on halves gain nothing.
int parts_of_weight_gradient(std::int64_t rows, std::int64_t out, std::int64_t in,
                             std::int64_t multiprocessors) {
  const std::int64_t tiles = (out + 255) / 256 * ((in + 127) / 128);
  return rows % 2 == 0 && 2 * tiles <= multiprocessors && 5 * tiles >= 2 * multiprocessors ? 2 : 1;
}

at::Tensor weight_gradient(const at::Tensor& g, const at::Tensor& x) {
  const std::int64_t rows = g.size(0);
  if (parts_of_weight_gradient(rows, g.size(1), x.size(1), multiprocessors_of(g)) == 1) {
    return at::mm(g.t(), x, at::kFloat);
  }
  const auto halves = [&](const at::Tensor& of) { return of.reshape({2, rows / 2, of.size(1)}); };
  const at::Tensor parts = at::bmm(halves(g).transpose(1, 2), halves(x), at::kFloat);
  return at::add(parts[0], parts[1]);
}

}  // namespace engine
