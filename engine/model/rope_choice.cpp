// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/rope_choice.h"

#include "engine/error.h"

#include <fmt/format.h>

#include <utility>

namespace engine {

bool has_exported_rope_scaling(const LlamaConfig& config) {
  const auto& scaling = config.rope_scaling;
  return scaling && scaling->type == "llama3" && scaling->factor == 8 &&
         scaling->low_freq_factor == 1 && scaling->high_freq_factor == 4 &&
         scaling->original_max_position_embeddings == 8192 &&
         config.max_position_embeddings == 131072 && config.rope_theta == 10000;
}

void choose_rope(LlamaConfig& config, const std::string& rope, const std::string& file,
                 std::vector<std::string>& notes) {
  if (!config.rope_scaling) return;
  const bool is_exported = has_exported_rope_scaling(config);
  if (rope != "as_trained") {
    if (is_exported) {
      notes.push_back(
          file +
          " has the llama3 rope scaling that the CLM exporter adds; it is honoured, and "
          "--rope as_trained leaves it out");
    }
    return;
  }
  if (!is_exported) {
    Problem problem;
    problem.id = "bad-value";
    problem.place.file = "--rope";
    problem.value = rope;
    problem.message = fmt::format(
        "rope is as_trained, but the {} scaling (factor {:g}) in {} is not the one "
        "that the CLM exporter adds, so the model was trained with it",
        config.rope_scaling->type, config.rope_scaling->factor, file);
    problem.remedy = "Leave --rope out, or set rope_scaling to null in a copy of the checkpoint";
    throw Error(std::move(problem));
  }
  config.rope_scaling.reset();
  notes.push_back("rope: as_trained leaves out the llama3 rope scaling in " + file +
                  ": positions are plain rotary, as in the training");
}

}  // namespace engine
