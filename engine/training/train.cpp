// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/training/train.h"

#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/config/run_values.h"
#include "engine/device/computing_errors.h"
#include "engine/device/device_error.h"
#include "engine/device/peak_memory.h"
#include "engine/devices.h"
#include "engine/error.h"
#include "engine/model/rope_choice.h"
#include "engine/runs/run_extension.h"
#include "engine/scripted/scripted_copies.h"
#include "engine/training/calibration.h"
#include "engine/training/model_setup.h"
#include "engine/training/out_of_memory.h"
#include "engine/training/resume_fit.h"
#include "engine/training/run_claim.h"
#include "engine/training/run_loop.h"
#include "engine/training/training_data.h"
#include "engine/transform/followed_formats.h"
#include "engine/transform/transform_choice.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace engine {
namespace {

namespace fs = std::filesystem;

/// What a user does behind a failure of the GPU.
constexpr const char* kAfterFailure = "resume from the last checkpoint";

void refuse_distributed() {
  const char* world = std::getenv("WORLD_SIZE");
  if (world == nullptr || std::atoi(world) <= 1) return;
  fail("distributed", {.file = "WORLD_SIZE"},
       fmt::format(
           "WORLD_SIZE is {}: training on several processes is not supported in this version",
           world),
       "Start one process, without torchrun, or unset WORLD_SIZE");
}

void check(const RunConfig& config) {
  std::vector<Problem> problems = problems_in(config);
  std::erase_if(problems,
                [](const Problem& problem) { return problem.severity != Severity::error; });
  if (!problems.empty()) throw Error(std::move(problems));
  refuse_distributed();
}

/// mode: calibrate asks for some forward passes before the first step.
void calibrate_before_training(Llama& model, const TransformPlan& plan, const TokenDataset& train,
                               const RunConfig& config, std::vector<std::string>& notes) {
  std::int64_t batches = 0;
  std::vector<std::string> layers;
  for (const Assignment* assignment : plan.replacements()) {
    const PlacedValue* mode = assignment->values.find("mode");
    if (mode == nullptr || mode->value != ParamValue{std::string("calibrate")}) continue;
    layers.push_back(assignment->layer);
    batches = std::max(batches, assignment->values.get_int("calibrate_batches"));
  }
  const auto wants = [&layers](const NamedState& state) {
    const std::string layer = state.name.substr(0, state.name.rfind('.'));
    return std::find(layers.begin(), layers.end(), layer) != layers.end() && is_unobserved(state);
  };
  const auto states = model.simulation_state();
  if (std::none_of(states.begin(), states.end(), wants)) return;
  const std::int64_t rows = config.per_device_train_batch_size;
  const std::int64_t blocks = std::min(train.blocks(), batches * rows);
  calibrate_some(model, train, {.first_block = 0, .blocks = blocks, .batch_size = rows},
                 {.compute_dtype = config.bf16 ? at::kBFloat16 : at::kFloat}, wants);
  notes.push_back(fmt::format(
      "The ranges of {} layers were calibrated on the first {} blocks of the training text",
      layers.size(), blocks));
}

std::string parameter_groups_comment(const std::vector<Parameter>& parameters,
                                     double weight_decay) {
  std::string decayed;
  std::string spared;
  for (const Parameter& parameter : parameters) {
    (parameter.decays ? decayed : spared) += "\n#     " + parameter.name;
  }
  return fmt::format("\n# parameter groups\n#   weight_decay {}:{}\n#   weight_decay 0:{}\n",
                     weight_decay, decayed, spared);
}

/// Everything a run needs, in the order in which it is made. Members refer to earlier ones.
class Preparation {
 public:
  Preparation(RunConfig given, RunControl& control, const ProgressFunction& on_progress)
      : config_(std::move(given)), control_(control), on_progress_(on_progress), claim_(config_) {
    control_.watch(claim_.folder().path);
    notes_ = claim_.notes();
    choose();
    load_data();
    load_model();
  }

  TrainOutcome run() {
    // An overwritten run gives its room away.
    if (config_.do_train && !config_.overwrite_output_dir) {
      require_room_for_checkpoint(claim_.folder().path, *model_, *optimizer_);
    }
    claim_.make_room();
    if (claim_.continues_this_run()) claim_.keep();
    RunWriter writer(claim_.folder());
    announce(writer);
    CheckpointFiles files =
        checkpoint_files(source_.config, source_.directory, source_.tokenizer_directory,
                         choice_.is_plain() ? "" : canonical_text(*choice_.config), choice_.digest);
    if (!choice_.is_plain()) files.merge(scripted_copies(*choice_.config));
    std::optional<PeakMemory> peak;
    std::int64_t in_use = 0;
    if (config_.prediction) {
      peak.emplace(device_.device);
      in_use = memory_in_use(device_.device);
    }
    RunLoop loop(
        {.config = config_,
         .control = control_,
         .writer = writer,
         .model = *model_,
         .optimizer = *optimizer_,
         .trainer = *trainer_,
         .loader = loader_ ? &*loader_ : nullptr,
         .validation = splits_.validation ? &*splits_.validation : nullptr,
         .train_blocks = train_blocks(),
         .max_steps = max_steps_,
         .files = files,
         .manifest = manifest_,
         .last_checkpoint =
             claim_.continues_this_run() ? claim_.resume_from()->filename().string() : "",
         .on_first_step = [this] { claim_.keep(); },
         .on_extended = [this](const RunExtension& extension) { return extend(extension); },
         .on_end =
             [&](const RunTotals& totals) {
               if (!peak) return;
               const auto above = peak->above_start();
               compare_cost(writer, totals, above ? in_use + *above : -1);
             }});
    try {
      return loop.run();
    } catch (const StoppedAtOnce&) {
      return stopped_at_once(writer, loop);
    } catch (const c10::Error& error) {
      const std::string too_little = out_of_memory_message(error, config_);
      return failed(writer, loop,
                    too_little.empty() ? device_error_message(error, kAfterFailure) : too_little);
    } catch (const std::exception& error) {
      if (!is_begun(loop)) throw;
      return failed(writer, loop, device_error_message(error, kAfterFailure));
    }
  }

 private:
  void choose() {
    const bool resumes = claim_.resume_from().has_value();
    source_ =
        resumes
            ? find_model(claim_.resume_from()->string(), std::nullopt, config_.tokenizer_name)
            : find_model(config_.model_name_or_path, config_.config_name, config_.tokenizer_name);
    const fs::path& directory = source_.directory;
    choose_rope(source_.config, config_.rope,
                directory.empty() ? *config_.config_name : (directory / "config.json").string(),
                notes_);
    tokenizer_.emplace(Tokenizer::load(source_.tokenizer_directory));
    choice_ = choose_transform(config_.transform_config, source_.directory, source_.config,
                               config_.bf16 ? "bf16" : "fp32");
    notes_.insert(notes_.end(), choice_.notes.begin(), choice_.notes.end());
    device_ = choose_device(config_.device, !choice_.is_plain());
    set_full_determinism(config_.full_determinism);
    if (!device_.note.empty()) notes_.push_back(device_.note);
    config_.device = device_.id;
    config_.block_size = resolved_block_size(config_.block_size, *tokenizer_,
                                             source_.config.max_position_embeddings, warnings_);
    if (*config_.block_size > source_.config.max_position_embeddings) {
      notes_.push_back(
          fmt::format("block_size {} is longer than the {} positions the model was made for",
                      *config_.block_size, source_.config.max_position_embeddings));
    }
  }

  void load_data() {
    TextSources sources = text_sources_of(config_);
    sources.max_train_samples = config_.max_train_samples;
    sources.tokenizing_threads = static_cast<int>(config_.preprocessing_num_workers.value_or(0));
    const bool wants_validation = config_.do_eval || config_.eval_steps.has_value();
    splits_ = tokenize_splits(sources, *tokenizer_, *config_.block_size, config_.do_train,
                              wants_validation, default_token_cache(), data_progress(on_progress_));
    notes_.insert(notes_.end(), splits_.messages.begin(), splits_.messages.end());
    max_steps_ = config_.do_train ? planned_steps(config_, train_blocks()) : 0;
  }

  void load_model() {
    TrainerState& state = manifest_.trainer;
    manifest_.engine_version = PARADIGM_VERSION;
    manifest_.torch_version = TORCH_VERSION;
    manifest_.device = device_.name;
    const bool resumes = claim_.resume_from().has_value();
    TrainerState before;
    if (resumes) before = trainer_state_in(*claim_.resume_from());
    state = before;
    state.run_id = claim_.continues_this_run() ? before.run_id : random_suffix() + random_suffix();
    state.seed = config_.seed;
    state.batch_size = config_.per_device_train_batch_size;
    state.accumulation = config_.gradient_accumulation_steps;
    state.block_size = *config_.block_size;
    state.max_steps = max_steps_;
    state.bf16 = config_.bf16;
    state.data_digest = splits_.train ? splits_.train->digest() : "";
    state.tokenizer_digest = tokenizer_->digest();
    state.transform_digest = choice_.digest;
    if (resumes) {
      const std::string checkpoint = claim_.resume_from()->string();
      require_same_transform_and_tokenizer(before, state, config_.allow_transform_change,
                                           checkpoint);
      for (std::string& note : changes_since(before, state, checkpoint)) {
        notes_.push_back(std::move(note));
      }
    }

    if (config_.do_train && device_.device.is_cpu()) require_memory(source_.config, 4);
    report("loading the model");
    const auto seed = static_cast<std::uint64_t>(config_.seed);
    model_ = make_model(source_, tokenizer_->vocab_size(), seed, device_.device, notes_, warnings_);
    const auto not_restored = transform_model(
        *model_, choice_, source_.directory, seed,
        [this](const Assignment& assignment) { transformed_.push_back(assignment); });
    if (resumes && before.transform_digest == choice_.digest && !not_restored.empty()) {
      fail("missing-tensor", {.file = claim_.resume_from()->string()},
           "the checkpoint's simulation state lacks " + not_restored.front(),
           "Resume from another checkpoint");
    }
    if (splits_.train)
      calibrate_before_training(*model_, choice_.plan, *splits_.train, config_, notes_);
    if (!config_.do_train) calibrate_for_evaluation();
    make_trainer(resumes);
  }

  void make_trainer(bool resumes) {
    optimizer_.emplace(model_->parameters(), AdamWOptions{.beta1 = config_.adam_beta1,
                                                          .beta2 = config_.adam_beta2,
                                                          .epsilon = config_.adam_epsilon,
                                                          .weight_decay = config_.weight_decay});
    if (resumes) load_optimizer(*claim_.resume_from(), *optimizer_);
    trainer_.emplace(
        *model_, *optimizer_,
        TrainerOptions{
            .schedule = schedule(),
            .max_grad_norm = config_.max_grad_norm,
            .compute_dtype = config_.bf16 ? at::kBFloat16 : at::kFloat,
            .seed = static_cast<std::uint64_t>(config_.seed),
            .layer_stats_steps = config_.layer_stats_steps,
            .checkpointing = checkpointing_of(config_.activation_checkpointing, source_.config),
            .graph_memory = config_.cuda_graphs ? graph_memory(model_->device()) : nullptr},
        manifest_.trainer.step);
    if (!splits_.train) return;
    loader_.emplace(*splits_.train,
                    BatchLoaderOptions{.seed = static_cast<std::uint64_t>(config_.seed),
                                       .batch_size = config_.per_device_train_batch_size,
                                       .accumulation = config_.gradient_accumulation_steps,
                                       .start = {.epoch = manifest_.trainer.epoch,
                                                 .consumed = manifest_.trainer.consumed}});
  }

  LrSchedule schedule() const {
    const std::int64_t steps = config_.lr_schedule_steps.value_or(max_steps_);
    return {.type = config_.lr_scheduler_type,
            .peak = config_.learning_rate,
            .warmup_steps = resolved_warmup(config_.warmup_steps, config_.warmup_ratio, steps),
            .total_steps = steps,
            .holds_end = config_.lr_schedule_steps.has_value()};
  }

  LrSchedule extend(const RunExtension& extension) {
    config_ = extended(std::move(config_), max_steps_, extension);
    max_steps_ = config_.max_steps;
    write_run_yaml();
    return schedule();
  }

  /// The prediction beside what came of it; at the start of the run nothing has yet.
  void compare_cost(RunWriter& writer, const RunTotals& totals, std::int64_t peak_bytes) const {
    const CostPrediction& predicted = *config_.prediction;
    writer.write(CostCompared{.step = totals.step,
                              .predicted_step_seconds = predicted.step_seconds,
                              .step_seconds = totals.step_seconds,
                              .predicted_seconds = predicted.seconds,
                              .seconds = totals.seconds,
                              .predicted_peak_bytes = predicted.peak_bytes,
                              .peak_bytes = peak_bytes,
                              .predicted_checkpoint_bytes = predicted.checkpoint_bytes,
                              .checkpoint_bytes = totals.checkpoint_bytes});
  }

  void calibrate_for_evaluation() {
    if (!splits_.validation || !has_unobserved_state(*model_) || config_.calibrate_batches < 1)
      return;
    fail("not-calibrated", {.file = "--do_eval"},
         "the transformed model has never been calibrated, and a run without training does not do "
         "it",
         "Use the command eval, which calibrates on other text first");
  }

  void write_run_yaml() const {
    RunConfig written = config_;
    written.overwrite_output_dir = false;
    if (claim_.continues_this_run()) written.resume_from_checkpoint.reset();
    std::string formats;
    if (!choice_.is_plain()) formats = followed_formats_comment(choice_.plan, *choice_.config);
    std::error_code ignored;
    const std::string paths_from = claim_.continues_this_run()
                                       ? keep_written_paths(claim_.folder().run_yaml(), written)
                                       : std::filesystem::current_path(ignored).string();
    replace_file(claim_.folder().run_yaml(),
                 run_yaml(written, paths_from) + formats +
                     parameter_groups_comment(model_->parameters(), config_.weight_decay));
  }

  void announce(RunWriter& writer) {
    const RunFolder& folder = writer.folder();
    writer.set_status(RunState::starting, manifest_.trainer.step, max_steps_);
    write_run_yaml();
    if (!choice_.is_plain()) {
      replace_file(folder.transform_yaml(), canonical_text(*choice_.config));
      for (const auto& [name, content] : scripted_copies(*choice_.config))
        replace_file(folder.path / name, content);
      replace_file(folder.histogram(), transform_histogram_json(choice_.plan.histogram));
    }
    writer.write(
        RunStarted{.run_id = manifest_.trainer.run_id,
                   .step = manifest_.trainer.step,
                   .max_steps = max_steps_,
                   .resumed_from = claim_.resume_from() ? claim_.resume_from()->string() : "",
                   .device = device_.id,
                   .device_name = device_.name,
                   .engine_version = PARADIGM_VERSION,
                   .transform_digest = choice_.digest,
                   .parameters = source_.config.total_parameters(),
                   .tokens_per_step = config_.per_device_train_batch_size *
                                      config_.gradient_accumulation_steps * *config_.block_size});
    if (config_.prediction) {
      compare_cost(writer,
                   {.step = manifest_.trainer.step,
                    .seconds = -1,
                    .step_seconds = -1,
                    .checkpoint_bytes = -1},
                   -1);
    }
    for (const std::string& note : notes_) {
      writer.write(RunMessage{.step = manifest_.trainer.step, .level = "info", .text = note});
    }
    for (const std::string& warning : warnings_) {
      writer.write(RunMessage{.step = manifest_.trainer.step, .level = "warning", .text = warning});
    }
    if (choice_.is_plain()) return;
    for (const Assignment& assignment : transformed_) {
      writer.write(LayerTransformed{
          .layer = assignment.layer,
          .kind = to_string(assignment.kind),
          .pattern = choice_.config->rules.at(static_cast<std::size_t>(assignment.rule)).pattern,
          .paradigm = assignment.paradigm});
    }
    writer.write(TransformApplied{
        .layers = choice_.plan.histogram.layer_count(),
        .patterns = static_cast<std::int64_t>(choice_.plan.histogram.entries.size())});
  }

  /// Whether files of this run stay even if it fails now.
  bool is_begun(const RunLoop& loop) const {
    return claim_.continues_this_run() || loop.steps_done() > manifest_.trainer.step;
  }

  TrainOutcome outcome_of(const RunLoop& loop, const std::string& message) const {
    return {.finished = false,
            .stopped = false,
            .failed = false,
            .step = loop.steps_done(),
            .run_dir = claim_.folder().path.string(),
            .message = message,
            .last_checkpoint = loop.last_checkpoint()};
  }

  TrainOutcome stopped_at_once(RunWriter& writer, RunLoop& loop) {
    claim_.keep();
    try {
      loop.settle_save();
    } catch (const std::exception& error) {
      return failed(writer, loop, error.what());
    }
    TrainOutcome outcome = outcome_of(loop, "Stopped at once; the step in progress is lost");
    outcome.stopped = true;
    writer.write(RunFinished{.step = loop.steps_done(), .outcome = "stopped", .seconds = 0});
    writer.set_status(RunState::stopped, loop.steps_done(), loop.max_steps());
    return outcome;
  }

  TrainOutcome failed(RunWriter& writer, RunLoop& loop, const std::string& what) {
    if (!is_begun(loop)) fail("training-failed", {}, what);
    try {
      loop.settle_save();
    } catch (const std::exception&) {
      // The first failure is the one to report.
    }
    TrainOutcome outcome = outcome_of(loop, what);
    outcome.failed = true;
    try {
      writer.write(RunFailed{
          .step = loop.steps_done(), .what = what, .last_checkpoint = loop.last_checkpoint()});
      writer.set_status(RunState::failed, loop.steps_done(), loop.max_steps());
    } catch (const Error& error) {
      outcome.message += std::string("\nThe failure could not be recorded: ") + error.what();
    }
    return outcome;
  }

  void report(const std::string& stage) const {
    if (on_progress_ && !on_progress_(stage, 0, 0))
      fail("cancelled", {}, "cancelled before " + stage);
  }

  std::int64_t train_blocks() const { return splits_.train ? splits_.train->blocks() : 0; }

  RunConfig config_;
  RunControl& control_;
  const ProgressFunction& on_progress_;
  RunClaim claim_;
  std::vector<std::string> notes_;
  std::vector<std::string> warnings_;
  ModelSource source_;
  std::optional<Tokenizer> tokenizer_;
  TransformChoice choice_;
  ChosenDevice device_;
  TokenizedSplits splits_;
  std::int64_t max_steps_ = 0;
  Manifest manifest_;
  std::vector<Assignment> transformed_;
  std::unique_ptr<Llama> model_;
  std::optional<AdamW> optimizer_;
  std::optional<Trainer> trainer_;
  std::optional<BatchLoader> loader_;
};

}  // namespace

std::int64_t planned_steps(const RunConfig& config, std::int64_t blocks) {
  if (config.max_steps > 0) return config.max_steps;
  const std::int64_t batch = config.per_device_train_batch_size;
  const std::int64_t micro_batches = (blocks + batch - 1) / batch;
  const std::int64_t per_epoch =
      std::max<std::int64_t>(1, micro_batches / config.gradient_accumulation_steps);
  return static_cast<std::int64_t>(
      std::ceil(config.num_train_epochs * static_cast<double>(per_epoch)));
}

TrainOutcome train(const RunConfig& config, RunControl& control,
                   const ProgressFunction& on_progress) {
  return with_errors_as("training-failed", [&] {
    check(config);
    at::set_num_threads(at::get_num_threads());
    Preparation preparation(config, control, on_progress);
    return preparation.run();
  });
}

}  // namespace engine
