// SPDX-License-Identifier: GPL-3.0-or-later
// Which transform is in effect: the one asked for, or the one a checkpoint records. Never silently
// plain.
#pragma once

#include "engine/model/llama_config.h"
#include "engine/transform/transform_plan.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace engine {

struct TransformChoice {
  std::optional<TransformConfig> config;  ///< none = plain
  TransformPlan plan;
  std::string compute_dtype;   ///< "fp32" or "bf16"
  std::string digest;          ///< empty = plain
  std::string label = "none";  ///< the file in effect
  bool is_recorded = false;    ///< the checkpoint's own was applied again
  /// Layers whose paradigm and resolved values are those that the checkpoint records: their state
  /// may be kept.
  std::vector<std::string> kept_layers;
  std::vector<std::string> notes;  ///< what a user must know, one sentence each

  bool is_plain() const { return !config.has_value(); }
};

/// `flag` is --transform_config: a file, "none", or absent. `model_dir` is the checkpoint's folder,
/// empty for a new model; `config` was read from it. `compute_dtype`, "fp32" or "bf16", takes
/// effect where a rule leaves a format open. Throws Error with all problems of the file and of the
/// plan.
TransformChoice choose_transform(const std::optional<std::string>& flag,
                                 const std::filesystem::path& model_dir, const LlamaConfig& config,
                                 const std::string& compute_dtype = "fp32");

/// The same for a transform file that is edited: `text` stands for the content of `file`.
TransformChoice choose_edited_transform(const std::string& text, const std::string& file,
                                        const std::filesystem::path& model_dir,
                                        const LlamaConfig& config,
                                        const std::string& compute_dtype = "fp32");

/// `choice`, which is not plain, with other rules for the same model: state is kept for those of
/// its layers whose values do not change. Throws Error with the problems of the plan.
TransformChoice with_rules(const TransformChoice& choice, TransformConfig rules,
                           const LlamaConfig& config);

/// `choice`, which is not plain, with every rule but one taken as "leave alone", for each rule that
/// wins a layer; each under its pattern.
std::vector<std::pair<std::string, TransformChoice>> single_rules(const TransformChoice& choice,
                                                                  const LlamaConfig& config);

}  // namespace engine
