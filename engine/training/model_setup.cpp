// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/model_setup.h"

#include "engine/checkpoint/checkpoint.h"
#include "engine/error.h"
#include "engine/memory_limit.h"
#include "engine/model/llama_initialise.h"
#include "engine/scripted/scripted_paradigm.h"
#include "engine/transform/transform_pass.h"

#include <fmt/format.h>

#include <utility>

namespace engine {

void require_memory(const LlamaConfig& config, int copies) {
  const auto needed = static_cast<double>(config.total_parameters()) * sizeof(float) * copies;
  const auto limit = static_cast<double>(memory_limit());
  if (limit <= 0 || needed <= limit) return;
  fail("too-little-memory", {.file = "--model_name_or_path"},
       fmt::format("a model of {} parameters needs {:.1f} GB {}, and this machine has {:.1f} GB",
                   config.total_parameters(), needed / 1e9,
                   copies > 1 ? "to be trained (weights, gradients and two moments in fp32)"
                              : "for its weights in fp32",
                   limit / 1e9),
       "Choose a smaller model, or a machine with more memory");
}

std::unique_ptr<Llama> make_model(ModelSource& source, std::int64_t rows, std::uint64_t seed,
                                  at::Device device, std::vector<std::string>& notes,
                                  std::vector<std::string>& warnings,
                                  const LoadProgress& on_progress) {
  require_memory(source.config, 1);
  TensorMap weights;
  if (source.directory.empty()) {
    source.config.vocab_size = std::max(source.config.vocab_size, rows);
    weights = initial_weights(source.config, seed);
    for (auto& [name, tensor] : weights) tensor = tensor.to(device);
  } else {
    weights = load_weights(source.directory, source.config, device, warnings, on_progress);
    const std::int64_t before = source.config.vocab_size;
    if (grow_embedding(source.config, weights, rows)) {
      notes.push_back(fmt::format(
          "The tokenizer has {} ids, the embedding {} rows: it grows, new rows being the mean",
          rows, before));
    }
  }
  return std::make_unique<Llama>(source.config, weights);
}

ActivationCheckpointing checkpointing_of(const std::string& name, const LlamaConfig& config) {
  if (name == "none") return ActivationCheckpointing::none;
  if (config.attention_dropout > 0) {
    fail("bad-value", {.file = "--activation_checkpointing"},
         fmt::format("activation_checkpointing is {}, and the model has attention_dropout {}: a "
                     "pass computed again would drop others",
                     name, config.attention_dropout),
         "Leave it at none, or set attention_dropout to 0 in the model's config.json");
  }
  return name == "layer" ? ActivationCheckpointing::layer : ActivationCheckpointing::selective;
}

std::unique_ptr<Llama> plain_twin(const Llama& model) {
  TensorMap weights;
  for (const Parameter& parameter : model.parameters()) {
    weights.emplace(parameter.name, parameter.tensor);
  }
  return std::make_unique<Llama>(model.config(), weights);
}

std::vector<std::string> transform_model(Llama& model, const TransformChoice& choice,
                                         const std::filesystem::path& state_dir, std::uint64_t seed,
                                         const std::function<void(const Assignment&)>& on_layer) {
  if (choice.is_plain()) return {};
  apply_transform(model, choice.plan, paradigms_for(*choice.config),
                  {.run_seed = seed, .device = model.device()}, on_layer);
  return load_simulation_state(state_dir, model, choice.kept_layers);
}

}  // namespace engine
