// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/paradigms/random_bitflip/seen_weights.h"

#ifdef PARADIGM_WITH_CUDA

#include "engine/device/current_stream.h"
#include "engine/device/element_type.h"
#include "engine/paradigms/random_bitflip/zero_bits.h"
#include "kernels/bit_flip/flip_group.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>

#include <cstddef>
#include <cstdint>

namespace engine::random_bitflip {
namespace {

/// Nothing happens to a value but that it is stored.
kernels::BitFlip stored_in(kernels::ElementType storage) {
  kernels::BitFlip how;
  how.storage = storage;
  return how;
}

SeenWeights room_for(const std::vector<FlippingWeight>& group, c10::ScalarType dtype) {
  SeenWeights seen;
  std::int64_t outputs = 0;
  for (const auto& [weight, flips] : group) {
    outputs += weight.size(0);
    const bool zeroes = !flips.is_exact && flips.how.zeroes();
    seen.zeroed.push_back(zeroes ? empty_zero_bits(weight, flips.how) : at::Tensor());
  }
  seen.values = at::empty({group[0].weight.size(1), outputs},
                          group[0].weight.options().dtype(dtype).requires_grad(false));
  return seen;
}

}  // namespace

bool can_note(const OperandFlips& flips, c10::ScalarType dtype) {
  return flips.is_exact ||
         (flips.how.storage == element_type_of(dtype) && kernels::cuda::can_note_flips(flips.how));
}

std::vector<SeenWeights> seen_weights(std::span<const std::vector<FlippingWeight>> groups,
                                      c10::ScalarType dtype) {
  if (groups.empty()) return {};
  const at::NoGradGuard no_gradient;
  const c10::DeviceGuard guard(groups[0][0].weight.device());
  std::vector<SeenWeights> all;
  std::vector<kernels::cuda::FlippedWeight> jobs;
  for (const std::vector<FlippingWeight>& group : groups) {
    all.push_back(room_for(group, dtype));
    const SeenWeights& seen = all.back();
    auto* values = static_cast<std::uint16_t*>(seen.values.mutable_data_ptr());
    for (std::size_t i = 0; i < group.size(); ++i) {
      const auto& [weight, flips] = group[i];
      jobs.push_back({.data = weight.const_data_ptr<float>(),
                      .outputs = weight.size(0),
                      .columns = weight.size(1),
                      .how = flips.is_exact ? stored_in(element_type_of(seen.values)) : flips.how,
                      .zeroed = zero_bits_of(seen.zeroed[i]),
                      .values = values,
                      .pitch = seen.values.size(1)});
      values += weight.size(0);
    }
  }
  kernels::cuda::flip_weights(jobs, current_stream(all[0].values));
  return all;
}

}  // namespace engine::random_bitflip

#else

namespace engine::random_bitflip {

bool can_note(const OperandFlips&, c10::ScalarType) { return false; }

std::vector<SeenWeights> seen_weights(std::span<const std::vector<FlippingWeight>>,
                                      c10::ScalarType) {
  return {};
}

}  // namespace engine::random_bitflip

#endif
