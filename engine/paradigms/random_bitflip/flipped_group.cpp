// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/random_bitflip/flipped_group.h"

#ifdef PARADIGM_WITH_CUDA

#include "engine/device/cuda_rows.h"
#include "engine/device/current_stream.h"
#include "engine/device/element_type.h"
#include "engine/paradigms/random_bitflip/zero_bits.h"
#include "kernels/bit_flip/flip_group.h"
#include "kernels/swiglu/swiglu.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <cstddef>

namespace engine::random_bitflip {
namespace {

namespace cuda = kernels::cuda;

bool is_alike(const OperandFlips& a, const OperandFlips& b) {
  return a.is_exact == b.is_exact && a.how.zero_from == b.how.zero_from &&
         a.how.zeroes_only_flipped == b.how.zeroes_only_flipped &&
         a.how.first_element == b.how.first_element;
}

/// The memory of a tensor that nobody else reads. Not mutable_data_ptr(): that would be a change in
/// autograd's eyes.
std::uint16_t* own_words_of(const at::Tensor& tensor) {
  return static_cast<std::uint16_t*>(const_cast<void*>(tensor.const_data_ptr()));
}

/// Elements of x times outputs: where it is more, products one by one cost less than corrections of
/// a shared one. Between the two measured on an H100: 2.6e10 and 3.8e10.
constexpr double kMostCorrected = 3e10;

at::Tensor rows_of(const at::Tensor& x) { return x.view({-1, x.size(-1)}); }

}  // namespace

bool makes_group(const at::Tensor& x, const std::vector<FlippedLayer>& layers, bool owns_input) {
  const std::int64_t columns = x.size(-1);
  if (layers.size() > cuda::kMostOfGroup || !runs_on_cuda_rows(x) || x.numel() == 0 ||
      columns % cuda::kGroupInputs != 0 || columns > cuda::kMostGroupInputs ||
      reinterpret_cast<std::uintptr_t>(x.const_data_ptr()) % 16 != 0) {
    return false;
  }
  return std::all_of(layers.begin(), layers.end(), [&](const FlippedLayer& layer) {
    const LinearFlips& flips = layer.flips;
    return x.scalar_type() != at::kFloat && x.scalar_type() == flips.compute_dtype &&
           !flips.x_counts.defined() && layer.weight.scalar_type() == at::kFloat &&
           layer.weight.is_contiguous() && layer.weight.size(0) % cuda::kGroupOutputs == 0 &&
           can_note(flips.x, x.scalar_type()) && can_note(flips.w, x.scalar_type()) &&
           is_alike(flips.x, layers[0].flips.x) &&
           (layers.size() == 1 || owns_input || flips.x.is_exact);
  });
}

FlippedGroup::FlippedGroup(std::vector<FlippedLayer> layers, bool owns_input, SeenWeights weights)
    : layers_(std::move(layers)), owns_input_(owns_input), weights_(std::move(weights)) {
  for (const FlippedLayer& layer : layers_) outputs_.push_back(layer.weight.size(0));
}

cuda::FlipNotes FlippedGroup::notes() const {
  if (!counts_.defined()) return {};
  return {counts_.mutable_data_ptr<int>(),
          reinterpret_cast<cuda::FlipEntry*>(entries_.mutable_data_ptr<std::int64_t>()),
          reinterpret_cast<std::uint16_t*>(columns_.mutable_data_ptr<std::int16_t>()),
          rows_.defined()
              ? reinterpret_cast<cuda::RowFlips*>(rows_.mutable_data_ptr<std::int64_t>())
              : nullptr,
          large_counts_.mutable_data_ptr<int>(),
          reinterpret_cast<std::uint32_t*>(large_.mutable_data_ptr<int>()),
          panels_.defined() ? panel_counts_.mutable_data_ptr<int>() : nullptr,
          panels_.defined()
              ? reinterpret_cast<cuda::ColumnFlip*>(panels_.mutable_data_ptr<std::int64_t>())
              : nullptr};
}

cuda::NotedGroup FlippedGroup::noted(const at::Tensor& x) const {
  return {.type = element_type_of(x),
          .rows = x.numel() / x.size(-1),
          .columns = x.size(-1),
          .outputs = outputs_,
          .weights = static_cast<const std::uint16_t*>(weights_.values.const_data_ptr()),
          .notes = notes()};
}

at::Tensor FlippedGroup::taken(const at::Tensor& x) const {
  return seen_.defined() ? seen_ : rows_of(x);
}

void FlippedGroup::note(const at::Tensor& x, const Extent& extent) {
  if (is_exact()) return;
  const std::int64_t columns = x.size(-1), rows = x.numel() / columns;
  std::vector<kernels::BitFlip> of_x;
  for (const FlippedLayer& layer : layers_) of_x.push_back(layer.flips.x.how);
  const auto count = static_cast<std::int64_t>(layers_.size());
  const bool is_large =
      static_cast<double>(x.numel()) * static_cast<double>(weights_.values.size(1)) >
      kMostCorrected;
  takes_turns_ = count > 1 && (is_large || !cuda::can_share_product(of_x[0]));
  const std::int64_t segments = cuda::segments_of(rows, columns);
  const auto ints = x.options().dtype(at::kInt);
  counts_ = at::empty({count, segments}, ints);
  static_assert(sizeof(cuda::FlipEntry) == sizeof(std::int64_t));
  entries_ = at::empty({count, segments, cuda::FlipNotes::kEntries}, ints.dtype(at::kLong));
  columns_ = at::empty({count, segments, cuda::FlipNotes::kEntries}, ints.dtype(at::kShort));
  large_counts_ = at::empty({segments}, ints);
  large_ = at::empty({segments, cuda::FlipNotes::kLargeWords}, ints);
  void* seen = nullptr;
  if (count > 1 && !takes_turns_) {
    const std::int64_t panels = columns / cuda::ColumnFlip::kPanel;
    static_assert(sizeof(cuda::ColumnFlip) == sizeof(std::int64_t));
    static_assert(sizeof(cuda::RowFlips) == sizeof(std::int64_t));
    if (gates()) rows_ = at::empty({rows}, ints.dtype(at::kLong));
    panel_counts_ = at::empty({count, panels}, ints);
    panels_ = at::empty({count, panels, cuda::panel_room(rows, columns)}, ints.dtype(at::kLong));
  } else if (takes_turns_ || owns_input_) {
    seen = own_words_of(x);
  } else {
    seen_ = at::empty({rows, columns}, x.options());
    seen = seen_.mutable_data_ptr();
  }
  cuda::note_flips({own_words_of(x), rows, columns, extent.pointer()}, of_x, notes(), seen,
                   current_stream(x));
}

void FlippedGroup::turn_to(std::size_t layer, const at::Tensor& x) {
  if (layer == turn_) return;
  cuda::turn_flips(noted(x), own_words_of(x), turn_, layer, current_stream(x));
  turn_ = layer;
}

at::Tensor FlippedGroup::product(const at::Tensor& x, const Extent& extent) {
  const at::NoGradGuard no_gradient;
  const c10::DeviceGuard guard(x.device());
  note(x, extent);
  if (!takes_turns_) return at::mm(taken(x), weights_.values);
  const at::Tensor rows = rows_of(x);
  const at::Tensor y = at::empty({rows.size(0), weights_.values.size(1)}, x.options());
  std::int64_t first = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    turn_to(i, x);
    at::Tensor out = y.narrow(1, first, outputs_[i]);
    at::mm_out(out, rows, weights_.values.narrow(1, first, outputs_[i]));
    first += outputs_[i];
  }
  return y;
}

void FlippedGroup::correct(const at::Tensor& x, const at::Tensor& product) const {
  if (!panels_.defined()) return;
  const c10::DeviceGuard guard(x.device());
  cuda::correct_outputs(noted(x), own_words_of(product), current_stream(x));
}

at::Tensor FlippedGroup::correct_and_gate(const at::Tensor& x, const at::Tensor& product,
                                          const Extent& extent) const {
  if (!gates()) return {};
  const c10::DeviceGuard guard(x.device());
  const at::Tensor y = at::empty({product.size(0), outputs_[0]}, product.options());
  cuda::gate_outputs(noted(x), own_words_of(product), own_words_of(y), extent.pointer(),
                     current_stream(x));
  return y;
}

/// [sum of outputs, in], of the products that take what their layers see of x, or all of x.
at::Tensor FlippedGroup::weight_gradient(const at::Tensor& x, const at::Tensor& g) {
  // In 16 bits the product can be left in fp32 at no cost, which spares a rounding and a pass.
  if (!takes_turns_) return at::mm(g.t(), taken(x), at::kFloat);
  const at::Tensor rows = rows_of(x);
  const at::Tensor all = at::empty({g.size(1), rows.size(1)}, x.options().dtype(at::kFloat));
  std::int64_t end = g.size(1);
  for (std::size_t i = layers_.size(); i-- > 0;) {  // x is as the last one sees it
    turn_to(i, x);
    const std::int64_t first = end - outputs_[i];
    at::Tensor out = all.narrow(0, first, outputs_[i]);
    at::mm_out(out, g.narrow(1, first, outputs_[i]).t(), rows, at::kFloat);
    end = first;
  }
  return all;
}

std::vector<at::Tensor> FlippedGroup::gradients(const at::Tensor& x, const at::Tensor& product) {
  const at::NoGradGuard no_gradient;
  const c10::DeviceGuard guard(x.device());
  const at::Tensor output_gradient = product.contiguous();
  const at::Tensor dx = at::mm(output_gradient, weights_.values.t()).view(x.sizes());
  const at::Tensor dw = weight_gradient(x, output_gradient);
  cuda::GroupGradients gradients{
      .outputs = static_cast<const std::uint16_t*>(output_gradient.const_data_ptr()),
      .input = static_cast<std::uint16_t*>(dx.mutable_data_ptr()),
      .weights = dw.mutable_data_ptr<float>()};
  for (std::size_t i = 0; i < weights_.zeroed.size(); ++i) {
    gradients.zeroed_weights[i] = zero_bits_of(weights_.zeroed[i]);
  }
  cuda::correct_gradients(noted(x), gradients, current_stream(x));
  std::vector<at::Tensor> results = {dx};
  std::int64_t row = 0;
  for (const std::int64_t outputs : outputs_) {
    results.push_back(dw.narrow(0, row, outputs));
    row += outputs;
  }
  return results;
}

FlippedProduct::FlippedProduct(c10::intrusive_ptr<FlippedGroup> group, at::Tensor x,
                               const Extent& extent)
    : group_(std::move(group)), x_(std::move(x)), product_(group_->product(x_, extent)) {}

at::Tensor FlippedProduct::values() {
  group_->correct(x_, product_);
  x_.reset();
  return std::move(product_);
}

std::optional<RawProduct::Gated> FlippedProduct::swiglu(const Extent& extent) {
  const at::Tensor y = group_->correct_and_gate(x_, product_, extent);
  if (!y.defined()) return std::nullopt;
  x_.reset();
  return Gated{y, {std::move(product_)}};
}

at::Tensor FlippedProduct::swiglu_gradient(const std::vector<at::Tensor>& kept,
                                           const at::Tensor& y_gradient) const {
  const at::Tensor& gate_up = kept[0];
  const at::Tensor gradient = at::empty(gate_up.sizes(), gate_up.options());
  cuda::swiglu_rows_gradient(gate_up.const_data_ptr(), y_gradient.const_data_ptr(),
                             element_type_of(gradient), gate_up.size(0), gate_up.size(1) / 2,
                             gradient.mutable_data_ptr(), current_stream(gradient));
  return gradient;
}

}  // namespace engine::random_bitflip

#else

namespace engine::random_bitflip {

bool makes_group(const at::Tensor&, const std::vector<FlippedLayer>&, bool) { return false; }
FlippedGroup::FlippedGroup(std::vector<FlippedLayer> layers, bool owns_input, SeenWeights weights)
    : layers_(std::move(layers)), owns_input_(owns_input), weights_(std::move(weights)) {}
at::Tensor FlippedGroup::product(const at::Tensor&, const Extent&) { return {}; }
void FlippedGroup::correct(const at::Tensor&, const at::Tensor&) const {}
at::Tensor FlippedGroup::correct_and_gate(const at::Tensor&, const at::Tensor&,
                                          const Extent&) const {
  return {};
}
std::vector<at::Tensor> FlippedGroup::gradients(const at::Tensor&, const at::Tensor&) { return {}; }
FlippedProduct::FlippedProduct(c10::intrusive_ptr<FlippedGroup>, at::Tensor, const Extent&) {}
at::Tensor FlippedProduct::values() { return {}; }
std::optional<RawProduct::Gated> FlippedProduct::swiglu(const Extent&) { return std::nullopt; }
at::Tensor FlippedProduct::swiglu_gradient(const std::vector<at::Tensor>&,
                                           const at::Tensor&) const {
  return {};
}

}  // namespace engine::random_bitflip

#endif
