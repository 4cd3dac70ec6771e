// SPDX-License-Identifier: GPL-3.0-or-later
// Whole runs of a tiny model: output folder rules, exact resume, requests, failures.
#include "engine/training/train.h"

#include "engine/checkpoint/checkpoint_weights.h"
#include "engine/checkpoint/saved_checkpoints.h"
#include "engine/error.h"
#include "engine/model/llama_config.h"
#include "engine/runs/run_catalog.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_reader.h"
#include "engine/training/evaluate.h"
#include "engine/training/lr_schedule.h"
#include "tests/support/tiny_training.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOptical = R"(use_regex: true
layer_name_to_config:
  model\.layers\.[0-9]+\.self_attn: &all
    q_levels: 256
    q_lut_min: 0.020040
    q_quantiles: null
    q_smooth_factor: 0.9
    q_init_seed: 0
    q_bypass: false
  model\.layers\.[0-9]+\.(self_attn\.(q|k|v|o)_proj|mlp\.(gate|up|down)_proj): *all
  lm_head: null
)";

constexpr const char* kBitflip = R"(use_regex: true
layer_name_to_config:
  model\.layers\.[0-9]+\..*_proj:
    x_p_exp: 0.00002
    x_p_frac: {from: 0.002, to: 0.06, steps: 12, shape: log}
    x_zero_out_t: 30
    w_p_exp: 0.00002
    w_p_frac: 0.0002
    w_zero_out_t: 1.25
  lm_head: null
)";

std::vector<RunEvent> events_of(const fs::path& run_dir) {
  RunReader reader(run_dir);
  std::vector<RunEvent> all;
  while (true) {
    RunUpdate update = reader.poll();
    all.insert(all.end(), update.events.begin(), update.events.end());
    if (!update.more) return all;
  }
}

template <typename Event>
std::vector<Event> events_of_type(const fs::path& run_dir) {
  std::vector<Event> found;
  for (const RunEvent& event : events_of(run_dir)) {
    if (const auto* body = std::get_if<Event>(&event.body)) found.push_back(*body);
  }
  return found;
}

bool says(const fs::path& run_dir, const std::string& words) {
  for (const RunMessage& message : events_of_type<RunMessage>(run_dir)) {
    if (message.text.find(words) != std::string::npos) return true;
  }
  return false;
}

std::string state_of(const fs::path& run_dir) {
  return to_string(RunReader(run_dir).poll().status->state);
}

class Train : public tests::TinyTraining {
 protected:
  Train() : TinyTraining(810) {  // a few dozen blocks: a run crosses epochs
    folder_.write("optical.yaml", kOptical);
    folder_.write("other.yaml", std::string(kOptical) + "\n# another effect:\n");
  }

  RunConfig config(const std::string& run) const {
    RunConfig config = training(run);
    config.gradient_accumulation_steps = 2;
    config.learning_rate = 1e-3;
    config.weight_decay = 0.1;
    config.max_steps = 14;
    config.warmup_steps = 2;
    config.logging_steps = 3;
    config.save_steps = 1000;
    return config;
  }

  TrainOutcome run(const RunConfig& config) {
    RunControl control;
    return train(config, control, {});
  }

  /// Trains until the first request to stop is obeyed: one step.
  TrainOutcome run_one_step(const RunConfig& config) {
    RunControl control;
    control.request(RunRequest::stop);
    return train(config, control, {});
  }

  std::string error_of(const RunConfig& config) {
    try {
      run(config);
      return "";
    } catch (const Error& error) {
      return error.problems().front().id;
    }
  }

  static void expect_same_result(const fs::path& one, const fs::path& other,
                                 const std::string& checkpoint) {
    for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
      EXPECT_TRUE(tests::content_of(one / checkpoint / name) ==
                  tests::content_of(other / checkpoint / name))
          << name;
    }
    EXPECT_TRUE(tests::content_of(one / checkpoint / "simulation_state.safetensors") ==
                tests::content_of(other / checkpoint / "simulation_state.safetensors"));
    const auto a = events_of_type<StepLogged>(one);
    const auto b = events_of_type<StepLogged>(other);
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].step, b[i].step);
      EXPECT_EQ(a[i].loss, b[i].loss) << a[i].step;
      EXPECT_EQ(a[i].grad_norm, b[i].grad_norm) << a[i].step;
      EXPECT_EQ(a[i].learning_rate, b[i].learning_rate) << a[i].step;
      EXPECT_EQ(a[i].epoch, b[i].epoch) << a[i].step;
      EXPECT_EQ(a[i].tokens, b[i].tokens) << a[i].step;
    }
  }

  void check_resume(RunConfig config);
};

TEST_F(Train, TheLossFallsAndTheFolderIsComplete) {
  RunConfig wanted = config("run");
  wanted.max_steps = 40;
  wanted.learning_rate = 5e-3;
  const TrainOutcome outcome = run(wanted);
  EXPECT_TRUE(outcome.finished);
  EXPECT_EQ(outcome.step, 40);
  EXPECT_EQ(outcome.last_checkpoint, "checkpoint-40");
  const fs::path dir = folder_ / "run";
  for (const char* name :
       {"run.yaml", "events.jsonl", "status.json", "model.safetensors", "config.json",
        "generation_config.json", "tokenizer.json", "checkpoint-40/manifest.json"}) {
    EXPECT_TRUE(fs::exists(dir / name)) << name;
  }
  EXPECT_FALSE(fs::exists(dir / "transform.yaml"));
  const auto steps = events_of_type<StepLogged>(dir);
  ASSERT_GE(steps.size(), 13u);
  EXPECT_EQ(steps.front().step, 3);
  EXPECT_EQ(steps.back().step, 40);
  EXPECT_LT(steps.back().loss, 0.8 * steps.front().loss);
  EXPECT_EQ(state_of(dir), "finished");
  EXPECT_TRUE(says(dir, "No transform"));
}

void Train::check_resume(RunConfig wanted) {
  const fs::path through = folder_ / "through";
  const fs::path resumed = folder_ / "resumed";
  wanted.output_dir = through.string();
  ASSERT_TRUE(run(wanted).finished);
  ASSERT_GT(events_of_type<StepLogged>(through).back().epoch, 1.5);

  wanted.output_dir = resumed.string();
  // Every step of the first epochs is a place to stop at: in mid-epoch and exactly at the edges.
  for (std::int64_t step = 1; step <= 11; ++step) {
    const TrainOutcome outcome = run_one_step(wanted);
    ASSERT_TRUE(outcome.stopped);
    ASSERT_EQ(outcome.step, step);
    ASSERT_EQ(outcome.last_checkpoint, "checkpoint-" + std::to_string(step));
  }
  EXPECT_EQ(state_of(resumed), "stopped");
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_TRUE(says(resumed, "resuming from checkpoint-11"));
  expect_same_result(through, resumed, "checkpoint-14");
}

TEST_F(Train, ResumingIsBitExact) { check_resume(config("")); }

TEST_F(Train, ResumingIsBitExactWithTransform) {
  RunConfig wanted = config("");
  wanted.transform_config = (folder_ / "optical.yaml").string();
  check_resume(wanted);
  EXPECT_TRUE(fs::exists(folder_ / "through/simulation_state.safetensors"));
  EXPECT_TRUE(fs::exists(folder_ / "through/transform_histogram.json"));
  EXPECT_EQ(events_of_type<LayerTransformed>(folder_ / "through").size(), 16u);
}

TEST_F(Train, ResumingIsBitExactForAnySavesAccumulationAndLoader) {
  std::mt19937_64 random(31);
  const auto one_of = [&random](std::int64_t low, std::int64_t high) {
    return low + std::int64_t(random() % std::uint64_t(high - low + 1));
  };
  const char* const schedules[] = {"linear", "cosine", "constant_with_warmup"};
  const int rounds = std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 60 : 5;
  for (int round = 0; round < rounds; ++round) {
    RunConfig wanted = config("through");
    if (round % 2 == 0) wanted.transform_config = (folder_ / "optical.yaml").string();
    wanted.bf16 = round % 5 == 3;
    wanted.seed = round;
    wanted.max_steps = one_of(6, 16);
    wanted.save_steps = one_of(1, 7);
    wanted.save_async = one_of(0, 1) == 1;
    wanted.save_total_limit = one_of(1, 3);
    wanted.gradient_accumulation_steps = one_of(1, 4);
    wanted.per_device_train_batch_size = one_of(1, 5);
    wanted.dataloader_num_workers = one_of(0, 2);
    wanted.logging_steps = one_of(1, 4);
    wanted.layer_stats_steps = one_of(0, 3);
    wanted.lr_scheduler_type = schedules[one_of(0, 2)];
    ASSERT_TRUE(run(wanted).finished);
    wanted.output_dir = (folder_ / "resumed").string();
    int stops = 0;
    for (std::int64_t done = 0; done < wanted.max_steps - 1; ++stops) {
      const TrainOutcome outcome = run_one_step(wanted);
      ASSERT_TRUE(outcome.stopped) << outcome.message;
      done = outcome.step;
      if (one_of(0, 2) == 0) break;
    }
    ASSERT_TRUE(run(wanted).finished);
    expect_same_result(folder_ / "through", folder_ / "resumed",
                       "checkpoint-" + std::to_string(wanted.max_steps));
    if (HasFailure()) {
      ADD_FAILURE() << "round " << round << " after " << stops << " stops:\n" << run_yaml(wanted);
      return;
    }
    fs::remove_all(folder_ / "through");
    fs::remove_all(folder_ / "resumed");
  }
}

TEST_F(Train, ResumingIsBitExactInTheMiddleOfARamp) {
  std::string text = kOptical;
  const auto put = [&text](const std::string& old, const std::string& ramp) {
    text.replace(text.find(old), old.size(), ramp);
  };
  put("q_lut_min: 0.020040", "q_lut_min: {from: 0.3, to: 0.001, steps: 13, shape: log}");
  put("q_smooth_factor: 0.9", "q_smooth_factor: {from: 0.5, to: 0.95, steps: 8, shape: cosine}");
  RunConfig wanted = config("");
  wanted.transform_config = folder_.write("ramp.yaml", text).string();
  check_resume(wanted);
  EXPECT_EQ(tests::content_of(folder_ / "resumed/transform.yaml"), text);
  EXPECT_TRUE(says(folder_ / "resumed", "q_lut_min 0.3 → 0.001 over 13 steps, log"));
}

TEST_F(Train, ResumingIsBitExactWithBitFlipsOfAMovingProbability) {
  RunConfig wanted = config("");
  wanted.transform_config = folder_.write("bitflip.yaml", kBitflip).string();
  wanted.layer_stats_steps = 5;
  check_resume(wanted);
  EXPECT_TRUE(says(folder_ / "resumed", "x_p_frac 0.002 → 0.06 over 12 steps, log"));
  double flips = 0;
  for (const LayerStats& each : events_of_type<LayerStats>(folder_ / "through"))
    for (const LayerStat& stat : each.values)
      if (stat.statistic == "x_fraction_flips") flips += stat.value;
  EXPECT_GT(flips, 0);
  wanted = config("plain");
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_NE(events_of_type<StepLogged>(folder_ / "plain").back().loss,
            events_of_type<StepLogged>(folder_ / "through").back().loss);
}

TEST_F(Train, LearnsUnderBitFlipsFromScratch) {
  RunConfig wanted = config("run");
  wanted.model_name_or_path.reset();
  wanted.config_name = folder_.write("scratch/config.json", tests::tiny_llama_config()).string();
  wanted.tokenizer_name = (folder_ / "model").string();
  wanted.transform_config = folder_.write("bitflip.yaml", kBitflip).string();
  wanted.max_steps = 40;
  wanted.learning_rate = 5e-3;
  ASSERT_TRUE(run(wanted).finished);
  const auto steps = events_of_type<StepLogged>(folder_ / "run");
  EXPECT_LT(steps.back().loss, 0.8 * steps.front().loss);
  EXPECT_EQ(events_of_type<LayerTransformed>(folder_ / "run").size(), 14u);
}

// Where a rule leaves the storage format open it is the compute dtype: then another one is another
// fault model.
TEST_F(Train, AFormatThatFollowsTheComputeDtypeIsPartOfTheTransform) {
  RunConfig wanted = config("run");
  wanted.transform_config = folder_.write("bitflip.yaml", kBitflip).string();
  run_one_step(wanted);
  EXPECT_TRUE(says(folder_ / "run", "storage_dtype of model\\.layers\\.[0-9]+\\..*_proj is fp32"));
  EXPECT_NE(tests::content_of(folder_ / "run/run.yaml")
                .find("\n#   model\\.layers\\.[0-9]+\\..*_proj: storage_dtype fp32\n"),
            std::string::npos);
  wanted.bf16 = true;
  EXPECT_EQ(error_of(wanted), "transform-changed");
  wanted.bf16 = false;
  EXPECT_EQ(run_one_step(wanted).step, 2);

  std::string named = kBitflip;
  named.replace(named.find("    x_p_exp"), 0, "    storage_dtype: fp32\n");
  wanted.transform_config = folder_.write("named.yaml", named).string();
  EXPECT_EQ(run_one_step(wanted).step, 3);  // the same effect
  wanted.bf16 = true;
  EXPECT_EQ(run_one_step(wanted).step, 4);
}

TEST_F(Train, ResumesAnotherRunsCheckpointInANewFolder) {
  RunConfig wanted = config("through");
  wanted.save_steps = 5;
  ASSERT_TRUE(run(wanted).finished);
  wanted.output_dir = (folder_ / "branch").string();
  wanted.resume_from_checkpoint = (folder_ / "through/checkpoint-5").string();
  ASSERT_TRUE(run(wanted).finished);
  for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
    EXPECT_TRUE(tests::content_of(folder_ / "through/checkpoint-14" / name) ==
                tests::content_of(folder_ / "branch/checkpoint-14" / name));
  }
}

TEST_F(Train, ADamagedNewestCheckpointIsPassedOverAndNamed) {
  RunConfig wanted = config("run");
  for (int step = 1; step <= 3; ++step) run_one_step(wanted);
  std::ofstream(folder_ / "run/checkpoint-3/optimizer.safetensors", std::ios::app) << "x";
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_TRUE(says(folder_ / "run", "checkpoint-3 is passed over"));
  EXPECT_TRUE(says(folder_ / "run", "resuming from checkpoint-2"));
  wanted.output_dir = (folder_ / "through").string();
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_TRUE(tests::content_of(folder_ / "through/model.safetensors") ==
              tests::content_of(folder_ / "run/model.safetensors"));
}

TEST_F(Train, OutputFolderRules) {
  RunConfig wanted = config("run");
  wanted.max_steps = 2;
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_EQ(error_of(wanted), "output-dir-finished");

  wanted.overwrite_output_dir = true;
  wanted.max_steps = 1;
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_FALSE(fs::exists(folder_ / "run/checkpoint-2"));
  EXPECT_TRUE(fs::exists(folder_ / "run/checkpoint-1"));
  EXPECT_EQ(events_of_type<RunStarted>(folder_ / "run").size(), 1u);

  wanted = config("foreign");
  folder_.write("foreign/thesis.tex", "mine");
  EXPECT_EQ(error_of(wanted), "output-dir-not-empty");
  EXPECT_EQ(tests::content_of(folder_ / "foreign/thesis.tex"), "mine");
  EXPECT_FALSE(fs::exists(folder_ / "foreign/run.lock"));

  wanted = config("locked");
  fs::create_directories(folder_ / "locked");
  {
    const auto lock = RunLock::acquire(folder_ / "locked");
    ASSERT_TRUE(lock);
    EXPECT_EQ(error_of(wanted), "output-dir-locked");
  }
  wanted = config("text.txt");
  EXPECT_EQ(error_of(wanted), "bad-output-dir");
  wanted = config("text.txt/below");
  EXPECT_EQ(error_of(wanted), "cannot-write");
}

TEST_F(Train, OverwritingNeverRemovesWhatIsNoRuns) {
  RunConfig wanted = config("model");  // the checkpoint it starts from
  wanted.overwrite_output_dir = true;
  const std::string weights = tests::content_of(folder_ / "model/model.safetensors");
  EXPECT_EQ(error_of(wanted), "output-dir-is-source");
  EXPECT_TRUE(tests::content_of(folder_ / "model/model.safetensors") == weights);

  wanted.output_dir = (folder_ / "other").string();
  folder_.write("other/config.json", "{}");
  EXPECT_EQ(error_of(wanted), "output-dir-not-a-run");
  EXPECT_EQ(tests::content_of(folder_ / "other/config.json"), "{}");

  wanted.output_dir = (folder_ / "devices").string();
  folder_.write("devices/transform.mine.pt", "a module of somebody");
  EXPECT_EQ(error_of(wanted), "output-dir-not-a-run");
  EXPECT_EQ(tests::content_of(folder_ / "devices/transform.mine.pt"), "a module of somebody");

  wanted.output_dir = (folder_ / "trainer").string();
  folder_.write("trainer/checkpoint-500/trainer_state.json", "{}");
  EXPECT_EQ(error_of(wanted), "output-dir-not-a-run");
  EXPECT_TRUE(fs::exists(folder_ / "trainer/checkpoint-500/trainer_state.json"));

  // A run that starts from its own folder's checkpoint.
  RunConfig first = config("run");
  first.max_steps = 1;
  ASSERT_TRUE(run(first).finished);
  first.model_name_or_path = (folder_ / "run/checkpoint-1").string();
  first.overwrite_output_dir = true;
  EXPECT_EQ(error_of(first), "output-dir-is-source");
  EXPECT_TRUE(fs::exists(folder_ / "run/checkpoint-1/model.safetensors"));
}

TEST_F(Train, ARefusedFolderKeepsWhatWasInIt) {
  folder_.write("foreign/.trash-mine/letter.txt", "kept");
  EXPECT_EQ(error_of(config("foreign")), "output-dir-not-empty");
  EXPECT_EQ(tests::content_of(folder_ / "foreign/.trash-mine/letter.txt"), "kept");

  fs::create_symlink("nowhere", folder_ / "link");
  EXPECT_EQ(error_of(config("link")), "cannot-write");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_EQ(error_of(config("loop")), "cannot-write");
  EXPECT_TRUE(fs::is_symlink(folder_ / "loop"));
}

TEST_F(Train, WhatFailsBeforeTheFirstStepLeavesNothingBehind) {
  RunConfig wanted = config("deep/er/run");
  wanted.model_name_or_path = (folder_ / "nowhere").string();
  EXPECT_NE(error_of(wanted), "");
  EXPECT_FALSE(fs::exists(folder_ / "deep"));

  wanted = config("deep/er/run");
  wanted.transform_config =
      folder_
          .write("frozen.yaml",
                 std::string(kOptical).replace(std::string(kOptical).find("q_bypass: false"), 15,
                                               "mode: freeze"))
          .string();
  EXPECT_NE(error_of(wanted),
            "");  // found by the first forward pass: ranges that were never observed
  EXPECT_FALSE(fs::exists(folder_ / "deep"));

  wanted = config("deep/er/run");
  RunControl control;
  EXPECT_THROW(train(wanted, control, [](const std::string&, double, double) { return false; }),
               Error);
  EXPECT_FALSE(fs::exists(folder_ / "deep"));

  std::string huge = tests::content_of(folder_ / "model/config.json");
  for (const auto& [from, to] :
       {std::pair{"\"hidden_size\": 32", "\"hidden_size\": 65536"},
        std::pair{"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 900"}}) {
    ASSERT_NE(huge.find(from), std::string::npos);
    huge.replace(huge.find(from), std::string(from).size(), to);
  }
  wanted.model_name_or_path.reset();
  wanted.config_name = folder_.write("huge/config.json", huge).string();
  wanted.tokenizer_name = (folder_ / "model").string();
  EXPECT_EQ(error_of(wanted), "too-little-memory");
  EXPECT_FALSE(fs::exists(folder_ / "deep"));

  setenv("WORLD_SIZE", "2", 1);
  EXPECT_EQ(error_of(wanted), "distributed");
  unsetenv("WORLD_SIZE");
}

TEST_F(Train, AnotherTransformIsRefusedOnResume) {
  RunConfig wanted = config("run");
  wanted.transform_config = (folder_ / "optical.yaml").string();
  run_one_step(wanted);
  wanted.transform_config = "none";
  EXPECT_EQ(error_of(wanted), "transform-changed");
  wanted.transform_config = (folder_ / "other.yaml").string();  // other text, the same effect
  EXPECT_EQ(run_one_step(wanted).step, 2);
  wanted.transform_config.reset();
  EXPECT_EQ(run_one_step(wanted).step, 3);
  EXPECT_TRUE(says(folder_ / "run", "recorded in the checkpoint is applied again"));
  wanted.transform_config = "none";
  wanted.allow_transform_change = true;
  EXPECT_EQ(run_one_step(wanted).step, 4);
  EXPECT_FALSE(fs::exists(folder_ / "run/checkpoint-4/simulation_state.safetensors"));
  EXPECT_FALSE(fs::exists(folder_ / "run/checkpoint-4/transform.yaml"));
}

TEST_F(Train, OtherTextIsRefusedOnResume) {
  RunConfig wanted = config("run");
  run_one_step(wanted);
  folder_.write("text.txt", tests::tiny_text(1500, 8));
  EXPECT_EQ(error_of(wanted), "data-changed");
}

TEST_F(Train, BypassIsBitIdenticalToThePlainModel) {
  RunConfig plain = config("plain");
  ASSERT_TRUE(run(plain).finished);
  RunConfig bypass = config("bypass");
  std::string text = kOptical;
  bypass.transform_config =
      folder_.write("bypass.yaml", text.replace(text.find("q_bypass: false"), 15, "q_bypass: true"))
          .string();
  ASSERT_TRUE(run(bypass).finished);
  const auto a = events_of_type<StepLogged>(folder_ / "plain");
  const auto b = events_of_type<StepLogged>(folder_ / "bypass");
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].loss, b[i].loss);
  EXPECT_TRUE(tests::content_of(folder_ / "plain/model.safetensors") ==
              tests::content_of(folder_ / "bypass/model.safetensors"));
}

TEST_F(Train, EvaluationDuringTrainingChangesNothing) {
  RunConfig without = config("without");
  without.validation_file = folder_.write("validation.txt", tests::tiny_text(300, 9)).string();
  without.transform_config = (folder_ / "optical.yaml").string();
  RunConfig with = without;
  with.output_dir = (folder_ / "with").string();
  with.eval_steps = 4;
  with.do_eval = true;
  with.per_device_eval_batch_size = 3;
  ASSERT_TRUE(run(without).finished);
  ASSERT_TRUE(run(with).finished);
  EXPECT_TRUE(tests::content_of(folder_ / "with/model.safetensors") ==
              tests::content_of(folder_ / "without/model.safetensors"));
  EXPECT_TRUE(tests::content_of(folder_ / "with/simulation_state.safetensors") ==
              tests::content_of(folder_ / "without/simulation_state.safetensors"));
  const auto evaluations = events_of_type<Evaluated>(folder_ / "with");
  ASSERT_EQ(evaluations.size(), 4u);  // 4, 8, 12, 14
  EXPECT_EQ(evaluations.back().step, 14);
  EXPECT_GT(evaluations.back().perplexity, 1);

  // The command eval on the finished run measures the same, in other batches too: the recorded
  // transform applies.
  EvalConfig eval;
  eval.model_name_or_path = (folder_ / "with").string();
  eval.validation_file = without.validation_file;
  eval.block_size = 16;
  eval.device = "cpu";
  eval.per_device_eval_batch_size = 5;
  const EvalResult result = evaluate(eval, {});
  EXPECT_NEAR(result.eval_loss, evaluations.back().eval_loss, 1e-5);
  EXPECT_EQ(result.eval_tokens, evaluations.back().eval_tokens);
  EXPECT_NE(result.transform.find("transform.yaml"), std::string::npos);
  EXPECT_EQ(result.calibrated_batches, 0);
  eval.transform_config = "none";
  const EvalResult plain = evaluate(eval, {});
  EXPECT_EQ(plain.transform, "none");
  EXPECT_NE(plain.eval_loss, result.eval_loss);
}

TEST_F(Train, EvalCalibratesAModelThatHasNeverSeenTheTransform) {
  EvalConfig eval;
  eval.model_name_or_path = (folder_ / "model").string();
  eval.validation_file = (folder_ / "text.txt").string();
  eval.block_size = 16;
  eval.device = "cpu";
  eval.per_device_eval_batch_size = 2;
  const EvalResult plain = evaluate(eval, {});
  eval.transform_config = (folder_ / "optical.yaml").string();
  eval.calibrate_batches = 3;
  const EvalResult headless = evaluate(eval, {});
  EXPECT_EQ(headless.calibrated_batches, 3);
  EXPECT_EQ(headless.eval_tokens, plain.eval_tokens - 6 * 15);  // the head is not measured
  EXPECT_NE(headless.notes.back().find("calibrated on 3 batches"), std::string::npos);

  eval.train_file = folder_.write("train.txt", tests::tiny_text(800, 3)).string();
  const EvalResult result = evaluate(eval, {});
  EXPECT_EQ(result.calibrated_batches, 3);
  EXPECT_EQ(result.eval_tokens, plain.eval_tokens);
  EXPECT_NE(result.notes.back().find("training text"), std::string::npos);
  EXPECT_NE(result.eval_loss, plain.eval_loss);
  EXPECT_NEAR(result.eval_loss, plain.eval_loss, 0.2 * plain.eval_loss);
  EXPECT_EQ(evaluate(eval, {}).eval_loss, result.eval_loss);

  eval.calibrate_batches = 0;
  try {
    evaluate(eval, {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("model.layers.0.self_attn"), std::string::npos);
    EXPECT_NE(error.problems()[0].remedy.find("--calibrate_batches"), std::string::npos);
  }
}

TEST_F(Train, RopeAsTrainedComputesAndSavesTheModelWithoutTheExportersScaling) {
  tests::write_tiny_llama(folder_ / "exported");
  LlamaConfig exported = read_llama_config(folder_ / "exported/config.json");
  exported.max_position_embeddings = 131072;
  exported.rope_scaling = RopeScaling{.type = "llama3", .factor = 8};
  folder_.write("exported/config.json", llama_config_json(exported));

  RunConfig wanted = config("plain");
  wanted.max_steps = 2;
  ASSERT_TRUE(run(wanted).finished);
  wanted.model_name_or_path = (folder_ / "exported").string();
  wanted.output_dir = (folder_ / "as_trained").string();
  wanted.rope = "as_trained";
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_TRUE(tests::content_of(folder_ / "as_trained/model.safetensors") ==
              tests::content_of(folder_ / "plain/model.safetensors"));
  EXPECT_TRUE(says(folder_ / "as_trained", "as_trained leaves out the llama3 rope scaling"));
  EXPECT_FALSE(read_llama_config(folder_ / "as_trained/config.json").rope_scaling);

  wanted.output_dir = (folder_ / "as_written").string();
  wanted.rope = "config";
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_TRUE(says(folder_ / "as_written", "--rope as_trained"));
  EXPECT_TRUE(read_llama_config(folder_ / "as_written/config.json").rope_scaling);

  EvalConfig eval;
  eval.model_name_or_path = (folder_ / "exported").string();
  eval.validation_file = (folder_ / "text.txt").string();
  eval.block_size = 16;
  eval.device = "cpu";
  eval.rope = "as_trained";
  const double loss = evaluate(eval, {}).eval_loss;
  eval.model_name_or_path = (folder_ / "model").string();
  EXPECT_EQ(evaluate(eval, {}).eval_loss, loss);
}

TEST_F(Train, WeightsThatAreNotFiniteAreAWarning) {
  LlamaConfig model = read_llama_config(folder_ / "model/config.json");
  std::vector<std::string> none;
  TensorMap weights = load_weights(folder_ / "model", model, at::kCPU, none);
  weights.at("model.norm.weight")[0] = std::numeric_limits<float>::quiet_NaN();
  write_tensors(folder_ / "model/model.safetensors", NamedTensors(weights.begin(), weights.end()));

  RunConfig wanted = config("run");
  wanted.max_steps = 1;
  wanted.logging_steps = 1;
  ASSERT_TRUE(run(wanted).finished);
  bool is_warned = false;
  for (const RunMessage& message : events_of_type<RunMessage>(folder_ / "run")) {
    is_warned |= message.level == "warning" &&
                 message.text.find("1 of the 32 values of the tensor model.norm.weight") !=
                     std::string::npos;
  }
  EXPECT_TRUE(is_warned);
  EXPECT_TRUE(says(folder_ / "run", "the gradients are not finite"));
}

TEST_F(Train, RequestsAreObeyed) {
  RunConfig wanted = config("run");
  wanted.max_steps = 100000;
  RunControl control;
  TrainOutcome outcome;
  std::jthread training([&] { outcome = train(wanted, control, {}); });
  const auto wait_for = [&](const std::function<bool()>& condition) {
    for (int tick = 0; tick < 3000 && !condition(); ++tick)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return condition();
  };
  const fs::path dir = folder_ / "run";
  const auto recorded = [&dir] {
    const auto status = RunReader(dir).poll().status;
    return status ? status->state : RunState::unknown;
  };
  ASSERT_TRUE(wait_for([&] { return recorded() == RunState::running; }));
  write_control_request(dir, RunRequest::checkpoint);
  EXPECT_TRUE(wait_for([&] { return !list_checkpoints(dir).empty(); }));
  write_control_request(dir, RunRequest::pause);
  EXPECT_TRUE(wait_for([&] { return recorded() == RunState::paused; }));
  EXPECT_EQ(error_of(wanted), "output-dir-locked");
  const auto steps = events_of_type<StepLogged>(dir).size();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(events_of_type<StepLogged>(dir).size(), steps);
  write_control_request(dir, RunRequest::resume);
  EXPECT_TRUE(wait_for([&] { return events_of_type<StepLogged>(dir).size() > steps; }));
  control.request(RunRequest::stop);
  training.join();
  EXPECT_TRUE(outcome.stopped);
  EXPECT_EQ(outcome.last_checkpoint, "checkpoint-" + std::to_string(outcome.step));
  EXPECT_EQ(recorded(), RunState::stopped);
}

/// A training on a thread, steered through its folder.
class SteeredRun {
 public:
  explicit SteeredRun(const RunConfig& config)
      : dir_(config.output_dir),
        thread_([this, config] { outcome_ = train(config, control_, {}); }) {}

  bool wait_for(const std::function<bool()>& condition) const {
    for (int tick = 0; tick < 6000 && !condition(); ++tick)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return condition();
  }
  RunStatus status() const { return RunReader(dir_).poll().status.value_or(RunStatus{}); }
  bool wait_until(RunState state) const {
    return wait_for([&] { return status().state == state; });
  }
  std::optional<ControlAnswered> answer_to(const std::string& id) const {
    for (const ControlAnswered& answer : events_of_type<ControlAnswered>(dir_)) {
      if (answer.id == id) return answer;
    }
    return std::nullopt;
  }
  bool wait_for_answer(const std::string& id) const {
    return wait_for([&] { return answer_to(id).has_value(); });
  }
  TrainOutcome join() {
    thread_.join();
    return outcome_;
  }

 private:
  fs::path dir_;
  RunControl control_;
  TrainOutcome outcome_;
  std::jthread thread_;
};

TEST_F(Train, EveryRequestIsAnsweredUnderItsId) {
  RunConfig wanted = config("run");
  wanted.max_steps = 100000;
  const fs::path dir = folder_ / "run";
  SteeredRun run(wanted);
  ASSERT_TRUE(run.wait_until(RunState::running));
  const std::string pause = write_control_request(dir, RunRequest::pause);
  ASSERT_TRUE(run.wait_for_answer(pause));
  EXPECT_EQ(run.status().state, RunState::paused);
  EXPECT_EQ(run.status().granted_id, pause);
  const std::int64_t paused_at = run.answer_to(pause)->step;

  // A checkpoint while paused is one of a whole step, and is there at once.
  const std::string save = write_control_request(dir, RunRequest::checkpoint);
  ASSERT_TRUE(run.wait_for_answer(save));
  EXPECT_EQ(run.answer_to(save)->text, "Saved checkpoint-" + std::to_string(paused_at));
  EXPECT_FALSE(damage_in(RunFolder{dir}.checkpoint(paused_at), FileCheck::hashes));
  EXPECT_EQ(run.status().state, RunState::paused);

  const std::string less = write_control_request(
      dir, RunExtension{.max_steps = 10, .schedule = ScheduleChange::stretch});
  ASSERT_TRUE(run.wait_for_answer(less));
  EXPECT_EQ(run.answer_to(less)->outcome, "refused");

  const std::string resume = write_control_request(dir, RunRequest::resume);
  ASSERT_TRUE(run.wait_for_answer(resume));
  ASSERT_TRUE(run.wait_until(RunState::running));
  const std::string stop = write_control_request(dir, RunRequest::stop_now);
  const TrainOutcome outcome = run.join();
  EXPECT_TRUE(outcome.stopped);
  EXPECT_TRUE(run.answer_to(stop));
  EXPECT_EQ(outcome.last_checkpoint, "checkpoint-" + std::to_string(paused_at)) << "it stands";
}

/// Extends a run when it pauses, lets it end, and returns the step it was extended at.
std::int64_t extend_in_the_middle(const RunConfig& wanted, const RunExtension& extension) {
  SteeredRun run(wanted);
  EXPECT_TRUE(run.wait_for([&] {
    return fs::exists(fs::path(wanted.output_dir) / "control") ||
           run.status().state == RunState::running;
  }));
  write_control_request(wanted.output_dir, RunRequest::pause);
  EXPECT_TRUE(run.wait_until(RunState::paused));
  const std::string id = write_control_request(wanted.output_dir, extension);
  EXPECT_TRUE(run.wait_for_answer(id));
  EXPECT_EQ(run.answer_to(id)->outcome, "done");
  EXPECT_EQ(run.status().max_steps, extension.max_steps);
  write_control_request(wanted.output_dir, RunRequest::resume);
  EXPECT_TRUE(run.join().finished);
  return run.answer_to(id)->step;
}

TEST_F(Train, AnExtensionThatContinuesTheScheduleKeepsItsLastRate) {
  RunConfig wanted = config("run");
  wanted.max_steps = 300;
  wanted.logging_steps = 1;
  wanted.warmup_ratio = 0.1;
  wanted.warmup_steps = 0;
  const std::int64_t at = extend_in_the_middle(wanted, {320, ScheduleChange::keep});
  ASSERT_LT(at, 300);
  const auto extended = events_of_type<RunExtended>(folder_ / "run");
  ASSERT_EQ(extended.size(), 1u);
  EXPECT_EQ(extended.front().before, 300);
  EXPECT_EQ(extended.front().step, at);
  EXPECT_TRUE(says(folder_ / "run", "max_steps goes from 300 to 320"));

  // The same run, started with what run.yaml says now: the same bits.
  std::vector<Problem> problems;
  RunConfig again = run_config_from(
      parse_run_yaml(tests::content_of(folder_ / "run/run.yaml"), "run.yaml", problems));
  EXPECT_EQ(again.max_steps, 320);
  EXPECT_EQ(again.lr_schedule_steps, 300);
  again.output_dir = (folder_ / "again").string();
  ASSERT_TRUE(run(again).finished);
  expect_same_result(folder_ / "run", folder_ / "again", "checkpoint-320");
  const auto steps = events_of_type<StepLogged>(folder_ / "run");
  EXPECT_EQ(steps.back().learning_rate, steps[299].learning_rate);
}

TEST_F(Train, AnExtensionThatStretchesTheScheduleIsResumedExactly) {
  RunConfig wanted = config("run");
  wanted.max_steps = 300;
  wanted.logging_steps = 1;
  wanted.save_steps = 305;
  const std::int64_t at = extend_in_the_middle(wanted, {320, ScheduleChange::stretch});
  const auto steps = events_of_type<StepLogged>(folder_ / "run");
  const LrSchedule before{.type = "linear", .peak = 1e-3, .warmup_steps = 2, .total_steps = 300};
  const LrSchedule after{.type = "linear", .peak = 1e-3, .warmup_steps = 2, .total_steps = 320};
  EXPECT_EQ(steps[std::size_t(at) - 1].learning_rate, before.at(at - 1));
  EXPECT_EQ(steps[std::size_t(at)].learning_rate, after.at(at));
  ASSERT_FALSE(damage_in(RunFolder{folder_ / "run"}.checkpoint(at), FileCheck::hashes));

  // From the checkpoint that the extension made, and from a later one.
  for (const std::int64_t from : {at, std::int64_t{305}}) {
    std::vector<Problem> problems;
    RunConfig again = run_config_from(
        parse_run_yaml(tests::content_of(folder_ / "run/run.yaml"), "run.yaml", problems));
    again.output_dir = (folder_ / ("from" + std::to_string(from))).string();
    again.resume_from_checkpoint = RunFolder{folder_ / "run"}.checkpoint(from).string();
    ASSERT_TRUE(run(again).finished);
    for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
      EXPECT_TRUE(tests::content_of(folder_ / "run/checkpoint-320" / name) ==
                  tests::content_of(fs::path(again.output_dir) / "checkpoint-320" / name));
    }
  }
}

TEST_F(Train, ASaveBesideTheTrainingHoldsTheStepItWasStartedAt) {
  RunConfig wanted = config("sync");
  wanted.transform_config = (folder_ / "optical.yaml").string();
  wanted.save_steps = 2;
  wanted.save_async = false;
  ASSERT_TRUE(run(wanted).finished);
  wanted.output_dir = (folder_ / "async").string();
  wanted.save_async = true;
  ASSERT_TRUE(run(wanted).finished);
  for (std::int64_t step = 2; step <= 14; step += 2) {
    const std::string checkpoint = "checkpoint-" + std::to_string(step);
    for (const char* name :
         {"model.safetensors", "optimizer.safetensors", "simulation_state.safetensors"}) {
      EXPECT_TRUE(tests::content_of(folder_ / "sync" / checkpoint / name) ==
                  tests::content_of(folder_ / "async" / checkpoint / name))
          << checkpoint << "/" << name;
    }
  }
  EXPECT_EQ(events_of_type<CheckpointSaved>(folder_ / "async").size(), 7u);
  expect_same_result(folder_ / "sync", folder_ / "async", "checkpoint-14");
}

TEST_F(Train, TheSentinelNamesThePoisonedLayerAndDoesAsItIsTold) {
  LlamaConfig model = read_llama_config(folder_ / "model/config.json");
  std::vector<std::string> none;
  TensorMap weights = load_weights(folder_ / "model", model, at::kCPU, none);
  weights.at("model.layers.1.mlp.up_proj.weight").view({-1})[7] =
      std::numeric_limits<float>::quiet_NaN();
  write_tensors(folder_ / "model/model.safetensors", NamedTensors(weights.begin(), weights.end()));

  RunConfig wanted = config("mark");
  wanted.transform_config = (folder_ / "optical.yaml").string();
  const TrainOutcome marked = run(wanted);
  ASSERT_TRUE(marked.finished) << marked.message;
  const auto seen = events_of_type<DivergenceSeen>(folder_ / "mark");
  ASSERT_EQ(seen.size(), 1u) << "once, not at every log";
  EXPECT_EQ(seen.front().kind, "non_finite");
  EXPECT_EQ(seen.front().step, 3);
  EXPECT_EQ(seen.front().layer, "model.layers.1.mlp.up_proj") << seen.front().text;
  EXPECT_EQ(seen.front().action, "mark");

  wanted = config("off");
  wanted.sentinel = "off";
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_TRUE(events_of_type<DivergenceSeen>(folder_ / "off").empty());

  wanted = config("stop");
  wanted.sentinel = "stop";
  const TrainOutcome outcome = run(wanted);
  EXPECT_TRUE(outcome.stopped);
  EXPECT_EQ(outcome.step, 3);
  EXPECT_TRUE(list_checkpoints(folder_ / "stop").empty());
  EXPECT_TRUE(says(folder_ / "stop", "are not finite and are not saved"));

  wanted = config("pause");
  wanted.sentinel = "pause";
  SteeredRun paused(wanted);
  ASSERT_TRUE(paused.wait_until(RunState::paused));
  EXPECT_EQ(paused.status().step, 3);
  write_control_request(folder_ / "pause", RunRequest::stop_now);
  EXPECT_TRUE(paused.join().stopped);
}

TEST_F(Train, TheSentinelStopsAtASpikeWithACheckpoint) {
  RunConfig wanted = config("run");
  wanted.max_steps = 60;
  wanted.logging_steps = 1;
  wanted.learning_rate = 1e-5;
  wanted.sentinel = "stop";
  wanted.sentinel_spike = 1e-9;  // any rise of the loss is one
  const TrainOutcome outcome = run(wanted);
  EXPECT_TRUE(outcome.stopped);
  EXPECT_GT(outcome.step, 16);
  EXPECT_LT(outcome.step, 60);
  EXPECT_EQ(outcome.last_checkpoint, "checkpoint-" + std::to_string(outcome.step));
  EXPECT_EQ(events_of_type<DivergenceSeen>(folder_ / "run").front().kind, "loss_spike");
}

TEST_F(Train, CleanShortRunsRaiseNoAlarm) {
  const int runs = std::getenv("PARADIGM_LONG_TESTS") != nullptr ? 200 : 6;
  for (int i = 0; i < runs; ++i) {
    RunConfig wanted = config("run" + std::to_string(i));
    wanted.seed = i;
    wanted.max_steps = 60;
    wanted.logging_steps = 1;
    wanted.layer_stats_steps = 10;
    wanted.learning_rate = i % 2 == 0 ? 1e-3 : 5e-3;
    if (i % 3 == 1) wanted.transform_config = (folder_ / "optical.yaml").string();
    if (i % 3 == 2) {
      wanted.transform_config = folder_.write("bitflip.yaml", kBitflip).string();
    }
    ASSERT_TRUE(run(wanted).finished);
    for (const DivergenceSeen& seen : events_of_type<DivergenceSeen>(wanted.output_dir)) {
      ADD_FAILURE() << i << " at step " << seen.step << ": " << seen.text;
    }
    fs::remove_all(wanted.output_dir);
  }
}

TEST_F(Train, ADiskThatRefusesASaveEndsTheRunAsFailedWithTheLastCheckpointNamed) {
  RunConfig wanted = config("run");
  run_one_step(wanted);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 20000, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const TrainOutcome outcome = run(wanted);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(outcome.failed);
  EXPECT_EQ(outcome.last_checkpoint, "checkpoint-1");
  EXPECT_NE(outcome.message.find("checkpoint-14"), std::string::npos) << outcome.message;
  EXPECT_EQ(state_of(folder_ / "run"), "failed");
  EXPECT_EQ(events_of_type<RunFailed>(folder_ / "run").front().last_checkpoint, "checkpoint-1");
  EXPECT_FALSE(damage_in(folder_ / "run/checkpoint-1", FileCheck::hashes));
  EXPECT_EQ(list_checkpoints(folder_ / "run").size(), 1u);
  EXPECT_TRUE(run(wanted).finished);  // and goes on once there is room
}

TEST_F(Train, RotationAndEpochSaves) {
  RunConfig wanted = config("run");
  wanted.save_strategy = "epoch";
  wanted.save_total_limit = 2;
  ASSERT_TRUE(run(wanted).finished);
  const auto saved = events_of_type<CheckpointSaved>(folder_ / "run");
  ASSERT_GE(saved.size(), 2u);
  EXPECT_EQ(list_checkpoints(folder_ / "run").size(), std::min<std::size_t>(2, saved.size()));
  EXPECT_EQ(list_checkpoints(folder_ / "run").back().step, 14);
}

TEST_F(Train, TrainsFromScratchAndGrowsTheEmbeddingToTheTokenizer) {
  RunConfig wanted = config("run");
  const tests::TinyLlama small{.vocab_size = 100};
  wanted.model_name_or_path.reset();
  wanted.config_name =
      folder_.write("scratch/config.json", tests::tiny_llama_config(small)).string();
  wanted.tokenizer_name = (folder_ / "model").string();
  wanted.max_steps = 2;
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_EQ(read_llama_config(folder_ / "run/config.json").vocab_size, 257);

  tests::write_tiny_llama(folder_ / "small", small);
  wanted = config("grown");
  wanted.model_name_or_path = (folder_ / "small").string();
  wanted.tokenizer_name = (folder_ / "model").string();
  wanted.max_steps = 2;
  ASSERT_TRUE(run(wanted).finished);
  EXPECT_EQ(read_llama_config(folder_ / "grown/config.json").vocab_size, 257);
  EXPECT_TRUE(says(folder_ / "grown", "it grows"));
}

TEST_F(Train, ModeCalibrateObservesBeforeTheFirstStepAndThenHolds) {
  RunConfig wanted = config("run");
  std::string text = kOptical;
  wanted.transform_config =
      folder_
          .write("calibrate.yaml", text.replace(text.find("q_bypass: false"), 15,
                                                "mode: calibrate\n    calibrate_batches: 2"))
          .string();
  wanted.max_steps = 1;
  ASSERT_TRUE(run(wanted).finished);
  const std::string after_one = tests::content_of(folder_ / "run/simulation_state.safetensors");
  EXPECT_TRUE(says(folder_ / "run", "calibrated on the first 8 blocks"));
  wanted.output_dir = (folder_ / "longer").string();
  wanted.max_steps = 3;
  ASSERT_TRUE(run(wanted).finished);
  // The same ranges; only the step in the file's metadata differs.
  const std::string after_three =
      tests::content_of(folder_ / "longer/simulation_state.safetensors");
  EXPECT_EQ(after_one.substr(after_one.size() - 300), after_three.substr(after_three.size() - 300));
}

TEST(PlannedSteps, RoundUpOverEpochsOfWholeSteps) {
  RunConfig config;
  config.per_device_train_batch_size = 4;
  config.gradient_accumulation_steps = 4;
  config.num_train_epochs = 3;
  EXPECT_EQ(planned_steps(config, 40), 6);  // 10 micro-batches: 2 whole steps
  EXPECT_EQ(planned_steps(config, 41), 6);  // 11 micro-batches
  EXPECT_EQ(planned_steps(config, 5), 3);   // less than a step: 1
  config.num_train_epochs = 0.3;
  EXPECT_EQ(planned_steps(config, 40), 1);
  config.max_steps = 7;
  EXPECT_EQ(planned_steps(config, 40), 7);
}

}  // namespace
}  // namespace engine
