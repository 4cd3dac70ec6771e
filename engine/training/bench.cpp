// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/bench.h"

#include "engine/data/hub_cache.h"
#include "engine/device/computing_errors.h"
#include "engine/device/device_error.h"
#include "engine/device/peak_memory.h"
#include "engine/device/processor_time.h"
#include "engine/device/step_profile.h"
#include "engine/devices.h"
#include "engine/error.h"
#include "engine/memory_limit.h"
#include "engine/model/clm_family.h"
#include "engine/model/model_flops.h"
#include "engine/runs/atomic_file.h"
#include "engine/training/matmul_limit.h"
#include "engine/training/model_setup.h"
#include "engine/training/out_of_memory.h"
#include "engine/training/random_tokens.h"
#include "engine/training/step_memory.h"
#include "engine/training/trainer.h"
#include "engine/transform/transform_choice.h"
#include "kernels/noise_key.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

namespace engine {
namespace {

/// One transform and what is made of it. All variants share the weights and the optimizer's state,
/// and each one's peak is its own.
struct Variant {
  Variant(std::unique_ptr<Llama> own_model, AdamW& optimizer, const TrainerOptions& options)
      : model(std::move(own_model)), trainer(*model, optimizer, options) {}

  std::unique_ptr<Llama> model;
  Trainer trainer;
  BenchVariant result;
  bool was_captured = false;
};

/// LibTorch's number of threads while it lives.
class ThreadCount {
 public:
  explicit ThreadCount(std::optional<std::int64_t> wanted) : before_(at::get_num_threads()) {
    if (wanted) at::set_num_threads(static_cast<int>(*wanted));
  }
  ~ThreadCount() { at::set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

std::int64_t bytes_of(const at::Tensor& tensor) {
  return tensor.numel() * static_cast<std::int64_t>(tensor.element_size());
}

ModelSource benched_model(const BenchConfig& config) {
  ModelSource source;
  if (config.model_name_or_path) {
    source.directory = resolve_hub_path(*config.model_name_or_path, HubKind::model);
    source.config = read_llama_config(source.directory / "config.json");
  } else if (const auto flavour = find_clm_config(*config.flavor)) {
    source.config = *flavour;
  } else {
    std::string names;
    for (const ClmFlavour& each : clm_family()) names += (names.empty() ? "" : ", ") + each.name;
    fail("unknown-config", {.file = "--flavor"},
         fmt::format("the CLM family has no size \"{}\"", *config.flavor), "It has " + names);
  }
  return source;
}

/// Files of the same name in two folders are told apart by their paths.
std::string name_of_variant(const std::string& file, const std::vector<std::string>& files) {
  const auto name_of = [](const std::string& path) {
    return std::filesystem::path(path).filename().string();
  };
  const auto alike = std::count_if(files.begin(), files.end(), [&](const std::string& other) {
    return name_of(other) == name_of(file);
  });
  return alike > 1 ? file : name_of(file);
}

std::string remedy_for(const BenchConfig& config) {
  return "To fit: " + ways_to_fit({.batch_flag = "--batch_size",
                                   .batch_size = config.batch_size,
                                   .batch_remark = "",
                                   .length_flag = "--seq_len",
                                   .length = config.seq_len,
                                   .activation_checkpointing = config.activation_checkpointing,
                                   .bf16 = config.bf16});
}

/// A transformed step may take so many times the least of a plain one.
constexpr double kMostOfLeast = 8;

double least_activations(const LlamaConfig& model, const BenchConfig& config) {
  return least_activation_bytes(model, config.batch_size * config.seq_len, config.bf16,
                                config.activation_checkpointing);
}

/// The processor's memory must be asked for before: a system that has promised too much ends the
/// process without a word.
void require_memory_of_processor(const LlamaConfig& model, const BenchConfig& config) {
  require_memory(model, 4);
  const double weights = 16.0 * static_cast<double>(model.total_parameters());
  const double activations = least_activations(model, config);
  const auto free = static_cast<double>(available_memory());
  if (free <= 0 || weights + activations <= free) return;
  fail("too-little-memory", {.file = "--batch_size"},
       fmt::format("a step of {} x {} tokens needs at least {:.1f} GB ({:.1f} GB of weights, "
                   "gradients and moments, {:.1f} GB of activations), and {:.1f} GB are free",
                   config.batch_size, config.seq_len, (weights + activations) / 1e9, weights / 1e9,
                   activations / 1e9, free / 1e9),
       remedy_for(config));
}

class Bench {
 public:
  Bench(const BenchConfig& config, const ProgressFunction& on_progress)
      : config_(config), on_progress_(on_progress), source_(benched_model(config)) {
    const LlamaConfig& model = source_.config;
    for (const std::string& file : config.transform_configs) {
      TransformChoice choice = choose_transform(file, {}, model, config.bf16 ? "bf16" : "fp32");
      add_notes(choice.notes);
      const std::string name = name_of_variant(file, config.transform_configs);
      auto singles = config.per_rule ? single_rules(choice, model)
                                     : std::vector<std::pair<std::string, TransformChoice>>{};
      choices_.emplace_back(name, std::move(choice));
      for (auto& [pattern, single] : singles) {
        choices_.emplace_back(name + ": " + pattern, std::move(single));
      }
    }
    device_ = choose_device(config.device, !choices_.empty());
    set_full_determinism(config.full_determinism);
    if (!device_.note.empty()) result_.notes.push_back(device_.note);
    if (config.seq_len > model.max_position_embeddings) {
      result_.notes.push_back(
          fmt::format("seq_len {} is longer than the {} positions the model was made for",
                      config.seq_len, model.max_position_embeddings));
    }
    if (device_.device.is_cpu()) require_memory_of_processor(model, config);
  }

  BenchResult run() {
    report("loading", 0, 0);
    make_variants();
    describe();
    const std::int64_t turns = warmup() + 1 + config_.rounds * config_.repeats;
    std::int64_t turn = 0;
    const auto take_turns = [&](const std::string& stage, auto&& use) {
      const at::Tensor ids = random_ids(turn);
      for (auto& variant : variants_) with_its_memory(*variant, ids, use);
      report(stage, static_cast<double>(++turn), static_cast<double>(turns));
    };
    report("memory", 0, static_cast<double>(turns));
    // All variants step before one is recorded: what a graph works in is lost to other steps.
    take_turns("memory", [&](Variant& v, const at::Tensor& ids) { measure_memory(v, ids); });
    gives_back_ = !all_fit();
    for (std::int64_t step = 0; step < warmup(); ++step) {
      take_turns("warming up", [&](Variant& v, const at::Tensor& ids) { timed(v, ids, 1); });
    }
    note_capture_failures();
    for (std::int64_t round = 0; round < config_.rounds; ++round) {
      for (auto& variant : variants_) variant->result.rounds.emplace_back();
      const std::string stage = fmt::format("round {} of {}", round + 1, config_.rounds);
      for (std::int64_t repeat = 0; repeat < config_.repeats; ++repeat) {
        take_turns(stage, [&](Variant& v, const at::Tensor& ids) {
          v.result.rounds.back().push_back(timed(v, ids, config_.steps));
        });
      }
    }
    report("products alone", static_cast<double>(turns), static_cast<double>(turns));
    try {
      result_.matmul_seconds =
          measure_matmul_limit(source_.config, config_.batch_size * config_.seq_len,
                               config_.bf16 ? at::kBFloat16 : at::kFloat, device_.device)
              .seconds;
    } catch (const c10::Error& error) {  // the variants fill the device
      if (memory_asked_for(error).empty()) throw;
    }
    if (config_.profile) profile_variants();
    for (auto& variant : variants_) result_.variants.push_back(std::move(variant->result));
    return std::move(result_);
  }

 private:
  void add_notes(const std::vector<std::string>& notes) {
    result_.notes.insert(result_.notes.end(), notes.begin(), notes.end());
  }

  void report(const std::string& stage, double done, double total) const {
    if (on_progress_ && !on_progress_(stage, done, total)) fail("cancelled", {}, "cancelled");
  }

  std::uint64_t seed() const { return static_cast<std::uint64_t>(config_.seed); }

  c10::ScalarType compute_dtype() const { return config_.bf16 ? at::kBFloat16 : at::kFloat; }

  void make_variants() {
    std::vector<std::string> warnings;
    auto plain = make_model(source_, source_.config.vocab_size, seed(), device_.device,
                            result_.notes, warnings);
    add_notes(warnings);
    optimizer_ = std::make_unique<AdamW>(plain->parameters(), AdamWOptions{.weight_decay = 0.01});
    // One for all variants, which take turns: so the graphs of each work in the same memory.
    const auto memory = config_.cuda_graphs ? graph_memory(device_.device) : nullptr;
    const auto checkpointing = checkpointing_of(config_.activation_checkpointing, source_.config);
    const TrainerOptions options{.schedule = {.type = "constant", .peak = 1e-5},
                                 .max_grad_norm = 1.0,
                                 .compute_dtype = compute_dtype(),
                                 .seed = seed(),
                                 .layer_stats_steps = config_.layer_stats_steps,
                                 .checkpointing = checkpointing,
                                 .graph_memory = memory};
    std::vector<std::unique_ptr<Variant>> made;
    for (const auto& [name, choice] : choices_) {
      auto& variant =
          *made.emplace_back(std::make_unique<Variant>(plain_twin(*plain), *optimizer_, options));
      transform_model(*variant.model, choice, {}, seed());
      observe_ranges(*variant.model, random_ids(-1), compute_dtype());
      variant.result.name = name;
      variant.result.transform_digest = choice.digest;
      variant.result.layers = static_cast<std::int64_t>(choice.plan.replacements().size());
      for (const NamedState& state : variant.model->simulation_state()) {
        variant.result.simulation_state_bytes += bytes_of(state.tensor);
      }
    }
    variants_.push_back(std::make_unique<Variant>(std::move(plain), *optimizer_, options));
    variants_.front()->result.name = "plain";
    for (auto& variant : made) variants_.push_back(std::move(variant));
  }

  void describe() {
    const LlamaConfig& model = source_.config;
    result_.model = config_.flavor ? *config_.flavor : *config_.model_name_or_path;
    result_.parameters = model.total_parameters();
    result_.batch_size = config_.batch_size;
    result_.seq_len = config_.seq_len;
    result_.bf16 = config_.bf16;
    result_.device = device_.id;
    result_.device_name = device_.name;
    if (device_.device.is_cuda()) result_.driver = driver_version();
    result_.torch_version = TORCH_VERSION;
    result_.threads = at::get_num_threads();
    result_.warmup = config_.warmup;
    result_.steps = config_.steps;
    result_.flops_per_token = train_flops_per_token(model, config_.seq_len);
    result_.upstream_flops_per_token = upstream_flops_per_token(model, config_.seq_len);
    result_.peak_flops = peak_bf16_flops(device_.name).value_or(0);
    for (const Parameter& parameter : variants_.front()->model->parameters()) {
      result_.weight_bytes += bytes_of(parameter.tensor);
    }
    for (const auto& [name, tensor] : optimizer_->state()) {
      result_.optimizer_bytes += bytes_of(tensor);
    }
  }

  /// Where a step could take most of the processor's memory, smaller ones tell how much it takes.
  void require_memory_of_step(Variant& variant) const {
    if (!device_.device.is_cpu() || kMostOfLeast * least_activations(source_.config, config_) <
                                        static_cast<double>(available_memory())) {
      return;
    }
    const auto needed = extrapolated_peak(config_.batch_size, [&](std::int64_t rows) {
      report("memory", 0, 0);
      zero_gradients(variant.model->parameters());
      const at::Tensor ids =
          random_tokens(rows, config_.seq_len, source_.config.vocab_size, seed());
      const PeakMemory peak(device_.device);
      timed(variant, ids, 1);
      return peak.above_start();
    });
    zero_gradients(variant.model->parameters());
    const auto free = static_cast<double>(available_memory());
    if (!needed || *needed <= free) return;
    fail("too-little-memory", {.file = "--batch_size"},
         fmt::format("a step of {} x {} tokens, {}, needs {:.1f} GB above the weights, by steps "
                     "of an eighth of it, and {:.1f} GB are free",
                     config_.batch_size, config_.seq_len, variant.result.name, *needed / 1e9,
                     free / 1e9),
         remedy_for(config_));
  }

  /// The same tokens for every variant in a turn, others in the next.
  at::Tensor random_ids(std::int64_t turn) const {
    return random_tokens(config_.batch_size, config_.seq_len, source_.config.vocab_size,
                         kernels::mix(seed() ^ kernels::mix(static_cast<std::uint64_t>(turn))));
  }

  /// Reading a number waits for the device. Weights that another variant has changed are cast
  /// before, as no step of training has to.
  static BenchSample timed(Variant& variant, const at::Tensor& ids, std::int64_t steps) {
    for (WorkingWeights* stack : variant.model->working_weights()) stack->refresh();
    static_cast<void>(variant.model->parameters().front().tensor.flatten()[0].item<float>());
    const auto started = std::chrono::steady_clock::now();
    const double cpu_started = processor_seconds();
    at::Tensor loss;
    for (std::int64_t step = 0; step < steps; ++step) loss = variant.trainer.step({ids}).loss;
    static_cast<void>(loss.item<float>());
    const double count = static_cast<double>(steps);
    return {
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count() / count,
        (processor_seconds() - cpu_started) / count};
  }

  void measure_memory(Variant& variant, const at::Tensor& ids) const {
    require_memory_of_step(variant);
    zero_gradients(variant.model->parameters());
    const PeakMemory peak(device_.device);
    timed(variant, ids, captures() ? Trainer::kStepsBeforeCapture : 1);
    variant.result.step_peak_bytes = peak.above_start().value_or(-1);
    variant.result.gradient_bytes = variant.result.working_weight_bytes = 0;
    for (const Parameter& parameter : variant.model->parameters()) {
      variant.result.gradient_bytes += bytes_of(parameter.tensor.grad());
    }
    for (const WorkingWeights* stack : variant.model->working_weights()) {
      variant.result.working_weight_bytes += bytes_of(stack->values());
    }
    give_back(variant);
  }

  /// So that any number of variants fits of which each fits alone.
  void give_back(Variant& variant) const {
    if (!device_.device.is_cuda()) return;
    variant.trainer.release_memory();
    release_kept_memory();
  }

  /// Whether the variants can keep their graphs and 16-bit weights while others take their turns.
  /// The graphs share their memory; a twentieth is for what lies between.
  bool all_fit() const {
    if (!device_.device.is_cuda()) return true;
    std::int64_t greatest = 0, kept = 0;
    for (const auto& variant : variants_) {
      greatest = std::max(greatest, variant->result.step_peak_bytes);
      kept += variant->result.working_weight_bytes;
    }
    const std::vector<DeviceInfo> devices = device_report().devices;
    const auto own = std::find_if(devices.begin(), devices.end(),
                                  [&](const DeviceInfo& each) { return each.id == device_.id; });
    return own == devices.end() || (greatest + kept) / 20 * 21 < own->free_memory;
  }

  template <typename Use>
  void with_its_memory(Variant& variant, const at::Tensor& ids, const Use& use) const {
    if (gives_back_) timed(variant, ids, 1);  // records again
    use(variant, ids);
    variant.was_captured = variant.was_captured || variant.trainer.is_captured();
    if (gives_back_) give_back(variant);
  }

  bool captures() const { return config_.cuda_graphs && device_.device.is_cuda(); }
  /// The first step after those that come before a capture is the one that records.
  std::int64_t warmup() const { return std::max<std::int64_t>(config_.warmup, captures() ? 1 : 0); }

  void note_capture_failures() {
    for (const auto& variant : variants_) {
      if (!captures() || variant->was_captured) continue;
      const std::string& failure = variant->trainer.capture_failure();
      result_.notes.push_back(
          variant->result.name + " runs without CUDA graphs: " +
          (failure.empty() ? "what its layers do changes from step to step" : failure));
    }
  }

  void profile_variants() {
    const std::filesystem::path folder = *config_.profile;
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) fail_to_write(folder, error.value());
    const at::Tensor ids = random_ids(0);
    for (std::size_t index = 0; index < variants_.size(); ++index) {
      Variant& variant = *variants_[index];
      report("profiling", static_cast<double>(index), static_cast<double>(variants_.size()));
      with_its_memory(variant, ids, [&](Variant& own, const at::Tensor& tokens) {
        // Once before, so that nothing is cast in the step that is looked at.
        timed(own, tokens, 1);
        const std::filesystem::path trace = folder / fmt::format("{}.json", index);
        const std::filesystem::path part = folder / fmt::format(".{}.json.part", index);
        own.result.kernels = profile(device_.device, part, [&] { timed(own, tokens, 1); });
        std::filesystem::rename(part, trace, error);
        if (error) fail_to_write(trace, error.value());
      });
    }
  }

  const BenchConfig& config_;
  const ProgressFunction& on_progress_;
  ModelSource source_;
  std::vector<std::pair<std::string, TransformChoice>> choices_;
  ChosenDevice device_;
  BenchResult result_;
  std::unique_ptr<AdamW> optimizer_;
  std::vector<std::unique_ptr<Variant>> variants_;  // plain first
  bool gives_back_ = false;  // each variant what it can make again, after its turn
};

}  // namespace

BenchResult bench(const BenchConfig& config, const ProgressFunction& on_progress) {
  const ThreadCount threads(config.threads);
  return with_errors_as("bench-failed", [&] {
    try {
      return Bench(config, on_progress).run();
    } catch (const c10::Error& error) {
      const std::string asked = memory_asked_for(error);
      if (asked.empty()) throw;
      fail("out-of-memory", {.file = "--batch_size"}, asked, remedy_for(config));
    }
  });
}

}  // namespace engine
