// SPDX-License-Identifier: GPL-3.0-or-later
// A run's complete description. Command line, run.yaml and the launch form all fill the same
// ParamValues, checked by the same schema; RunConfig is the typed view that the engine works with.
#pragma once

#include "engine/config/param_schema.h"
#include "engine/problem.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace engine {

/// Every flag of `paradigm train` (run_clm.py's names and meanings, and ours): kind, default,
/// range, help, group. Flags that are known but not supported carry the reason
/// (ParamSpec::refused).
const ParamSchema& train_schema();
/// Every flag of `paradigm eval`. Neither schema holds --config and --json: they say where values
/// come from and how results are printed, and belong to the command.
const ParamSchema& eval_schema();

/// What a run is expected to cost. -1: not known.
struct CostPrediction {
  double step_seconds = -1;
  double seconds = -1;  ///< of all steps, evaluations and saves
  std::int64_t peak_bytes = -1;
  std::int64_t checkpoint_bytes = -1;
};

struct RunConfig {
  std::optional<std::string> model_name_or_path;
  std::optional<std::string> config_name;  ///< train from scratch
  std::optional<std::string> tokenizer_name;
  std::string rope = "config";  ///< or "as_trained"
  std::optional<std::string> dataset_name;
  std::optional<std::string> dataset_config_name;
  std::optional<std::string> train_file;
  std::optional<std::string> validation_file;
  std::int64_t validation_split_percentage = 5;
  std::optional<std::int64_t> max_train_samples;
  std::optional<std::int64_t> max_eval_samples;
  bool keep_linebreaks = true;
  std::optional<std::int64_t> block_size;

  std::string output_dir;
  bool overwrite_output_dir = false;
  bool do_train = false;
  bool do_eval = false;
  std::optional<std::string> resume_from_checkpoint;

  std::int64_t per_device_train_batch_size = 8;
  std::int64_t per_device_eval_batch_size = 8;
  std::int64_t gradient_accumulation_steps = 1;
  double learning_rate = 5e-5;
  double weight_decay = 0;
  double adam_beta1 = 0.9;
  double adam_beta2 = 0.999;
  double adam_epsilon = 1e-8;
  double max_grad_norm = 1.0;
  double num_train_epochs = 3.0;
  std::int64_t max_steps = -1;
  std::string lr_scheduler_type = "linear";
  std::int64_t warmup_steps = 0;
  double warmup_ratio = 0;
  std::optional<std::int64_t> lr_schedule_steps;  ///< none: max_steps
  std::string save_strategy = "steps";
  std::int64_t save_steps = 500;
  std::optional<std::int64_t> save_total_limit;
  bool save_async = true;
  std::int64_t logging_steps = 10;
  std::int64_t layer_stats_steps = 50;  ///< 0 = never
  std::optional<std::int64_t> eval_steps;
  bool bf16 = false;
  std::int64_t dataloader_num_workers = 0;
  std::optional<std::int64_t> preprocessing_num_workers;
  std::int64_t seed = 42;
  std::string device = "auto";
  bool cuda_graphs = true;
  std::string activation_checkpointing = "none";  ///< none, selective, layer
  bool full_determinism = false;

  std::optional<std::string>
      transform_config;  ///< path, "none", or absent = what the checkpoint records
  bool allow_transform_change = false;
  std::int64_t calibrate_batches = 8;

  std::string sentinel = "mark";  ///< off, mark, checkpoint, pause, stop
  double sentinel_spike = 10;
  double sentinel_gradient = 100;
  std::int64_t sentinel_plateau_steps = 1000;
  double sentinel_saturation = 0.5;

  /// What an estimate said before; recorded beside what it came to. Not a flag, not in run.yaml.
  std::optional<CostPrediction> prediction;
};

/// `values` must be free of errors by train_schema(). Absent ones take their defaults; without
/// do_eval, do_train is implied; use_cpu becomes device cpu, eval_strategy steps becomes
/// eval_steps.
RunConfig run_config_from(const ParamValues& values);
/// Every field under its flag's name; run_config_from reads it back to an equal configuration.
ParamValues values_of(const RunConfig& config);

/// The id of a problem that says only that something has not been given yet.
inline constexpr const char* kMissingSetting = "missing-setting";

/// Conditions between fields that no single range can say (no data, both model and config_name, …).
std::vector<Problem> problems_in(const RunConfig& config);

/// run.yaml: the resolved configuration under the flags' own names. parse_run_yaml reads it, or one
/// written by hand. `paths_from`, where relative paths in it start, is noted in a comment when
/// given.
std::string run_yaml(const RunConfig& config, const std::string& paths_from = "");
/// The folder that run_yaml() noted; "" when the text notes none.
std::string paths_noted_in(const std::string& run_yaml_text);
ParamValues parse_run_yaml(const std::string& text, const std::string& file,
                           std::vector<Problem>& problems);

/// runs/<model>-<transform>-<yyyymmdd-hhmmss> in local time, the same default in the window and on
/// the command line. The transform is the file's name, "plain" for none, "recorded" when the
/// checkpoint folder brings its own.
std::string default_output_dir(const RunConfig& config, std::int64_t unix_seconds);

struct EvalConfig {
  std::string model_name_or_path;
  std::optional<std::string> tokenizer_name;
  std::string rope = "config";  ///< or "as_trained"
  std::optional<std::string> dataset_name;
  std::optional<std::string> dataset_config_name;
  std::optional<std::string> train_file;
  std::optional<std::string> validation_file;
  std::int64_t validation_split_percentage = 5;
  std::optional<std::int64_t> max_eval_samples;
  bool keep_linebreaks = true;
  std::optional<std::int64_t> block_size;
  std::int64_t per_device_eval_batch_size = 8;
  bool bf16 = false;
  std::int64_t seed = 42;
  std::string device = "auto";
  std::optional<std::string>
      transform_config;  ///< path, "none", or absent = what the checkpoint records
  std::int64_t calibrate_batches = 8;
};

EvalConfig eval_config_from(const ParamValues& values);
std::vector<Problem> problems_in(const EvalConfig& config);

/// "auto", "cpu", "cuda" or "cuda:3".
bool is_device_name(const std::string& device);

}  // namespace engine
