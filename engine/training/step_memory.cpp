// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/step_memory.h"

namespace engine {

double least_activation_bytes(const LlamaConfig& model, std::int64_t tokens, bool bf16,
                              const std::string& checkpointing) {
  const std::int64_t heads = model.num_attention_heads + 2 * model.num_key_value_heads;
  // The residual stream and the context, before and behind attention; queries, keys, values; gate
  // and up. What can be made again from these is not counted.
  const std::int64_t whole_layer =
      4 * model.hidden_size + heads * model.head_dim + 2 * model.intermediate_size;
  const std::int64_t layers = model.num_hidden_layers;
  // With any checkpointing a layer keeps its input, and one at a time is whole.
  const std::int64_t kept =
      checkpointing == "none" ? layers * whole_layer : layers * model.hidden_size + whole_layer;
  const std::int64_t gradients = 2 * model.intermediate_size;
  return static_cast<double>(tokens) * static_cast<double>(kept + gradients) * (bf16 ? 2.0 : 4.0);
}

std::optional<double> extrapolated_peak(
    std::int64_t rows, const std::function<std::optional<std::int64_t>(std::int64_t)>& peak_of) {
  const std::int64_t few = rows / 16;
  const std::int64_t more = rows / 8;
  if (few == 0) return std::nullopt;
  peak_of(few);  // what is made once
  const auto low = peak_of(few);
  const auto high = peak_of(more);
  if (!low || !high || *high <= *low) return std::nullopt;
  const double each = static_cast<double>(*high - *low) / static_cast<double>(more - few);
  return static_cast<double>(*high) + each * static_cast<double>(rows - more);
}

}  // namespace engine
