// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/fake_engine.h"

#include "engine/checkpoint/manifest.h"
#include "engine/error.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_writer.h"
#include "tests/support/fake_trial.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <thread>
#include <utility>

namespace tests {
namespace {

namespace fs = std::filesystem;
using namespace engine;

/// A run in progress; one call of `step` is one optimizer step.
class FakeTraining {
 public:
  FakeTraining(const FakeRun& run, const RunConfig& config, RunControl& control)
      : run_(run), config_(config), control_(control), folder_{config.output_dir} {
    max_steps_ = config.max_steps > 0 ? config.max_steps : run.steps;
  }

  TrainOutcome train() {
    outcome_.run_dir = folder_.path.string();
    fs::create_directories(folder_.path);
    auto lock = RunLock::acquire(folder_.path);
    if (!lock) {
      fail("run-locked", {.file = folder_.path.string()},
           "the run folder is in use by " + RunLock::holder(folder_.path),
           "Wait for that run to end, or choose another --output_dir");
    }
    resume_or_start_anew();
    RunWriter writer(folder_);
    writer_ = &writer;
    control_.watch(folder_.path);
    announce();
    try {
      while (step_ < max_steps_ && !is_over_) one_step();
      if (!is_over_) finish();
    } catch (const Error& error) {
      writer.write(RunFailed{step_, error.what(), outcome_.last_checkpoint});
      writer.set_status(RunState::failed, step_, max_steps_);
      outcome_.failed = true;
      outcome_.message = error.what();
    }
    outcome_.step = step_;
    return outcome_;
  }

 private:
  void resume_or_start_anew() {
    std::int64_t newest = -1;
    for (const auto& entry : fs::directory_iterator(folder_.path)) {
      const std::string name = entry.path().filename().string();
      std::int64_t step = -1;
      if (name.rfind("checkpoint-", 0) != 0) continue;
      std::from_chars(name.data() + 11, name.data() + name.size(), step);
      newest = std::max(newest, step);
    }
    if (newest >= 0 && config_.overwrite_output_dir) {
      fs::remove(folder_.events());
      for (std::int64_t step = 0; step <= newest; ++step) fs::remove_all(folder_.checkpoint(step));
    } else if (newest >= 0) {
      step_ = newest;
      outcome_.last_checkpoint = "checkpoint-" + std::to_string(newest);
    }
    RunConfig resolved = config_;
    resolved.max_steps = max_steps_;
    replace_file(folder_.run_yaml(), run_yaml(resolved));
  }

  void announce() {
    RunStarted started;
    started.run_id = "fake-" + folder_.path.filename().string();
    started.step = step_;
    started.max_steps = max_steps_;
    started.resumed_from = outcome_.last_checkpoint;
    started.device = config_.device == "auto" ? "cpu" : config_.device;
    started.device_name = "Fake processor";
    started.engine_version = "fake";
    started.parameters = 1000;
    started.tokens_per_step = kTokensPerStep;
    writer_->set_status(RunState::starting, step_, max_steps_);
    writer_->write(started);
    for (std::int64_t layer = 0; layer < run_.layers; ++layer) {
      writer_->write(LayerTransformed{"model.layers." + std::to_string(layer) + ".mlp.up_proj",
                                      "linear", "default", "optical_transformer"});
    }
    writer_->write(TransformApplied{run_.layers, run_.layers > 0 ? 1 : 0});
    writer_->set_status(RunState::running, step_, max_steps_);
  }

  void one_step() {
    obey();
    if (is_over_) return;
    if (run_.step_time.count() > 0) std::this_thread::sleep_for(run_.step_time);
    if (run_.hang_at == step_ + 1) hang();
    if (run_.fail_at == step_ + 1) fail("fake-failure", {}, "the fake engine failed as asked");
    ++step_;
    if (step_ == 1 || step_ % config_.logging_steps == 0 || step_ == max_steps_) log();
    if (config_.eval_steps && step_ % *config_.eval_steps == 0) evaluate();
    if (config_.save_strategy == "steps" && step_ % config_.save_steps == 0) save();
    if (run_.abandon_at == step_) abandon();
  }

  void log() {
    StepLogged logged;
    logged.step = step_;
    logged.epoch = double(step_) / double(max_steps_);
    logged.loss = fake_loss(step_);
    if (run_.nan_at == step_) logged.loss = std::numeric_limits<double>::quiet_NaN();
    if (run_.spike_at == step_) logged.loss = 100;
    logged.grad_norm = 1 + 1 / double(step_);
    logged.learning_rate = config_.learning_rate * (1 - double(step_ - 1) / double(max_steps_));
    logged.tokens = step_ * kTokensPerStep;
    logged.tokens_per_second = 5000;
    logged.memory_bytes = 1 << 20;
    writer_->write(logged);
    writer_->set_status(RunState::running, step_, max_steps_);
  }

  void evaluate() {
    const double loss = fake_loss(step_) + 0.05;
    writer_->write(Evaluated{step_, double(step_) / double(max_steps_), loss, std::exp(loss), 0.3,
                             1000, 0.01});
  }

  void save() {
    const std::string name = "checkpoint-" + std::to_string(step_);
    const fs::path temporary = folder_.path / (name + ".tmp-fake");
    fs::create_directories(temporary);
    Manifest manifest;
    manifest.trainer.step = step_;
    replace_file(temporary / "manifest.json", to_json(manifest));
    fs::remove_all(folder_.path / name);
    fs::rename(temporary, folder_.path / name);
    writer_->write(CheckpointSaved{step_, name, 14, 0.001});
    outcome_.last_checkpoint = name;
  }

  void obey() {
    for (bool is_paused = false;;) {
      const RunRequest request = control_.poll();
      if (const auto complaint = control_.take_complaint()) {
        writer_->write(RunMessage{step_, "warning", *complaint});
      }
      if (request == RunRequest::stop || request == RunRequest::stop_now) {
        writer_->set_status(RunState::stopping, step_, max_steps_, to_string(request));
        answer(request, "done");
        if (request == RunRequest::stop) save();
        return end("stopped", RunState::stopped);
      }
      if (request == RunRequest::checkpoint) save();
      if (request == RunRequest::pause) is_paused = true;
      if (request == RunRequest::resume) is_paused = false;
      const std::int64_t wanted_steps = control_.extension().max_steps;
      const bool extends = request == RunRequest::extend && wanted_steps > max_steps_;
      if (extends) {
        writer_->write(RunExtended{step_, std::exchange(max_steps_, wanted_steps), wanted_steps,
                                   to_string(control_.extension().schedule)});
      }
      if (request != RunRequest::none) {
        writer_->set_status(is_paused ? RunState::paused : RunState::running, step_, max_steps_,
                            to_string(request), control_.id());
        answer(request, request == RunRequest::extend && !extends ? "refused" : "done");
      }
      if (!is_paused) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  void answer(RunRequest request, const std::string& outcome) {
    writer_->write(ControlAnswered{step_, to_string(request), control_.id(), outcome, ""});
  }

  [[noreturn]] void hang() {
    writer_->write(RunMessage{step_, "info", "hanging"});
    for (;;) pause();
  }

  void abandon() {
    if (run_.torn_line) {
      const int file = open(folder_.events().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
      const std::string half = R"({"time":1.0,"type":"step","step":)";
      if (write(file, half.data(), half.size()) < 0) fail("fake-failure", {}, "no torn line");
      close(file);
    }
    is_over_ = true;
  }

  void finish() {
    if (outcome_.last_checkpoint != "checkpoint-" + std::to_string(step_)) save();
    if (config_.do_eval) evaluate();
    end("finished", RunState::finished);
  }

  void end(const char* outcome, RunState state) {
    writer_->write(RunFinished{step_, outcome, 1.0});
    writer_->set_status(state, step_, max_steps_);
    outcome_.finished = state == RunState::finished;
    outcome_.stopped = state == RunState::stopped;
    is_over_ = true;
  }

  static constexpr std::int64_t kTokensPerStep = 512;
  const FakeRun& run_;
  const RunConfig& config_;
  RunControl& control_;
  RunFolder folder_;
  RunWriter* writer_ = nullptr;
  TrainOutcome outcome_;
  std::int64_t max_steps_ = 0;
  std::int64_t step_ = 0;
  bool is_over_ = false;
};

}  // namespace

double fake_loss(std::int64_t step) {
  const double noise = double((step * 2654435761u) % 1000) / 1000 - 0.5;
  return 2 + 3 * std::exp(-double(step) / 40) + 0.1 * noise;
}

engine::DeviceReport FakeEngine::devices() const {
  DeviceReport report;
  report.devices.push_back({"cpu", "Fake processor", 8ll << 30, 4ll << 30, true});
  report.torch_version = "none";
  report.driver_required = "580.65.06";
  report.automatic = "cpu";
  return report;
}

engine::TrainOutcome FakeEngine::train(const RunConfig& config, RunControl& control,
                                       const ProgressFunction& on_progress) const {
  if (!run_.problems.empty()) throw Error(run_.problems);
  if (config.output_dir.empty()) fail("bad-value", {.file = "--output_dir"}, "no output folder");
  if (on_progress && !on_progress("tokenising", 1, 1)) fail("cancelled", {}, "cancelled");
  return FakeTraining(run_, config, control).train();
}

std::vector<Problem> FakeEngine::preflight(const RunConfig&) const { return run_.preflight; }

std::vector<ConformanceResult> FakeEngine::check_paradigm(const std::string&,
                                                          const ProgressFunction&) const {
  if (!run_.problems.empty()) throw Error(run_.problems);
  return {};
}

engine::EvalResult FakeEngine::evaluate(const EvalConfig& config,
                                        const ProgressFunction& on_progress) const {
  if (!run_.problems.empty()) throw Error(run_.problems);
  for (int batch = 1; batch <= 4; ++batch) {
    if (on_progress && !on_progress("evaluating", batch, 4)) fail("cancelled", {}, "cancelled");
  }
  EvalResult result;
  result.eval_loss = 2.5;
  result.perplexity = std::exp(2.5);
  result.eval_accuracy = 0.3;
  result.eval_tokens = 4096;
  result.eval_runtime = 0.25;
  result.device = "cpu";
  result.transform = config.transform_config.value_or("none");
  result.calibrated_batches = result.transform == "none" ? 0 : config.calibrate_batches;
  return result;
}

engine::SweepResult FakeEngine::sweep(const SweepConfig& config,
                                      const ProgressFunction& on_progress) const {
  if (!run_.problems.empty()) throw Error(run_.problems);
  if (on_progress && !on_progress("plain", 1, 1)) fail("cancelled", {}, "cancelled");
  SweepResult result;
  result.plain_loss = 2;
  result.eval_tokens = 4096;
  result.eval_runtime = 0.25;
  result.device = "cpu";
  result.transform = config.eval.transform_config.value_or("none");
  result.axes = config.axes;
  std::vector<std::vector<SweepSetting>> grid(1);
  for (const SweepAxis& axis : config.axes) {
    std::vector<std::vector<SweepSetting>> finer;
    for (const auto& settings : grid) {
      for (const std::string& value : axis.values) {
        finer.push_back(settings);
        finer.back().push_back({axis.parameter, value, value});
      }
    }
    grid = std::move(finer);
  }
  for (const auto& settings : grid) {
    SweepCell cell{
        .settings = settings, .transform_digest = "fake", .losses = {}, .reference_losses = {}};
    for (std::int64_t draw = 0; draw < config.noise_seeds; ++draw) {
      cell.losses.push_back(3 - 0.1 * double(result.cells.size()) + 0.01 * double(draw));
      if (config.reference) cell.reference_losses.push_back(cell.losses.back() + 0.5);
    }
    result.cells.push_back(std::move(cell));
  }
  return result;
}

engine::BenchResult FakeEngine::bench(const BenchConfig& config,
                                      const ProgressFunction& on_progress) const {
  if (!run_.problems.empty()) throw Error(run_.problems);
  if (on_progress && !on_progress("round 1 of 1", 1, 1)) fail("cancelled", {}, "cancelled");
  BenchResult result;
  result.model = config.flavor.value_or("fake");
  result.parameters = 1000;
  result.batch_size = config.batch_size;
  result.seq_len = config.seq_len;
  result.bf16 = config.bf16;
  result.device = "cpu";
  result.device_name = "Fake processor";
  result.torch_version = "none";
  result.threads = config.threads.value_or(1);
  result.warmup = config.warmup;
  result.steps = config.steps;
  result.flops_per_token = 6000;
  result.upstream_flops_per_token = 7000;
  const auto add = [&](const std::string& name, double seconds) {
    BenchVariant variant;
    variant.name = name;
    for (std::int64_t round = 0; round < config.rounds; ++round) {
      variant.rounds.emplace_back(std::size_t(config.repeats), BenchSample{seconds, 2 * seconds});
    }
    result.variants.push_back(std::move(variant));
  };
  add("plain", 0.1);
  for (const std::string& file : config.transform_configs) add(file, 0.15);
  return result;
}

engine::CostEstimate FakeEngine::estimate(const RunConfig& config, const EstimateOptions& options,
                                          const ProgressFunction& on_progress) const {
  if (!run_.problems.empty()) throw Error(run_.problems);
  const auto end = std::chrono::steady_clock::now() + run_.estimate_time;
  do {
    if (on_progress && !on_progress("probing steps", 1, 2)) fail("cancelled", {}, "cancelled");
    std::this_thread::sleep_for(std::min(run_.estimate_time, std::chrono::milliseconds(5)));
  } while (std::chrono::steady_clock::now() < end);
  CostEstimate result;
  result.device = "cpu";
  result.device_name = "Fake processor";
  result.probe_steps = options.probe_steps;
  result.max_steps = config.max_steps > 0 ? config.max_steps : run_.steps;
  result.batch_size = config.per_device_train_batch_size;
  result.accumulation = config.gradient_accumulation_steps;
  result.tokens_per_step = 512;
  result.step_seconds = 0.015;
  result.step_seconds_error = 0.001;
  result.plain_step_seconds = 0.01;
  result.slowdown = 1.5;
  if (options.per_rule) result.rules.push_back({"default", run_.layers, 0.015, 1.5});
  result.total_seconds =
      run_.estimated_seconds < 0 ? 0.015 * double(result.max_steps) : run_.estimated_seconds;
  result.total_seconds_error = 0.1 * result.total_seconds;
  result.available_bytes = options.memory_limit > 0 ? options.memory_limit : 1 << 30;
  while (true) {
    result.peak_bytes = result.batch_size * (100 << 20) / 8;
    result.fits = result.peak_bytes <= result.available_bytes;
    if (result.fits || !options.fit || result.batch_size % 2 != 0) break;
    result.batch_size /= 2;
    result.accumulation *= 2;
  }
  result.peak_bytes_error = 5 << 20;
  result.checkpoint_bytes = 12 << 20;
  result.kept_checkpoints = 2;
  result.disk_bytes = 28 << 20;
  result.free_disk_bytes = 1 << 30;
  return result;
}

engine::ProbeReport FakeEngine::probe(const ProbeConfig&, const ProgressFunction&) const {
  fail("not-offered", {}, "the fake engine computes no operation");
}

engine::SelfCheckReport FakeEngine::self_check(const SelfCheckConfig&,
                                               const ProgressFunction&) const {
  fail("not-offered", {}, "the fake engine draws no noise");
}

std::unique_ptr<engine::TransformTrial> FakeEngine::open_trial(
    const engine::TrialConfig& config, const ProgressFunction& on_progress) const {
  if (!run_.problems.empty()) throw Error(run_.problems);
  if (on_progress && !on_progress("loading", 0, 0)) fail("cancelled", {}, "cancelled");
  return std::make_unique<FakeTrial>(config, run_.step_time);
}

}  // namespace tests
