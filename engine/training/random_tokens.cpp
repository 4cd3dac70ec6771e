// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/random_tokens.h"

#include "engine/training/calibration.h"
#include "engine/training/chunked_cross_entropy.h"
#include "kernels/noise_key.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

namespace engine {

at::Tensor random_tokens(std::int64_t rows, std::int64_t length, std::int64_t vocab_size,
                         std::uint64_t seed) {
  at::Tensor ids = at::empty({rows, length}, at::TensorOptions().dtype(at::kLong));
  auto* out = ids.mutable_data_ptr<std::int64_t>();
  std::uint64_t state = seed;
  for (std::int64_t i = 0; i < ids.numel(); ++i) {
    state = kernels::mix(state);
    out[i] = static_cast<std::int64_t>(state % static_cast<std::uint64_t>(vocab_size));
  }
  return ids;
}

void observe_ranges(Llama& model, const at::Tensor& ids, c10::ScalarType compute_dtype) {
  if (!has_unobserved_state(model)) return;
  const at::NoGradGuard no_grad;
  next_token_loss(model, ids.to(model.device()),
                  {.phase = Phase::calibrate, .compute_dtype = compute_dtype}, 1.0);
}

}  // namespace engine
