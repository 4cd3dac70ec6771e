// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/random_bitflip/flipped_group.h"

#ifdef PARADIGM_WITH_CUDA

#include "engine/device/cuda_rows.h"
#include "engine/device/current_stream.h"
#include "engine/device/element_type.h"
#include "kernels/bit_flip/flip_group.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace engine::random_bitflip {
namespace {

using kernels::cuda::FlipNotes;
using kernels::cuda::FlippedWeight;
using kernels::cuda::NotedFlips;

constexpr std::int64_t kIntsOfTile =
    FlipNotes::kSlots * static_cast<std::int64_t>(sizeof(FlipNotes::Entry) / sizeof(int));

std::int64_t tiles_of(const at::Tensor& tensor, const kernels::BitFlip& how) {
  return kernels::cuda::tiles_of(tensor.numel(), how.first_element);
}

/// Nothing happens to a value but that it is stored.
kernels::BitFlip stored_in(kernels::ElementType storage) {
  kernels::BitFlip how;
  how.storage = storage;
  return how;
}

bool is_alike(const OperandFlips& a, const OperandFlips& b) {
  return a.is_exact == b.is_exact && a.how.zero_from == b.how.zero_from &&
         a.how.zeroes_only_flipped == b.how.zeroes_only_flipped &&
         a.how.first_element == b.how.first_element;
}

}  // namespace

bool makes_group(const at::Tensor& x, const std::vector<FlippedLayer>& layers) {
  if (layers.size() > kernels::cuda::kMostOfGroup || !runs_on_cuda_rows(x) || x.numel() == 0) {
    return false;
  }
  return std::all_of(layers.begin(), layers.end(), [&](const FlippedLayer& layer) {
    const LinearFlips& flips = layer.flips;
    const auto fits = [&](const OperandFlips& operand) {
      return operand.is_exact || operand.how.storage == element_type_of(x);
    };
    return x.scalar_type() != at::kFloat && x.scalar_type() == flips.compute_dtype &&
           !flips.x_counts.defined() && layer.weight.scalar_type() == at::kFloat &&
           layer.weight.is_contiguous() && fits(flips.x) && fits(flips.w) &&
           (flips.x.is_exact || kernels::cuda::can_note_flips(flips.x.how)) &&
           (flips.w.is_exact || kernels::cuda::can_note_flips(flips.w.how)) &&
           is_alike(flips.x, layers[0].flips.x);
  });
}

/// x as one layer after the other sees it; clean again when this ends.
class FlippedGroup::Turns {
 public:
  /// `held`: room for a gradient of x as large as x, where products are added up in it.
  Turns(const FlippedGroup& group, const at::Tensor& x, at::Tensor held = at::Tensor())
      : group_(group), x_(x), held_(std::move(held)) {
    if (group.layers_[0].flips.x.is_exact) return;
    copies_ = at::empty({x.numel()}, x.options());
    for (std::size_t i = 0; i < group.layers_.size(); ++i) {
      const auto layer = static_cast<std::int64_t>(i);
      flips_.push_back({.how = group.layers_[i].flips.x.how,
                        .notes = {group.counts_[layer].mutable_data_ptr<int>(),
                                  reinterpret_cast<FlipNotes::Entry*>(
                                      group.entries_[layer].mutable_data_ptr<int>())}});
    }
  }
  ~Turns() {
    try {
      change_to(nullptr);
    } catch (...) {  // a launch fails only after an error of the device, which ends the run anyway
    }
  }
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// Draws for all layers, with copies of the weights, and gives the first its turn.
  void begin(std::span<const FlippedWeight> weights) {
    kernels::cuda::flip_group(in_place(), flips_, weights, current_stream(x_));
    if (!flips_.empty()) now_ = &flips_[0];
  }
  void turn_to(std::size_t layer) {
    if (!flips_.empty()) change_to(&flips_[layer]);
  }
  void end(std::span<const FlippedWeight> weights) { change_to(nullptr, weights); }

  /// From now on the layers' products are added to a gradient of x.
  void collect(const at::Tensor& gradient) { gradient_ = gradient; }

 private:
  /// The memory of a tensor whose values are put back before anybody looks. Not mutable_data_ptr():
  /// that would be a change in autograd's eyes.
  kernels::cuda::FlippedInPlace in_place() const {
    if (flips_.empty()) return {};
    return {const_cast<void*>(x_.const_data_ptr()), x_.numel(),
            static_cast<std::uint16_t*>(copies_.mutable_data_ptr())};
  }

  void change_to(const NotedFlips* next, std::span<const FlippedWeight> weights = {}) {
    if (next == now_ && weights.empty()) return;
    kernels::cuda::FlipChange change{.x = in_place(), .from = now_, .to = next};
    // Before the first turn there is no product in it yet.
    if (gradient_.defined() && now_ != nullptr) change.gradient = gradient_.mutable_data_ptr();
    change.is_first = now_ == flips_.data();
    if (held_.defined()) {
      change.held_tiles = static_cast<std::uint16_t*>(held_.mutable_data_ptr());
    }
    kernels::cuda::change_flips(change, weights, current_stream(x_));
    now_ = next;
  }

  const FlippedGroup& group_;
  const at::Tensor& x_;
  at::Tensor held_;
  at::Tensor copies_;
  at::Tensor gradient_;
  std::vector<NotedFlips> flips_;    ///< empty where x is exact
  const NotedFlips* now_ = nullptr;  ///< null: x is clean
};

/// The weights as a launch takes them.
class FlippedGroup::Weights {
 public:
  explicit Weights(const FlippedGroup& group) {
    std::int64_t first_row = 0, first_tile = 0;
    const kernels::ElementType storage = element_type_of(group.copies_);
    for (const FlippedLayer& layer : group.layers_) {
      const OperandFlips& flips = layer.flips.w;
      const at::Tensor copy = group.copies_.narrow(0, first_row, layer.weight.size(0));
      FlippedWeight weight{.weight = layer.weight.const_data_ptr<float>(),
                           .count = layer.weight.numel(),
                           .how = flips.is_exact ? stored_in(storage) : flips.how,
                           .zeroes = {},
                           .copy = static_cast<std::uint16_t*>(copy.mutable_data_ptr())};
      if (weight.how.zeroes()) {
        weight.zeroes = {group.zero_counts_.mutable_data_ptr<int>() + first_tile,
                         reinterpret_cast<std::uint16_t*>(
                             group.zero_elements_.mutable_data_ptr<std::int16_t>()) +
                             first_tile * kernels::cuda::ZeroNotes::kSlots};
      }
      all_.push_back(weight);
      first_row += layer.weight.size(0);
      first_tile += tiles_of(layer.weight, flips.how);
    }
  }

  std::span<const FlippedWeight> all() const { return all_; }

  /// Those whose gradients stop somewhere.
  std::vector<FlippedWeight> stopping(std::span<const at::Tensor> gradients) const {
    std::vector<FlippedWeight> some;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (!all_[i].how.zeroes()) continue;
      some.push_back(all_[i]);
      some.back().gradient = gradients[i].mutable_data_ptr<float>();
    }
    return some;
  }

 private:
  std::vector<FlippedWeight> all_;
};

at::Tensor FlippedGroup::product(const at::Tensor& x) {
  const at::NoGradGuard no_gradient;
  const c10::DeviceGuard guard(x.device());
  const auto int_options = x.options().dtype(at::kInt);
  if (const LinearFlips& flips = layers_[0].flips; !flips.x.is_exact) {
    const auto count = static_cast<std::int64_t>(layers_.size());
    const std::int64_t tiles = tiles_of(x, flips.x.how);
    counts_ = at::empty({count, tiles}, int_options);
    entries_ = at::empty({count, tiles * kIntsOfTile}, int_options);
  }
  std::int64_t outputs = 0, weight_tiles = 0;
  for (const FlippedLayer& layer : layers_) {
    outputs += layer.weight.size(0);
    weight_tiles += tiles_of(layer.weight, layer.flips.w.how);
  }
  copies_ = at::empty({outputs, x.size(-1)}, x.options());
  zero_counts_ = at::empty({weight_tiles}, int_options);
  zero_elements_ =
      at::empty({weight_tiles * kernels::cuda::ZeroNotes::kSlots}, x.options().dtype(at::kShort));

  const at::Tensor rows = x.view({-1, x.size(-1)});
  const at::Tensor y = at::empty({rows.size(0), outputs}, x.options());
  Turns turns(*this, x);
  turns.begin(Weights(*this).all());
  if (layers_.size() == 1 || layers_[0].flips.x.is_exact) {
    at::Tensor out = y;
    at::mm_out(out, rows, copies_.t());
    return y;
  }
  std::int64_t first = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    turns.turn_to(i);
    const std::int64_t count = layers_[i].weight.size(0);
    at::Tensor out = y.narrow(1, first, count);
    at::mm_out(out, rows, copies_.narrow(0, first, count).t());
    first += count;
  }
  return y;
}

std::vector<at::Tensor> FlippedGroup::gradients(const at::Tensor& x, const at::Tensor& product) {
  const at::NoGradGuard no_gradient;
  const c10::DeviceGuard guard(x.device());
  const at::Tensor rows = x.view({-1, x.size(-1)});
  // In 16 bits the product can be left in fp32 at no cost, which spares a rounding and a pass.
  const auto weight_gradient = [&](const at::Tensor& g) { return at::mm(g.t(), rows, at::kFloat); };
  at::Tensor dx = at::empty(x.sizes(), x.options());
  at::Tensor dx_rows = dx.view(rows.sizes());
  std::vector<at::Tensor> results = {dx};

  const bool is_exact = layers_[0].flips.x.is_exact;
  const at::Tensor held =
      layers_.size() > 1 && !is_exact ? at::empty({x.numel()}, x.options()) : at::Tensor();
  Turns turns(*this, x, held);
  if (is_exact) {
    at::mm_out(dx_rows, product, copies_);
    const at::Tensor all = weight_gradient(product);
    std::int64_t first = 0;
    for (const FlippedLayer& layer : layers_) {
      results.push_back(all.narrow(0, first, layer.weight.size(0)));
      first += layer.weight.size(0);
    }
  } else {
    std::int64_t first = 0;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      turns.turn_to(i);
      const std::int64_t count = layers_[i].weight.size(0);
      const at::Tensor g = product.narrow(1, first, count);
      const at::Tensor w = copies_.narrow(0, first, count);
      results.push_back(weight_gradient(g));
      if (i == 0) {
        at::mm_out(dx_rows, g, w);
      } else {
        at::addmm_out(dx_rows, dx_rows, g, w);
      }
      turns.collect(dx);
      first += count;
    }
  }
  turns.end(Weights(*this).stopping(std::span(results).subspan(1)));
  return results;
}

}  // namespace engine::random_bitflip

#else

namespace engine::random_bitflip {

bool makes_group(const at::Tensor&, const std::vector<FlippedLayer>&) { return false; }
at::Tensor FlippedGroup::product(const at::Tensor&) { return {}; }
std::vector<at::Tensor> FlippedGroup::gradients(const at::Tensor&, const at::Tensor&) { return {}; }

}  // namespace engine::random_bitflip

#endif
