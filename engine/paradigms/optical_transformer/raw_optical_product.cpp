// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/optical_transformer/raw_optical_product.h"

#include "engine/paradigms/optical_transformer/cuda_kernels.h"

#ifdef PARADIGM_WITH_CUDA

#include "engine/paradigms/optical_transformer/cuda_scope.h"
#include "kernels/optical_linear/raw_read_out.h"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>

#include <utility>

namespace engine::optical_transformer {
namespace {

/// More levels than these lie closer together than halves can tell apart: then sums stay in fp32.
constexpr std::int32_t kMostHalfSumLevels = 256;

/// While one lives, products that leave in halves are summed up in fp32 to the end.
class WideSums {
 public:
  WideSums()
      : was_allowed_(at::globalContext().allowFP16ReductionCuBLAS() ==
                     at::CuBLASReductionOption::AllowReducedPrecisionWithSplitK) {
    at::globalContext().setAllowFP16ReductionCuBLAS(false);
  }
  ~WideSums() { at::globalContext().setAllowFP16ReductionCuBLAS(was_allowed_); }
  WideSums(const WideSums&) = delete;
  WideSums& operator=(const WideSums&) = delete;

 private:
  bool was_allowed_;
};

kernels::cuda::RawColumns columns_of(const RawReadOut& layer) {
  kernels::cuda::RawColumns columns;
  columns.cols = layer.cols;
  columns.how = layer.how;
  if (layer.range.state.defined()) columns.running = on_cuda::running_range(layer.range, false);
  if (layer.input_range.defined()) {
    columns.input_range = layer.input_range.const_data_ptr<float>();
    columns.weight_range = layer.weight_range.const_data_ptr<float>();
  }
  return columns;
}

std::vector<kernels::cuda::RawColumns> columns_of(const std::vector<RawReadOut>& layers) {
  std::vector<kernels::cuda::RawColumns> all;
  for (const RawReadOut& layer : layers) all.push_back(columns_of(layer));
  return all;
}

class RawOpticalProduct final : public RawProduct {
 public:
  RawOpticalProduct(at::Tensor raw, std::vector<RawReadOut> layers)
      : raw_(std::move(raw)), layers_(std::move(layers)) {}

  at::Tensor values() override {
    const at::Tensor raw = std::exchange(raw_, {});
    const on_cuda::CudaScope scope(raw);
    const at::Tensor y = at::empty(raw.sizes(), raw.options().dtype(at::kBFloat16));
    kernels::cuda::read_out_raw(raw.const_data_ptr(), element_type_of(raw), raw.size(0),
                                columns_of(layers_), y.data_ptr(), scope.stream());
    return y;
  }

  bool split_heads(const at::Tensor& cos, const at::Tensor& sin, const at::Tensor& q,
                   const at::Tensor& k, const at::Tensor& v) override {
    const kernels::cuda::QkvShape shape{q.size(0), q.size(1), q.size(2), k.size(2), q.size(3) / 2};
    const auto columns = columns_of(layers_);
    if (raw_.scalar_type() != at::kHalf || q.scalar_type() != at::kBFloat16 ||
        !kernels::cuda::can_read_out_heads(columns, shape)) {
      return false;
    }
    const at::Tensor raw = std::exchange(raw_, {});
    const on_cuda::CudaScope scope(raw);
    kernels::cuda::heads_read_out(raw.const_data_ptr(), columns, shape, cos.const_data_ptr<float>(),
                                  sin.const_data_ptr<float>(), q.data_ptr(), k.data_ptr(),
                                  v.data_ptr(), scope.stream());
    return true;
  }

  bool adds_to_norm() const override {
    return layers_.size() == 1 && raw_.scalar_type() == at::kHalf &&
           kernels::cuda::can_read_out_norm(columns_of(layers_[0]));
  }

  Normed add_rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon,
                      const Extent& extent) override {
    const at::Tensor raw = std::exchange(raw_, {});
    const on_cuda::CudaScope scope(raw);
    std::vector<std::int64_t> rows = x.sizes().vec();
    rows.back() = 1;
    const Normed made{at::empty_like(x), at::empty_like(x),
                      at::empty(rows, x.options().dtype(at::kFloat))};
    kernels::cuda::norm_read_out(
        raw.const_data_ptr(), x.const_data_ptr(), weight.const_data_ptr<float>(),
        columns_of(layers_[0]), raw.size(0), static_cast<float>(epsilon), made.sum.data_ptr(),
        made.y.data_ptr(), made.scale.data_ptr<float>(), extent.pointer(), scope.stream());
    return made;
  }

  std::optional<Gated> swiglu(const Extent& extent) override {
    if (raw_.scalar_type() != at::kHalf) return std::nullopt;
    const at::Tensor raw = std::exchange(raw_, {});
    const on_cuda::CudaScope scope(raw);
    const at::Tensor y =
        at::empty({raw.size(0), layers_[0].cols}, raw.options().dtype(at::kBFloat16));
    const at::Tensor codes = at::empty(raw.sizes(), raw.options().dtype(at::kByte));
    const at::Tensor ranges = at::empty({2, 2}, raw.options().dtype(at::kFloat));
    kernels::cuda::swiglu_read_out(raw.const_data_ptr(), raw.size(0), columns_of(layers_[0]),
                                   columns_of(layers_[1]), y.data_ptr(),
                                   codes.data_ptr<std::uint8_t>(), ranges.data_ptr<float>(),
                                   extent.pointer(), scope.stream());
    return Gated{y, {codes, ranges}};
  }

  at::Tensor swiglu_gradient(const std::vector<at::Tensor>& kept,
                             const at::Tensor& y_gradient) const override {
    const at::Tensor& codes = kept[0];
    const on_cuda::CudaScope scope(codes);
    const at::Tensor gradient = at::empty(codes.sizes(), y_gradient.options());
    kernels::cuda::swiglu_codes_gradient(codes.const_data_ptr<std::uint8_t>(),
                                         kept[1].const_data_ptr<float>(), layers_[0].how.levels,
                                         y_gradient.const_data_ptr(), codes.size(0),
                                         codes.size(1) / 2, gradient.data_ptr(), scope.stream());
    return gradient;
  }

 private:
  at::Tensor raw_;  // until it is used
  std::vector<RawReadOut> layers_;
};

/// Of the layers that want it, whose exact rows are done with then.
void measure_errors(const at::Tensor& raw, std::vector<RawReadOut>& layers) {
  const on_cuda::CudaScope scope(raw);
  std::int64_t first = 0;
  for (RawReadOut& layer : layers) {
    const at::Tensor columns = raw.narrow(1, first, layer.cols);
    first += layer.cols;
    if (!layer.exact.defined()) continue;
    const at::Tensor sums =
        at::empty({kernels::cuda::kErrorSums}, raw.options().dtype(at::kDouble));
    kernels::cuda::read_out_errors(
        columns.const_data_ptr(), element_type_of(raw), raw.size(0), raw.stride(0),
        columns_of(layer), {layer.exact.const_data_ptr<float>(), layer.exact.size(0)},
        sums.data_ptr<double>(), layer.errors.data_ptr<float>(), scope.stream());
    layer.exact.reset();
  }
}

}  // namespace

bool reads_out_raw(const std::vector<RawReadOut>& layers) {
  return kernels::cuda::can_read_out_raw(columns_of(layers));
}

c10::intrusive_ptr<RawProduct> raw_optical_product(const at::Tensor& x, const at::Tensor& weights,
                                                   std::vector<RawReadOut> layers) {
  const bool in_halves = layers.front().how.levels <= kMostHalfSumLevels;
  const WideSums wide;
  at::Tensor raw = in_halves ? at::mm(x, weights.t()) : at::mm(x, weights.t(), at::kFloat);
  measure_errors(raw, layers);
  return c10::make_intrusive<RawOpticalProduct>(std::move(raw), std::move(layers));
}

}  // namespace engine::optical_transformer

#else

namespace engine::optical_transformer {

bool reads_out_raw(const std::vector<RawReadOut>&) { return false; }

c10::intrusive_ptr<RawProduct> raw_optical_product(const at::Tensor&, const at::Tensor&,
                                                   std::vector<RawReadOut>) {
  return {};
}

}  // namespace engine::optical_transformer

#endif
