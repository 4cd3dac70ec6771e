// SPDX-License-Identifier: GPL-3.0-or-later
// The engine as its two programs see it: plain values, no tensors. Found behind one C symbol of the
// loadable module paradigm_engine, so that a window is painted and `paradigm --help` answers before
// LibTorch is in memory.
#pragma once

#include "engine/config/bench_config.h"
#include "engine/config/probe_config.h"
#include "engine/config/run_config.h"
#include "engine/conformance/conformance_result.h"
#include "engine/problem.h"
#include "engine/runs/run_control.h"
#include "engine/statistics/probe_report.h"
#include "engine/transform/transform_sweep.h"
#include "engine/trial/transform_trial.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace engine {

struct DeviceInfo {
  std::string id;                 ///< "cpu", "cuda:0": what --device takes
  std::string name;               ///< "NVIDIA H200", processor model
  std::int64_t total_memory = 0;  ///< bytes
  std::int64_t free_memory = 0;
  bool usable = true;
  bool has_kernels = true;  ///< simulated layers and fused steps run on it
  std::string limits{};     ///< a sentence: why it is not usable or has no kernels; empty otherwise
};

struct DeviceReport {
  std::vector<DeviceInfo> devices;  ///< cpu first
  bool built_for_cuda = false;
  std::string driver_found;     ///< "580.159"; empty = none
  std::string driver_required;  ///< what CUDA 13 needs: "580.65.06"
  std::string cuda_problem;     ///< one sentence with the remedy when a GPU is there and cannot be
                                ///< used; else empty
  std::string torch_version;
  std::string automatic;  ///< the device that --device auto chooses
};

struct TrainOutcome {
  bool finished = false;  ///< reached max_steps
  bool stopped = false;   ///< asked to stop, a whole step saved
  bool failed = false;    ///< run_failed was written
  std::int64_t step = 0;
  std::string run_dir;
  std::string message;
  std::string last_checkpoint;
};

struct EvalResult {
  double eval_loss = 0;
  double perplexity = 0;
  double eval_accuracy = 0;
  std::int64_t eval_tokens = 0;
  double eval_runtime = 0;
  std::string device;
  std::string transform;         ///< "none", or the file in effect
  std::string transform_digest;  ///< empty when none
  std::int64_t calibrated_batches = 0;
  std::vector<std::string>
      notes;  ///< what a user must know: transform re-applied, ranges calibrated on which text
};

struct SweepConfig {
  EvalConfig eval;
  std::vector<SweepAxis> axes;   ///< none: the transform as it is
  std::int64_t noise_seeds = 1;  ///< draws of the noise, at run seeds eval.seed, eval.seed + 1, ...
  bool reference = true;         ///< measure `semantics: reference` beside
};

struct SweepCell {
  std::vector<SweepSetting> settings;
  std::string transform_digest;
  std::int64_t calibrated_batches = 0;
  std::vector<double> losses;  ///< one for each draw
  /// With `semantics: reference`, one for each draw of the rules' own seeds, which are what such
  /// noise depends on; the first is at the seeds as they stand. Empty when not measured.
  std::vector<double> reference_losses;
};

struct SweepResult {
  double plain_loss = 0;  ///< of the untransformed model on the same text
  std::int64_t eval_tokens = 0;
  double eval_runtime = 0;
  std::string device;
  std::string transform;
  std::vector<SweepAxis> axes;
  std::vector<SweepCell> cells;  ///< the last axis fastest
  std::vector<std::string> notes;
};

/// One measurement: `steps` training steps in a row.
struct BenchSample {
  double seconds = 0;  ///< of one step
  double cpu_seconds =
      0;  ///< of all threads, of one step: comparable on a machine that has other work too
};

/// The kernels of one kind ("matmul"), or on the CPU the operators, in one step.
struct KernelTime {
  std::string kind;
  double seconds = 0;
  std::int64_t calls = 0;
};

struct BenchVariant {
  std::string name;  ///< "plain", the transform's file, or "<file>: <pattern>" for a rule by itself
  std::string transform_digest;  ///< empty when plain
  std::int64_t layers = 0;       ///< replaced ones
  std::vector<std::vector<BenchSample>> rounds;
  std::int64_t simulation_state_bytes = 0;
  /// Above weights and optimizer, in one step: gradients, 16-bit copies of weights, activations and
  /// work space. -1 = unknown.
  std::int64_t step_peak_bytes = -1;
  std::int64_t gradient_bytes = 0;        ///< of which gradients
  std::int64_t working_weight_bytes = 0;  ///< of which copies of weights that stay between steps
  std::vector<KernelTime> kernels;        ///< longest first; empty unless profiled
};

struct BenchResult {
  std::string model;  ///< "60M", or the checkpoint
  std::int64_t parameters = 0;
  std::int64_t batch_size = 0;
  std::int64_t seq_len = 0;
  bool bf16 = false;
  std::string device;
  std::string device_name;
  std::string driver;  ///< NVIDIA's; empty on the CPU
  std::string torch_version;
  std::int64_t threads = 0;
  std::int64_t warmup = 0;
  std::int64_t steps = 0;
  double flops_per_token = 0;           ///< of the plain step, causal attention at half
  double upstream_flops_per_token = 0;  ///< 6·N_ex + 12·L·H·D·S
  double peak_flops = 0;                ///< dense bf16 of the device; 0 = unknown
  /// Of a step's products of Linears and head, each measured by itself. 0 = unknown, there was no
  /// memory left.
  double matmul_seconds = 0;
  std::int64_t weight_bytes = 0;
  std::int64_t optimizer_bytes = 0;
  std::vector<BenchVariant> variants;  ///< plain first
  std::vector<std::string> notes;
};

/// How a training's cost is to be found.
struct EstimateOptions {
  std::int64_t probe_steps = 4;   ///< timed ones, after those that warm up; of every variant
  bool per_rule = true;           ///< also each rule of the transform by itself
  std::int64_t memory_limit = 0;  ///< bytes that the run may use; 0 = what is free on the device
  /// Halve the micro-batch, and double the accumulation, until the run fits.
  bool fit = false;
};

struct RuleCost {
  std::string pattern;
  std::int64_t layers = 0;
  double step_seconds = 0;
  double slowdown = 1;  ///< of the step with this rule alone, against plain
};

/// Found by probe steps on the device. Times in seconds; errors are half of a 95 % interval. -1 =
/// unknown.
struct CostEstimate {
  std::string device;
  std::string device_name;
  std::int64_t probe_steps = 0;
  std::int64_t max_steps = 0;
  std::int64_t batch_size = 0;  ///< sequences in a micro-batch, as asked or as fitted
  std::int64_t accumulation = 0;
  std::int64_t tokens_per_step = 0;
  double step_seconds = -1;
  double step_seconds_error = -1;
  double plain_step_seconds = -1;
  double slowdown = 1;  ///< of the transformed step against plain
  std::vector<RuleCost> rules;
  double evaluation_seconds = 0;  ///< of all evaluations
  double saving_seconds = 0;      ///< for which all saves hold the training up
  double total_seconds = -1;
  double total_seconds_error = -1;
  std::int64_t peak_bytes =
      -1;  ///< of the device: LibTorch's allocations, or the process's resident memory
  std::int64_t peak_bytes_error = -1;
  std::int64_t available_bytes = -1;
  bool fits = true;
  std::int64_t checkpoint_bytes = -1;
  std::int64_t kept_checkpoints = 0;
  std::int64_t disk_bytes = -1;  ///< of all that the run leaves
  std::int64_t free_disk_bytes = -1;
  std::vector<std::string> notes;

  CostPrediction prediction() const {
    return {.step_seconds = step_seconds,
            .seconds = total_seconds,
            .peak_bytes = peak_bytes,
            .checkpoint_bytes = checkpoint_bytes};
  }
};

/// Progress of work that has no run folder (tokenising, evaluating). Called from the working
/// thread; return false to cancel.
using ProgressFunction = std::function<bool(const std::string& stage, double done, double total)>;

class EngineApi {
 public:
  virtual ~EngineApi() = default;

  virtual DeviceReport devices() const = 0;

  /// Runs to the end, a stop or a failure, and writes only into config.output_dir (which must be
  /// set). Blocks; one run per calling thread. Throws Error for everything found before the first
  /// step, with nothing left behind; a later failure is an outcome, recorded in the run folder.
  virtual TrainOutcome train(const RunConfig& config, RunControl& control,
                             const ProgressFunction& on_progress = {}) const = 0;

  /// What stands in the way of training `config`, all at once, and as notes what a start would do.
  /// Reads headers and sizes only and changes no file; an output_dir that is empty is still to be
  /// named. Throws nothing for what it finds.
  virtual std::vector<Problem> preflight(const RunConfig& config) const = 0;

  /// Mean loss and perplexity on the validation text. Changes no file. Throws Error.
  virtual EvalResult evaluate(const EvalConfig& config,
                              const ProgressFunction& on_progress = {}) const = 0;

  /// What a paradigm keeps of what every paradigm must keep, for each kind of layer it replaces.
  /// `reference` as in a rule; a path is relative to the working folder. Throws Error when there is
  /// no such paradigm or it cannot be loaded.
  virtual std::vector<ConformanceResult> check_paradigm(
      const std::string& reference, const ProgressFunction& on_progress = {}) const = 0;

  /// Evaluates the model once plain and under every point of a grid of transforms, several draws of
  /// the noise at each. The model is loaded once. Changes no file. The stages that `on_progress`
  /// hears are the cells, `done` and `total` cover the whole sweep. Throws Error.
  virtual SweepResult sweep(const SweepConfig& config,
                            const ProgressFunction& on_progress = {}) const = 0;

  /// Times whole training steps of a model, plain and under each transform, turn by turn on the
  /// same random tokens. Changes no file. Throws Error.
  virtual BenchResult bench(const BenchConfig& config,
                            const ProgressFunction& on_progress = {}) const = 0;

  /// What training `config` would cost, found by a few steps on its device with its model, batch
  /// and transform. Writes nothing but the cache of tokenised text. Throws Error.
  virtual CostEstimate estimate(const RunConfig& config, const EstimateOptions& options,
                                const ProgressFunction& on_progress = {}) const = 0;

  /// Runs one operation of a paradigm on the tensors of a file and writes its outputs to another;
  /// with readings of real hardware also the rule that fits them; both files are complete before
  /// either takes its place. Throws Error.
  virtual ProbeReport probe(const ProbeConfig& config,
                            const ProgressFunction& on_progress = {}) const = 0;
  /// The statistical tests of the paradigms' noise. Throws Error.
  virtual SelfCheckReport self_check(const SelfCheckConfig& config,
                                     const ProgressFunction& on_progress = {}) const = 0;

  /// Loads a model and a text to try transforms on, see TransformTrial. Changes no file but the
  /// cache of tokenised text. Throws Error.
  virtual std::unique_ptr<TransformTrial> open_trial(
      const TrialConfig& config, const ProgressFunction& on_progress = {}) const = 0;
};

/// Raised whenever the layout of EngineApi or of a value in it changes.
inline constexpr int kEngineApiVersion = 8;

}  // namespace engine

/// The module's one exported symbol. Null when `api_version` is not kEngineApiVersion.
extern "C" const engine::EngineApi* paradigm_engine(int api_version);
