// SPDX-License-Identifier: GPL-3.0-or-later
// A run with all that a comparison asks of it: curves, configuration, model, and what its transform
// does to each layer.
#pragma once

#include "engine/compare/run_metrics.h"
#include "engine/config/param_schema.h"
#include "engine/runs/run_catalog.h"
#include "engine/transform/effect_diff.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace engine {

struct LlamaConfig;
struct ParsedTransform;

/// The model that a run trains, as far as its files are still there.
struct RunModel {
  bool is_known = false;
  std::string summary;       ///< "4 layers, hidden 64, 4 heads, vocabulary 1024"; "" when not known
  std::string architecture;  ///< text that is equal for equal sizes
  double train_flops_per_token = 0;
  std::filesystem::path file;                   ///< config.json; empty for a model known by name
  std::shared_ptr<const LlamaConfig> config{};  ///< null when not known
};

/// What the simulated layers do for one token: attention at the run's block size, in full.
struct SimulatedWork {
  double macs = 0;                ///< multiplications and additions
  double input_conversions = 0;   ///< operand elements that enter a product per token
  double output_conversions = 0;  ///< read-outs
};

enum class RunSource { run_folder, trainer_state, csv, tensorboard };
const char* to_string(RunSource source);

struct ComparableRun {
  std::filesystem::path path;
  std::string name;      ///< folder or file name; made unique by compare_runs()
  std::string identity;  ///< run_identity(); "" for a foreign log
  RunSource source = RunSource::run_folder;
  RunMetrics metrics;
  ObservedState observed;
  bool is_gone = false;  ///< its folder was there when it was read, and is no more
  std::int64_t max_steps = 0;
  double started_at = 0;
  std::optional<RunStarted> started;      ///< of the newest part
  std::optional<LayerStats> layer_stats;  ///< the newest
  std::optional<CheckpointSaved> last_checkpoint;
  std::string failure;  ///< of run_failed

  ParamValues parameters;  ///< with defaults; empty where there is no run.yaml
  RunModel model;
  std::string tokenizer_digest;     ///< "" when not known
  std::filesystem::path tokenizer;  ///< the folder it is in
  bool is_asked_for_bits = false;   ///< add_bits_per_byte() has been called
  bool is_effect_known = false;
  TransformEffect effect;
  std::shared_ptr<const ParsedTransform> transform{};  ///< its file; null: plain, or not known
  SimulatedWork work;
  std::string transform_label = "?";  ///< the file's name, "plain"
  std::vector<std::string> notes;     ///< what a reader must know, one sentence each

  std::int64_t training_seed() const;  ///< -1 when not known
  double last_step() const;            ///< that anything was logged at, 0 = none
  /// Seconds of work up to the last thing logged, NaN when not known.
  double duration() const;
  std::string noise_draw() const { return seeds_text(effect.plan); }

  /// Reads on in the folder; whether anything is new. Foreign runs never change.
  bool poll();
  std::shared_ptr<RunReader> reader{};
};

/// What identifies a run over restarts: run_identity(), else the digest of its path. 64
/// hexadecimal digits.
std::string lasting_key(const ComparableRun& run);

/// Reads a run folder to its present end, live or finished. Never throws for what it holds: what
/// could not be read is in `notes`. Throws Error when `run_dir` is no run folder.
ComparableRun load_run(const std::filesystem::path& run_dir);

/// A run folder, or what foreign_run.h reads.
ComparableRun load_any_run(const std::filesystem::path& path);

/// A path that a run.yaml names: from the present folder, else from the nearest one above the run
/// where there is something. Empty when there is nothing.
std::filesystem::path path_in_run(const std::string& written, const std::filesystem::path& run_dir);

/// Adds the metric eval_bits_per_byte, eval_loss / ln 2 / bytes_per_token(), where that is known;
/// it goes on with what is logged later.
void add_bits_per_byte(ComparableRun& run, std::optional<double> bytes_per_token);

/// UTF-8 bytes per token of the run's validation text by the run's own tokenizer, from at most 4
/// MiB of it. Nothing when either is not there. Takes a second at most; any thread.
std::optional<double> bytes_per_token(const ComparableRun& run);

}  // namespace engine
