// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/estimate.h"

#include "engine/device/computing_errors.h"
#include "engine/device/device_error.h"
#include "engine/device/peak_memory.h"
#include "engine/device/processor_time.h"
#include "engine/devices.h"
#include "engine/error.h"
#include "engine/memory_limit.h"
#include "engine/model/rope_choice.h"
#include "engine/statistics/sample_statistics.h"
#include "engine/training/evaluator.h"
#include "engine/training/model_setup.h"
#include "engine/training/random_tokens.h"
#include "engine/training/saving_cost.h"
#include "engine/training/train.h"
#include "engine/training/trainer.h"
#include "engine/training/training_data.h"
#include "engine/transform/transform_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// What the interval of a few probe steps does not see: other data, a warmer or busier machine.
constexpr double kModelError = 0.05;
/// More micro-batches than this say nothing new about a step.
constexpr std::int64_t kMostMicroBatches = 8;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The run itself may be another process, and wants the device's memory.
struct KeptMemoryReleased {
  KeptMemoryReleased() = default;
  KeptMemoryReleased(const KeptMemoryReleased&) = delete;
  KeptMemoryReleased& operator=(const KeptMemoryReleased&) = delete;
  ~KeptMemoryReleased() { release_kept_memory(); }
};

/// A model with a trainer over weights and optimizer that all share.
struct Variant {
  std::string pattern;  ///< empty: plain, or the transform as a whole
  std::int64_t layers = 0;
  std::unique_ptr<Llama> model;
  std::unique_ptr<Trainer> trainer;
  std::vector<double> step_seconds;
};

class CostProbe {
 public:
  CostProbe(const RunConfig& config, const EstimateOptions& options,
            const ProgressFunction& on_progress)
      : config_(config), options_(options), on_progress_(on_progress) {}

  CostEstimate run() {
    choose();
    count_steps();
    load();
    fit_memory();
    time_steps();
    time_evaluation();
    time_saving();
    sum_up();
    return std::move(result_);
  }

 private:
  void choose() {
    source_ = find_model(config_.model_name_or_path, config_.config_name, config_.tokenizer_name);
    const fs::path& directory = source_.directory;
    choose_rope(source_.config, config_.rope,
                directory.empty() ? *config_.config_name : (directory / "config.json").string(),
                result_.notes);
    tokenizer_.emplace(Tokenizer::load(source_.tokenizer_directory));
    choice_ = choose_transform(config_.transform_config, directory, source_.config,
                               config_.bf16 ? "bf16" : "fp32");
    device_ = choose_device(config_.device, !choice_.is_plain());
    set_full_determinism(config_.full_determinism);
    block_size_ = resolved_block_size(config_.block_size, *tokenizer_,
                                      source_.config.max_position_embeddings, result_.notes);
    result_.device = device_.id;
    result_.device_name = device_.name;
    result_.batch_size = config_.per_device_train_batch_size;
    result_.accumulation = config_.gradient_accumulation_steps;
  }

  void count_steps() {
    const bool wants_train = config_.max_steps <= 0;
    const bool wants_validation = config_.do_eval || config_.eval_steps.has_value();
    std::int64_t blocks = 0;
    if (wants_train || wants_validation) {
      TextSources sources = text_sources_of(config_);
      sources.max_train_samples = config_.max_train_samples;
      splits_ = tokenize_splits(sources, *tokenizer_, block_size_, wants_train, wants_validation,
                                default_token_cache(), data_progress(on_progress_));
      if (splits_.train) blocks = splits_.train->blocks();
    }
    result_.max_steps = planned_steps(config_, blocks);
  }

  c10::ScalarType compute_dtype() const { return config_.bf16 ? at::kBFloat16 : at::kFloat; }

  void load() {
    if (device_.device.is_cpu()) require_memory(source_.config, 4);
    report("loading the model", 0, 0);
    std::vector<std::string> warnings;
    auto model = make_model(source_, tokenizer_->vocab_size(), seed(), device_.device,
                            result_.notes, warnings);
    optimizer_.emplace(model->parameters(), AdamWOptions{});
    // One for all variants, which take turns.
    if (config_.cuda_graphs) memory_of_graphs_ = graph_memory(device_.device);
    add("", 0, std::move(model));
    if (!choice_.is_plain()) add_transformed("", choice_);
  }

  void add(const std::string& pattern, std::int64_t layers, std::unique_ptr<Llama> model) {
    Variant variant{.pattern = pattern,
                    .layers = layers,
                    .model = std::move(model),
                    .trainer = nullptr,
                    .step_seconds = {}};
    variant.trainer = std::make_unique<Trainer>(*variant.model, *optimizer_, trainer_options());
    variants_.push_back(std::move(variant));
  }

  /// A rate of 0: the weights stay as they are, the work is the same.
  TrainerOptions trainer_options() const {
    return {.schedule = {.type = "constant", .peak = 0},
            .max_grad_norm = config_.max_grad_norm,
            .compute_dtype = compute_dtype(),
            .seed = seed(),
            .checkpointing = checkpointing_of(config_.activation_checkpointing, source_.config),
            .graph_memory = memory_of_graphs_};
  }

  /// Whether the layers measure themselves on some step of the run.
  bool has_sampled_steps() const {
    return !choice_.is_plain() && config_.layer_stats_steps > 0 &&
           config_.layer_stats_steps <= result_.max_steps;
  }

  /// Of the model as the run would train it, with every step sampled.
  Trainer sampling_trainer() {
    TrainerOptions options = trainer_options();
    options.layer_stats_steps = 1;
    return {*target().model, *optimizer_, options};
  }

  void add_transformed(const std::string& pattern, const TransformChoice& choice) {
    auto model = plain_twin(*variants_.front().model);
    transform_model(*model, choice, source_.directory, seed());
    observe_ranges(*model, ids(1, 0), compute_dtype());
    add(pattern, static_cast<std::int64_t>(choice.plan.replacements().size()), std::move(model));
  }

  /// The model as the run would train it.
  Variant& target() { return variants_.at(choice_.is_plain() ? 0 : 1); }

  at::Tensor ids(std::int64_t rows, std::int64_t turn) const {
    return random_tokens(rows, block_size_, source_.config.vocab_size,
                         seed() + static_cast<std::uint64_t>(turn) + 1);
  }

  std::vector<at::Tensor> micro_batches(std::int64_t count, std::int64_t turn) const {
    std::vector<at::Tensor> batches;
    for (std::int64_t i = 0; i < count; ++i) batches.push_back(ids(result_.batch_size, turn + i));
    return batches;
  }

  /// Memory in use; -1 = not known.
  struct StepMemory {
    std::int64_t peak = -1;   ///< in one step of any kind
    std::int64_t after = -1;  ///< once it is taken, with its gradients
  };

  /// Nothing when the device has too little.
  std::optional<StepMemory> memory_of_a_step() {
    try {
      Variant& variant = target();
      const auto batches = micro_batches(std::min<std::int64_t>(2, result_.accumulation), 0);
      const auto begin = Clock::now();
      const double processor_begin = processor_seconds();
      step(*variant.trainer, batches).loss.item<float>();  // what is made once
      // Libraries read from a cold disk take no processor time; the run finds them in memory.
      if (first_seconds_ == 0) {
        first_seconds_ = std::min(seconds_since(begin), processor_seconds() - processor_begin);
      }
      zero_gradients(variant.model->parameters());
      const PeakMemory peak(device_.device);
      const std::int64_t before = memory_in_use(device_.device);
      step(*variant.trainer, batches).loss.item<float>();
      const std::int64_t after = memory_in_use(device_.device);
      if (has_sampled_steps()) {
        Trainer trainer = sampling_trainer();
        step(trainer, batches).loss.item<float>();
      }
      if (splits_.validation) evaluate_some(1);
      const auto above = peak.above_start();
      return above ? StepMemory{before + *above, after} : StepMemory{};
    } catch (const c10::Error& error) {
      if (memory_asked_for(error).empty()) throw;
      zero_gradients(target().model->parameters());
      return std::nullopt;
    }
  }

  std::int64_t state() { return state_bytes(*target().model, *optimizer_); }
  std::int64_t saves() const {
    return saves_before_the_end(config_, result_.max_steps, splits_.train.has_value());
  }

  /// On the CPU the copy that is written beside the training lies in the same memory: for some
  /// steps after a save, and after the last step beside what that one has left.
  std::int64_t with_copies(const StepMemory& memory) {
    if (!device_.device.is_cpu() || !config_.save_async) return memory.peak;
    if (saves() > 0) return memory.peak + state();
    const bool saves_at_the_end =
        config_.save_strategy == "epoch" ||
        (config_.save_strategy == "steps" && result_.max_steps % config_.save_steps == 0);
    return saves_at_the_end ? std::max(memory.peak, memory.after + state()) : memory.peak;
  }

  void fit_memory() {
    report("memory", 0, 0);
    const std::int64_t in_use = memory_in_use(device_.device);
    result_.available_bytes = options_.memory_limit;
    if (options_.memory_limit <= 0) {
      for (const DeviceInfo& info : device_report().devices) {
        if (info.id == device_.id) result_.available_bytes = info.free_memory + in_use;
      }
    }
    while (true) {
      const auto memory = memory_of_a_step();
      const bool is_known = memory && memory->peak >= 0;
      if (is_known) {
        result_.peak_bytes = with_copies(*memory);
        result_.peak_bytes_error =
            (16 << 20) + static_cast<std::int64_t>(kModelError * static_cast<double>(memory->peak));
      }
      result_.fits = memory && (!is_known || result_.available_bytes < 0 ||
                                result_.peak_bytes <= result_.available_bytes);
      if (result_.fits || !options_.fit) break;
      const auto [rows, accumulation] =
          smaller_micro_batch(result_.batch_size, result_.accumulation);
      if (rows == 0) break;
      result_.notes.push_back(
          fmt::format("{} sequences in a micro-batch do not fit: {} with {} times the accumulation",
                      result_.batch_size, rows, accumulation / result_.accumulation));
      result_.batch_size = rows;
      result_.accumulation = accumulation;
    }
    if (result_.fits || result_.peak_bytes >= 0) return;
    fail("does-not-fit", {.file = "--per_device_train_batch_size"},
         fmt::format("not one step with {} sequences of {} tokens fits into the memory of {}",
                     result_.batch_size, block_size_, device_.id),
         options_.fit ? "Choose a smaller model, a shorter block_size or another device"
                      : "Give --fit to find a micro-batch that does");
  }

  void time_steps() {
    if (!choice_.is_plain() && options_.per_rule) {
      auto singles = single_rules(choice_, source_.config);
      // A lone rule is the transform as a whole.
      if (singles.size() > 1) {
        for (const auto& [pattern, single] : singles) add_transformed(pattern, single);
      }
    }
    const std::int64_t probed = std::min(result_.accumulation, kMostMicroBatches);
    const double whole = static_cast<double>(result_.accumulation) / static_cast<double>(probed);
    // Without a log between them, a GPU's steps overlap with the host's.
    const std::int64_t in_a_row = device_.device.is_cuda() ? 3 : 1;
    // The first ones choose algorithms, and record the graphs that the others replay.
    const std::int64_t warm_up =
        memory_of_graphs_ ? Trainer::kStepsBeforeCapture / in_a_row + 1 : 1;
    const std::int64_t rounds = options_.probe_steps + warm_up;
    double warm_up_seconds = 0;  // for each step of a round
    for (std::int64_t round = 0; round < rounds; ++round) {
      const auto batches = micro_batches(probed, round * probed);
      for (Variant& variant : variants_) {
        const auto begin = Clock::now();
        at::Tensor loss;
        for (std::int64_t i = 0; i < in_a_row; ++i) loss = step(*variant.trainer, batches).loss;
        loss.item<float>();
        const double seconds = whole * seconds_since(begin) / static_cast<double>(in_a_row);
        if (round < warm_up && &variant == &target()) warm_up_seconds += seconds;
        if (round >= warm_up) variant.step_seconds.push_back(seconds);
      }
      report("probing steps", static_cast<double>(round + 1), static_cast<double>(rounds));
    }
    result_.probe_steps = options_.probe_steps;
    const SampleStatistics steps = statistics_of(target().step_seconds);
    result_.step_seconds = steps.mean;
    result_.step_seconds_error = kModelError * steps.mean;
    // Libraries are loaded in the first step, graphs recorded in a later one.
    const double recording = (warm_up_seconds - static_cast<double>(warm_up) * steps.mean) / whole *
                             static_cast<double>(in_a_row);
    start_seconds_ = std::max(0.0, first_seconds_ - steps.mean / whole) + std::max(0.0, recording);
    if (std::isfinite(steps.high)) result_.step_seconds_error += steps.high - steps.mean;
    result_.plain_step_seconds = median_of(variants_.front().step_seconds);
    result_.slowdown = median_of(target().step_seconds) / result_.plain_step_seconds;
    for (Variant& variant : variants_) {
      if (variant.pattern.empty()) continue;
      const double seconds = median_of(variant.step_seconds);
      result_.rules.push_back({.pattern = variant.pattern,
                               .layers = variant.layers,
                               .step_seconds = seconds,
                               .slowdown = seconds / result_.plain_step_seconds});
    }
    if (result_.rules.empty() && !choice_.is_plain()) {
      for (const auto& [pattern, single] : single_rules(choice_, source_.config)) {
        result_.rules.push_back({pattern, target().layers, result_.step_seconds, result_.slowdown});
      }
    }
    add_sampled_steps();
  }

  /// Steps on which the layers measure themselves take longer.
  void add_sampled_steps() {
    if (!has_sampled_steps()) return;
    Variant& variant = target();
    Trainer sampled = sampling_trainer();
    const auto batches = micro_batches(1, 0);
    const auto timed = [&](Trainer& trainer) {
      const auto begin = Clock::now();
      step(trainer, batches).loss.item<float>();
      return seconds_since(begin);
    };
    // The first is launched kernel by kernel, and the recordings follow some steps later.
    const std::int64_t warm_up = memory_of_graphs_ ? 2 + Trainer::kStepsBeforeCapture : 1;
    for (std::int64_t i = 0; i < warm_up; ++i) timed(sampled);
    const double extra = std::max(0.0, timed(sampled) - timed(*variant.trainer));
    result_.step_seconds += extra / static_cast<double>(config_.layer_stats_steps);
  }

  /// Seconds of a whole evaluation, by so many batches of it.
  double evaluate_some(std::int64_t batches) {
    const std::int64_t rows = config_.per_device_eval_batch_size;
    const std::int64_t all = splits_.validation->blocks();
    const std::int64_t some = std::min(all, batches * rows);
    const EvaluationRange range{.first_block = 0, .blocks = some, .batch_size = rows};
    const EvaluationOptions options{.compute_dtype = compute_dtype(), .step = 0};
    return measure(*target().model, *splits_.validation, range, options).seconds *
           static_cast<double>(all) / static_cast<double>(some);
  }

  void time_evaluation() {
    if (!splits_.validation) return;
    report("evaluation", 0, 0);
    zero_gradients(target().model->parameters());
    evaluate_some(2);
    const double seconds = evaluate_some(2);
    std::int64_t count = config_.do_eval ? 1 : 0;
    if (config_.eval_steps) {
      count = (result_.max_steps + *config_.eval_steps - 1) / *config_.eval_steps;
    }
    result_.evaluation_seconds = seconds * static_cast<double>(count);
  }

  void time_saving() {
    report("saving", 0, 0);
    SavingCost cost = saving_cost(config_, source_, choice_, *target().model, *optimizer_, saves());
    result_.checkpoint_bytes = cost.checkpoint_bytes;
    result_.kept_checkpoints = cost.kept_checkpoints;
    result_.disk_bytes = cost.disk_bytes;
    result_.free_disk_bytes = cost.free_disk_bytes;
    result_.saving_seconds = cost.seconds;
    std::move(cost.notes.begin(), cost.notes.end(), std::back_inserter(result_.notes));
  }

  void sum_up() {
    const double steps = static_cast<double>(result_.max_steps);
    result_.tokens_per_step = result_.batch_size * result_.accumulation * block_size_;
    result_.total_seconds = start_seconds_ + steps * result_.step_seconds +
                            result_.evaluation_seconds + result_.saving_seconds;
    // What a start takes depends on which libraries and kernels the machine has in memory by then.
    result_.total_seconds_error =
        start_seconds_ + steps * result_.step_seconds_error +
        kModelError * (result_.evaluation_seconds + result_.saving_seconds);
    if (result_.free_disk_bytes >= 0 && result_.disk_bytes > result_.free_disk_bytes) {
      result_.notes.push_back(
          fmt::format("The run would leave {:.1f} GB, and {:.1f} GB are free: set "
                      "--save_total_limit, or choose another --output_dir",
                      static_cast<double>(result_.disk_bytes) / 1e9,
                      static_cast<double>(result_.free_disk_bytes) / 1e9));
    }
  }

  std::uint64_t seed() const { return static_cast<std::uint64_t>(config_.seed); }

  /// A step that is abandoned between two micro-batches when the estimate is cancelled.
  StepMetrics step(Trainer& trainer, const std::vector<at::Tensor>& batches) {
    return trainer.step(batches, [this] { report(stage_, done_, total_); });
  }

  void report(const std::string& stage, double done, double total) {
    stage_ = stage;
    done_ = done;
    total_ = total;
    if (on_progress_ && !on_progress_(stage, done, total)) fail("cancelled", {}, "cancelled");
  }

  const RunConfig& config_;
  const EstimateOptions& options_;
  const ProgressFunction& on_progress_;
  CostEstimate result_;
  ModelSource source_;
  std::optional<Tokenizer> tokenizer_;
  TransformChoice choice_;
  ChosenDevice device_;
  std::int64_t block_size_ = 0;
  TokenizedSplits splits_;
  std::optional<AdamW> optimizer_;
  std::shared_ptr<GraphMemory> memory_of_graphs_;
  double first_seconds_ = 0;       // of the first step of all
  double start_seconds_ = 0;       // that a run spends once
  std::vector<Variant> variants_;  // plain, the transform, its single rules
  std::string stage_;              // as reported last
  double done_ = 0;
  double total_ = 0;
};

}  // namespace

std::pair<std::int64_t, std::int64_t> smaller_micro_batch(std::int64_t batch_size,
                                                          std::int64_t accumulation) {
  const std::int64_t global = batch_size * accumulation;
  for (std::int64_t rows = batch_size / 2; rows >= 1; --rows) {
    if (global % rows == 0) return {rows, global / rows};
  }
  return {0, 0};
}

CostEstimate estimate(const RunConfig& config, const EstimateOptions& options,
                      const ProgressFunction& on_progress) {
  return with_errors_as("estimate-failed", [&] {
    std::vector<Problem> problems = problems_in(config);
    std::erase_if(problems,
                  [](const Problem& problem) { return problem.severity != Severity::error; });
    if (!problems.empty()) throw Error(std::move(problems));
    const KeptMemoryReleased at_the_end;
    return CostProbe(config, options, on_progress).run();
  });
}

}  // namespace engine
